//! Secrets that a command needs: from a file, the environment or standard input, and never from argv.

use super::{Context, Failure};
use crate::secret::Secret;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// More than any cookie or address.
const LONGEST: u64 = 64 * 1024;

/// Reads a secret from `env:VARIABLE`, `file:PATH` or `stdin`.
pub(super) fn secret(source: &str, context: &Context) -> Result<Secret, Failure> {
    if source == "stdin" {
        return read(io::stdin().lock(), "standard input");
    }
    if let Some(name) = source.strip_prefix("env:") {
        return context.env(name).and_then(|value| value.into_string().ok()).map(Secret::from).ok_or_else(
            || {
                Failure::usage(format!("the environment variable {name} is not set"))
                    .hinted("set and export it, or name another source: `file:PATH`, `env:VARIABLE`")
            },
        );
    }
    match source.strip_prefix("file:") {
        Some(path) => file(Path::new(path)),
        None => Err(Failure::usage("a secret cannot be given on the command line")
            .hinted("say where to read it: `file:PATH`, `env:VARIABLE` or `stdin`")),
    }
}

/// The store's password in the environment, and the variable that holds it: ours, or the one that the store's own
/// client reads.
pub(super) fn password_variable(context: &Context, store: &str) -> Option<(&'static str, Secret)> {
    let own = match store.split(':').next().unwrap_or_default() {
        "postgres" | "postgresql" => "PGPASSWORD",
        "mysql" | "mariadb" => "MYSQL_PWD",
        _ => "REDISCLI_AUTH",
    };
    ["UNLEAK_STORE_PASSWORD", own]
        .into_iter()
        .find_map(|name| Some((name, Secret::from(context.env(name)?.into_string().ok()?))))
}

/// Reads a secret from a file.
pub(super) fn file(path: &Path) -> Result<Secret, Failure> {
    let shown = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| {
        Failure::usage(format!("cannot read {shown}: {error}"))
            .hinted("check the path and its permissions, or name another source")
    })?;
    read(file, &shown)
}

/// Reads everything, without the line end that an editor adds.
fn read(from: impl io::Read, name: &str) -> Result<Secret, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    // Half of a secret is another one.
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::usage(format!(
            "{name} holds more than 64 KiB, which no cookie or address does"
        ))
        .hinted("check the source"));
    }
    Ok(Secret::from(bytes.trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_whole_or_refused() {
        for (length, fits) in [(65_536, true), (65_537, false)] {
            let read = read(io::repeat(b'a').take(length), "it");
            assert_eq!(read.is_ok_and(|secret| secret.expose().len() as u64 == length), fits, "{length}");
        }
    }
}
