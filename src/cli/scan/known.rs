//! The live values of `--known-from`: where they are read, and what is said about those that are not searched for.

use super::Args;
use crate::cli::{Context, Failure};
use crate::detect::Known;
use crate::finding::Scan;
use crate::live::Live;
use crate::secret::{Redactor, Secret};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

/// Reads all sources. Without any there is no value; when no value of those that were given is left it is an error.
pub(super) fn read(args: &Args, context: &mut Context) -> Result<Live, Failure> {
    let mut live = Live::default();
    for source in &args.known_from {
        match source.as_str() {
            "-" | "stdin" if args.path == Path::new("-") => {
                return Err(Failure::usage(
                    "standard input cannot be both scanned and the source of live values",
                )
                .hinted("give the values as a .env file or as env:NAME"));
            }
            "-" | "stdin" => {
                live.add_lines(&text("standard input", |bytes| std::io::stdin().read_to_end(bytes))?);
            }
            other => match other.strip_prefix("env:") {
                Some(name) => variables(name, context, &mut live)?,
                None => {
                    let file = || std::fs::File::open(other);
                    live.add_dotenv(&text(other, |bytes| file()?.read_to_end(bytes))?);
                }
            },
        }
    }
    let refused = refused(&live);
    if live.values().is_empty() && !args.known_from.is_empty() {
        let what = if refused.is_empty() { "there is none".to_owned() } else { refused.join("; ") };
        return Err(Failure::usage(format!("no value of --known-from can be searched for: {what}"))
            .hinted("name a .env file with the secrets that are in use, or env:NAME"));
    }
    if !context.quiet {
        for line in refused {
            context.err.write_all(format!("warning: not searched for: {line}\n").as_bytes())?;
        }
    }
    Ok(live)
}

/// What takes the values that were found out of a report. An address is left in it when its password goes: parts of it
/// stand in many texts.
pub(super) fn redactor(live: &Live, scan: &Scan) -> Option<Redactor> {
    let found: BTreeSet<&String> = scan.findings.iter().flat_map(|finding| &finding.live_in).collect();
    let values: Vec<_> = live.values().iter().filter(|(name, _)| found.contains(name)).collect();
    let is_address = |value: &Secret| value.expose().windows(3).any(|part| part == b"://");
    let is_covered = |(name, value): &&&(String, Secret)| {
        is_address(value) && values.iter().any(|(other, password)| other == name && !is_address(password))
    };
    let hidden = values.iter().filter(|value| !is_covered(value)).map(|(_, value)| value);
    (!values.is_empty()).then(|| Redactor::new(hidden))
}

/// The values for the detector.
pub(super) fn known(live: &Live) -> Known {
    Known::new(live.values().iter().cloned())
}

fn text(name: &str, read: impl FnOnce(&mut Vec<u8>) -> std::io::Result<usize>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let failed = |what: String| {
        Failure::usage(format!("cannot read the live values of {name}: {what}"))
            .hinted("a source is the path of a .env file, env:NAME, or - for standard input")
    };
    read(&mut bytes).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failed("it is no UTF-8 text".to_owned()))
}

fn variables(name: &str, context: &Context, live: &mut Live) -> Result<(), Failure> {
    let Some(prefix) = name.strip_suffix('*') else {
        let value = context.env(name).ok_or_else(|| {
            Failure::usage(format!("the environment variable {name} of --known-from is not set or empty"))
                .hinted("name one that is set, or a prefix: env:APP_*")
        })?;
        live.add(name, &Secret::from(value.as_encoded_bytes()));
        return Ok(());
    };
    for (name, value) in context.env_starting_with(prefix) {
        live.add_if_secret(&name, &Secret::from(value.as_encoded_bytes()));
    }
    Ok(())
}

/// `PORT, MODE (shorter than 8 bytes)`
fn refused(live: &Live) -> Vec<String> {
    let line = |(reason, names): (&crate::detect::Unfit, &Vec<String>)| {
        let mut line = names.join(", ");
        write!(line, " ({reason})").expect("a string takes any text");
        line
    };
    live.refused().iter().map(line).collect()
}
