//! `unleak ignore add`: looks the findings up by a scan, since neither a report nor a command line holds their values.

use super::{failure, target};
use crate::cli::{Context, Failure, scan};
use crate::durable::Lock;
use crate::exit::Exit;
use crate::finding::{Finding, Occurrence};
use crate::report::count;
use crate::secret::{Redactor, Secret, Values};
use crate::suppress::{Decision, FILE_NAME, IgnoreFile};
use jiff::civil::Date;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A start of a fingerprint that is shorter may be anything.
const SHORTEST: usize = 6;

/// Leave findings out from now on.
///
/// It scans the repository to find them, and writes their entries to .unleakignore. Nothing else is changed; commit the
/// file. An entry that is there already gets the new reason, owner and date.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  unleak ignore add 3f9c61d20b7a4e85 --reason 'documented example'
  unleak ignore add 3f9c61d2 e81207aa --reason 'revoked' --owner ann@example.org --expires 2027-01-31
  unleak ignore add --from report.json --reason 'test data'")]
pub(super) struct Args {
    /// The fingerprints of findings as `unleak scan` shows them on this machine, or their first 6 or more digits.
    #[arg(required_unless_present = "from")]
    fingerprint: Vec<String>,
    /// All findings of a report in the JSON format. One of another machine has other fingerprints: of its findings those
    /// are looked up that stand in a commit, by that and the place in it.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    from: Option<PathBuf>,
    /// Why they are left out.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who answers for that.
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    /// The last day on which they are left out, in UTC.
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires: Option<Date>,
    /// The repository or folder.
    #[arg(long = "in", default_value = ".", value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    whole: scan::Whole,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    let wanted = match &args.from {
        Some(path) => of_report(path)?,
        None => {
            let starts = args.fingerprint.iter().map(|start| checked(start));
            starts
                .map(|start| Ok(Wanted { start: start?, ..Wanted::default() }))
                .collect::<Result<_, Failure>>()?
        }
    };
    let decision = decision(args)?;
    let done = args.whole.scan(&args.path, &["--no-ignore-file"], context)?;
    let place = target::place(&done)?;
    let findings = &done.scan.findings;
    let chosen = wanted.iter().map(|wanted| select(wanted, findings)).collect::<Result<Vec<_>, _>>()?;
    refuse_values(&decision, &chosen)?;
    let lock = Lock::beside(&place).map_err(|error| failure(&error.into()))?;
    let mut file = match target::load(&place)? {
        Some(file) => file,
        None => IgnoreFile::new().map_err(|error| failure(&error))?,
    };
    for finding in &chosen {
        let fingerprint = file.add(finding, decision.clone());
        writeln!(context.out, "{fingerprint} {}", finding.rule)?;
    }
    file.save(&place).map_err(|error| failure(&error))?;
    drop(lock);
    if !context.quiet {
        let number = count(chosen.len() as u64, "secret");
        writeln!(context.err, "{number} left out by {FILE_NAME} from now on; commit it.")?;
    }
    Ok(Exit::Clean)
}

fn decision(args: &Args) -> Result<Decision, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty").hinted("say why; whoever reads the file will ask"));
    }
    if let Some(last) = args.expires.filter(|last| *last < scan::today()) {
        return Err(Failure::usage(format!("{last} is past: the entry would not count")));
    }
    Ok(Decision { reason: args.reason.clone(), owner: args.owner.clone(), expires: args.expires })
}

/// Refuses a decision that tells a value: the file is committed.
fn refuse_values(decision: &Decision, chosen: &[&Finding]) -> Result<(), Failure> {
    let secrets = || chosen.iter().map(|finding| &finding.secret);
    let values = Values::new(secrets().map(Secret::expose));
    let short = Redactor::new(secrets().filter(|secret| secret.len() < Values::SHORTEST));
    let texts = [Some(&decision.reason), decision.owner.as_ref()];
    let holds = |text: &String| !values.find(text.as_bytes()).is_empty() || !short.is_clean(text.as_bytes());
    if texts.into_iter().flatten().any(holds) {
        let failure = Failure::usage("the reason or the owner holds a value that is to be left out");
        return Err(failure.hinted("say it without the value: the file is committed"));
    }
    Ok(())
}

fn checked(start: &str) -> Result<String, Failure> {
    let is_hex = start.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || !(SHORTEST..=16).contains(&start.len()) {
        // It is not shown: it may be the value itself.
        let failure = Failure::usage("an argument is no fingerprint");
        return Err(failure.hinted(
            "a fingerprint has 16 hexadecimal digits; `unleak scan` shows them, and 6 of them suffice",
        ));
    }
    Ok(start.to_ascii_lowercase())
}

/// What names a finding.
#[derive(Default)]
struct Wanted {
    /// The start of its fingerprint.
    start: String,
    rule: String,
    /// Where a report saw it.
    places: Vec<Place>,
}

/// The one finding whose fingerprint starts so, or that stands where a report saw it.
fn select<'f>(wanted: &Wanted, findings: &'f [Finding]) -> Result<&'f Finding, Failure> {
    let start = &wanted.start;
    let mut fitting = findings.iter().filter(|finding| finding.fingerprint.to_string().starts_with(start));
    let in_place = |finding: &&Finding| {
        finding.rule == wanted.rule
            && finding.occurrences.iter().any(|here| wanted.places.iter().any(|place| place.is(here)))
    };
    match (fitting.next(), fitting.next()) {
        (Some(finding), None) => Ok(finding),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several findings have fingerprints that start with {start}"))
                .hinted("give more digits"))
        }
        (None, _) => {
            let mut here = findings.iter().filter(in_place);
            here.next().filter(|_| here.next().is_none()).ok_or_else(|| {
                let failure = Failure::usage(format!("no finding here has the fingerprint {start}"));
                failure.hinted("fingerprints differ from machine to machine: take it from a scan on this one. Findings of low confidence are told of only on request and need no entry")
            })
        }
    }
}

/// The parts of a report that name its findings.
#[derive(Deserialize)]
struct Report {
    findings: Vec<Reported>,
}

#[derive(Deserialize)]
struct Reported {
    rule: String,
    secret: ReportedSecret,
    occurrences: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    path: Option<String>,
    line: u32,
    column: u32,
    commit: Option<String>,
}

impl Place {
    /// Whether it is this place. Only what a commit holds is always the same: a line of a file may have another value now.
    fn is(&self, here: &Occurrence) -> bool {
        self.commit.is_some()
            && self.commit == here.commit
            && (&self.path, self.line, self.column) == (&here.path, here.line, here.column)
    }
}

#[derive(Deserialize)]
struct ReportedSecret {
    fingerprint: String,
}

/// The findings of a report.
fn of_report(path: &Path) -> Result<Vec<Wanted>, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read the report `{}`: {error}", path.display())))?;
    // Without what the parser quotes: a report may show values.
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let failure = Failure::usage(format!(
            "`{}`, line {line}, column {column}: this is no report of unleak",
            path.display()
        ));
        failure.hinted("`unleak scan --format json --output FILE` writes one")
    })?;
    let findings = report.findings.into_iter().map(|Reported { rule, secret, occurrences }| {
        Ok(Wanted { start: checked(&secret.fingerprint)?, rule, places: occurrences })
    });
    findings.collect()
}
