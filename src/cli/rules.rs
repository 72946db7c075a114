//! `unleak rules`: what is looked for, what each rule means, and whether rules do what they say.

use super::{Context, Failure};
use crate::detect::check;
use crate::exit::Exit;
use crate::finding::Severity;
use crate::report::count;
use crate::rule::{self, Promise, Rule};
use anstyle::{AnsiColor, Style};
use clap::{Subcommand, ValueEnum};
use std::cmp::Reverse;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// List the rules, explain one, or check rule files.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the built-in rules.
    #[command(after_help = "Examples:\n  unleak rules list\n  unleak rules list --format json")]
    List {
        /// A table for people, or the complete rules as JSON.
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Explain one rule: what it finds, what it does not, and what to do when it does.
    #[command(after_help = "Example:\n  unleak rules show session-secret")]
    Show {
        /// The rule's id; `unleak rules list` names them all.
        id: String,
    },
    /// Check rules: their form, and every example and counterexample with the detector that scans.
    #[command(after_help = "Examples:\n  unleak rules check\n  unleak rules check my-rules.yaml")]
    Check {
        /// A rule file or a folder of them [default: the built-in rules].
        path: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args, context: &mut Context) -> Result<Exit, Failure> {
    match &args.action {
        Action::List { format } => list(*format, context),
        Action::Show { id } => show(id, context),
        Action::Check { path } => check(path.as_deref(), context),
    }
}

fn list(format: Format, context: &mut Context) -> Result<Exit, Failure> {
    let mut rules = rule::builtin_with_examples();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut context.out, &rules).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
        Format::Human => {
            let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
            for rule in &rules {
                let style = severity_style(rule.severity);
                let (severity, confidence) = (rule.severity.to_string(), rule.confidence.to_string());
                writeln!(
                    context.out,
                    "{:width$}  {style}{severity:8}{style:#}  {confidence:6}  {}",
                    rule.id, rule.title
                )?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => Style::new(),
    }
}

fn show(id: &str, context: &mut Context) -> Result<Exit, Failure> {
    let rules = rule::builtin_with_examples();
    let rule = rules.iter().find(|rule| rule.id == id).ok_or_else(|| unknown(id, &rules))?;
    let (bold, out) = (Style::new().bold(), &mut context.out);
    writeln!(out, "{bold}{}{bold:#}\n{}\n", rule.id, rule.title)?;
    writeln!(out, "severity    {}\nconfidence  {}", rule.severity, rule.confidence)?;
    writeln!(out, "keywords    {}\nreference   {}\n", rule.keywords.join(", "), rule.reference)?;
    if !rule.part_of.is_empty() {
        let whole = rule.part_of.join(", ");
        writeln!(out, "{bold}Part of{bold:#}\n  {whole}: near one of these it is told as a place of it\n")?;
    }
    writeln!(out, "{bold}When it leaks{bold:#}\n  {}\n", rule.advice)?;
    for (heading, lines) in [("Finds", &rule.examples), ("Does not find", &rule.counterexamples)] {
        writeln!(out, "{bold}{heading}{bold:#}")?;
        for line in lines {
            writeln!(out, "  {}", line.replace('\n', "\n  "))?;
        }
        writeln!(out)?;
    }
    let heading = if rule.named { "Pattern of the name, whose value is looked for" } else { "Pattern" };
    writeln!(out, "{bold}{heading}{bold:#}\n  {}", rule.pattern)?;
    if let Some(promise) = rule.promise {
        let promise = match promise {
            Promise::Password => "a password: it mixes characters, and is no word, placeholder or code",
            Promise::Key => "what a generator makes: long, irregular, and no words, placeholder or code",
        };
        writeln!(out, "\n{bold}The value must look like{bold:#}\n  {promise}")?;
    }
    Ok(Exit::Clean)
}

fn unknown(id: &str, rules: &[Rule]) -> Failure {
    let failure = Failure::usage(format!("there is no rule `{id}`"));
    // Whoever types `github-token` or `stripe` means one of the rules that share most with it.
    let nearest = rules.iter().min_by_key(|rule| {
        let shared = rule.id.split('-').filter(|word| id.split('-').any(|typed| typed == *word)).count();
        (Reverse(shared), distance(id, &rule.id))
    });
    match nearest {
        Some(rule) => failure.hinted(format!("did you mean `{}`? `unleak rules list` names all", rule.id)),
        None => failure,
    }
}

/// How many characters must be added, dropped or replaced to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn check(path: Option<&std::path::Path>, context: &mut Context) -> Result<Exit, Failure> {
    let rules = match path {
        None => rule::builtin_with_examples(),
        Some(path) => rule::from_path(path).map_err(|error| {
            let failure = Failure::from_error(&error, Exit::Usage);
            error.hint().into_iter().fold(failure, Failure::hinted)
        })?,
    };
    let problems = check::check(&rules).map_err(|error| {
        let failure = Failure::from_error(&error, Exit::Usage);
        error.hint().into_iter().fold(failure, Failure::hinted)
    })?;
    let wrong = problems.iter().filter(|problem| !problem.is_warning()).count();
    for problem in &problems {
        let level = if problem.is_warning() { "warning" } else { "error" };
        let place = path.and_then(|path| rule::place(path, &problem.rule, problem.field()));
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        writeln!(context.out, "{level}: {place}{problem}")?;
        if let Some(hint) = problem.hint() {
            writeln!(context.out, "  hint: {hint}")?;
        }
    }
    if wrong > 0 {
        let failure = Failure::usage(format!("{} in the rules", count(wrong as u64, "error")));
        return Err(failure.hinted("an example must be found by its rule alone, a counterexample not by it"));
    }
    let examples: usize = rules.iter().map(|rule| rule.examples.len()).sum();
    let counterexamples: usize = rules.iter().map(|rule| rule.counterexamples.len()).sum();
    writeln!(
        context.out,
        "{} with {} and {}: {}",
        count(rules.len() as u64, "rule"),
        count(examples as u64, "example"),
        count(counterexamples as u64, "counterexample"),
        match problems.len() as u64 {
            0 => "all in order".to_owned(),
            number => count(number, "warning"),
        },
    )?;
    Ok(Exit::Clean)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
