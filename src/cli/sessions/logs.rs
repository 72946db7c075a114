//! `unleak sessions logs`: the critical lines of an application's log, counted.

use super::arguments::{Form, Output};
use super::say;
use super::settings::Settings;
use crate::cli::{Context, Failure};
use crate::exit::Exit;
use crate::session::{LogPattern, LogReport, LogSearch, LogSeverity};
use flate2::read::MultiGzDecoder;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

/// Search log files for lines that tell of sessions gone wrong; no line is shown.
#[derive(clap::Args)]
#[command(after_help = "\
Looked for are the messages of an Auth.js application that tell of a leak or of a broken session:
    critical  [SESSION-CALLBACK] User ID mismatch
    critical  [AUTH-ADAPTER] Duplicate session token detected
    warning   [SESSION-CALLBACK] User not found
    warning   [AUTH-ADAPTER] Error creating user

Exit codes: 0 no critical line, 1 critical lines, 3 none found but a file could not be read \
to its end.

Examples:
    unleak sessions logs /var/log/app/*.log /var/log/app/*.log.gz
    journalctl -u app --since -1h | unleak sessions logs -
    unleak sessions logs app.log --critical 'session fixation' --warning 'invalid csrf'")]
pub(super) struct Args {
    /// The files; `-` for standard input. What is compressed with gzip is read as well.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A further text that is critical.
    #[arg(long, value_name = "TEXT")]
    critical: Vec<String>,
    /// A further text that is a warning.
    #[arg(long, value_name = "TEXT")]
    warning: Vec<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let given = |texts: &[String], severity| {
        texts.iter().map(move |text| LogPattern { text: text.clone(), severity }).collect::<Vec<_>>()
    };
    let (settings, _) = args.settings.read()?;
    let mut patterns = LogPattern::defaults();
    patterns.extend(given(&settings.logs.critical, LogSeverity::Critical));
    patterns.extend(given(&settings.logs.warning, LogSeverity::Warning));
    patterns.extend(given(&args.critical, LogSeverity::Critical));
    patterns.extend(given(&args.warning, LogSeverity::Warning));
    let search = LogSearch::new(patterns).map_err(Failure::usage)?;
    let (mut reports, mut unread) = (Vec::new(), 0_u64);
    for path in &args.files {
        let error = match open(path).map(|mut log| search.read(&mut log)) {
            Ok((report, error)) => {
                let error = error.map(|error| (format!("was read up to line {} only", report.lines), error));
                reports.push((path, report));
                error
            }
            Err(error) => Some(("was not read".to_owned(), error)),
        };
        if let Some((how, error)) = error {
            unread += 1;
            writeln!(context.err, "warning: {} {how}: {error}", path.display())?;
        }
    }
    let critical = reports.iter().flat_map(|(_, report)| &report.findings);
    let critical = critical.filter(|finding| finding.severity == LogSeverity::Critical);
    let critical: u64 = critical.map(|finding| finding.count).sum();
    if args.form.format == Output::Json {
        let files: Vec<_> = reports
            .iter()
            .map(|(path, report)| json!({"file": path.display().to_string(), "report": report}))
            .collect();
        let body = json!({
            "schema": "unleak.sessions.logs/v1", "critical": critical, "files": files, "unread": unread,
        });
        writeln!(context.out, "{body:#}")?;
    } else {
        for (path, report) in &reports {
            human(path, report, context)?;
        }
    }
    if critical > 0 {
        say(context, "What to do about it: unleak sessions triage --mismatch, or --duplicates\n")?;
    }
    Ok(match (critical, unread) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Incomplete,
        _ => Exit::Findings,
    })
}

/// The text of a log, as it is or out of gzip.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let raw: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    let mut raw = BufReader::new(raw);
    let is_gzip = raw.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) })
}

fn human(path: &Path, report: &LogReport, context: &mut Context) -> Result<(), Failure> {
    writeln!(context.out, "{}: {} lines", path.display(), report.lines)?;
    for found in &report.findings {
        let severity = match found.severity {
            LogSeverity::Critical => "critical",
            LogSeverity::Warning => "warning",
        };
        let where_from = match (found.first_line, found.last_line) {
            (first, last) if first == last => format!("line {first}"),
            (first, last) => format!("lines {first} to {last}"),
        };
        writeln!(context.out, "  {severity:<8}  {}  {} ({where_from})", found.count, found.pattern)?;
    }
    if report.findings.is_empty() {
        writeln!(context.out, "  ok        none of the texts is there")?;
    }
    Ok(())
}
