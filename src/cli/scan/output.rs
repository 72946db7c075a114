//! Where a report goes: to standard output, whole to a file, or as it comes to what is no file.

use super::Args;
use crate::cli::{Context, Failure};
use crate::durable::{self, Mode};
use crate::exit::Exit;
use crate::finding::Scan;
use crate::report;
use crate::secret::{RedactingWriter, Redactor};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Writes the report of a scan. Besides what the report hides itself, `hidden` takes live values out of all of it.
pub(super) fn write(
    args: &Args,
    scan: &Scan,
    options: &report::Options<'_>,
    hidden: Option<&Redactor>,
    context: &mut Context,
) -> Result<(), Failure> {
    let write_to = |out: &mut dyn Write| match hidden {
        Some(redactor) => {
            let mut out = RedactingWriter::new(out, redactor.clone());
            args.format.write(scan, options, &mut out)?;
            out.finish()
        }
        None => args.format.write(scan, options, out),
    };
    let Some(path) = &args.output else {
        return Ok(write_to(&mut context.out)?);
    };
    let failed = |error: &dyn std::error::Error| {
        let failure = Failure::from_error(error, Exit::Usage);
        failure.hinted(format!("check that {} can be written", path.display()))
    };
    if !is_stream(path) {
        let mut report = anstream::StripStream::new(Vec::new());
        write_to(&mut report)?;
        let written = durable::write_atomic(path, &report.into_inner(), Mode::Private);
        return written.map_err(|error| failed(&error));
    }
    let written = OpenOptions::new().append(true).open(path).and_then(|stream| {
        let mut stream = io::BufWriter::new(anstream::StripStream::new(stream));
        write_to(&mut stream)?;
        stream.flush()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::from(error),
        _ => failed(&error),
    })
}

/// Whether the path leads to a device, a pipe or this process's own output: nothing that could be replaced.
fn is_stream(path: &Path) -> bool {
    let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let own = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    own.iter().any(|own| place.starts_with(own))
        || path.metadata().is_ok_and(|place| !place.is_file() && !place.is_dir())
}
