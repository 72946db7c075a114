//! Where a report goes: to standard output, whole to a file, or as it comes to what is no file.

use super::Args;
use crate::cli::{Context, Failure};
use crate::durable::{self, Mode};
use crate::exit::Exit;
use crate::finding::Scan;
use crate::report;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes the report of a scan.
pub(super) fn write(
    args: &Args,
    scan: &Scan,
    options: &report::Options<'_>,
    context: &mut Context,
) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        return Ok(args.format.write(scan, options, &mut context.out)?);
    };
    let failed = |error: &dyn std::error::Error| {
        let failure = Failure::from_error(error, Exit::Usage);
        failure.hinted(format!("check that {} can be written", path.display()))
    };
    if !is_stream(path) {
        let mut report = anstream::StripStream::new(Vec::new());
        args.format.write(scan, options, &mut report)?;
        let written = durable::write_atomic(path, &report.into_inner(), Mode::Private);
        return written.map_err(|error| failed(&error));
    }
    let written = OpenOptions::new().append(true).open(path).and_then(|stream| {
        let mut stream = io::BufWriter::new(anstream::StripStream::new(stream));
        args.format.write(scan, options, &mut stream)?;
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
