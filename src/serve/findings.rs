//! The report of the last scan, which holds no secret. The next scan replaces it, so it is read again whenever the file is
//! another one than before.

use super::app::App;
use super::{Problem, files};
use axum::body::Bytes;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// No report that is looked at in a browser is larger.
const LARGEST: u64 = 16 << 20;

/// A report, as it stands in its file and as what it says.
pub(super) struct Report {
    pub(super) text: Bytes,
    pub(super) value: Value,
}

/// The report that was named when the server was started.
pub(super) struct Findings {
    path: Option<PathBuf>,
    read: Mutex<Option<(Stamp, Arc<Report>)>>,
}

/// When a file was written, and how long it is.
type Stamp = (SystemTime, u64);

impl Findings {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// Whether there is a report to look for.
    pub(super) fn are_named(&self) -> bool {
        self.path.is_some()
    }

    /// The report as it is now.
    fn read(&self) -> Result<Arc<Report>, Problem> {
        let Some(path) = &self.path else {
            return Err(Problem::missing("no report of a scan was named").hinted(Some(
                "write one with `unleak scan --format json --output FILE` and start `unleak serve` with `--findings FILE`"
                    .to_owned(),
            )));
        };
        let failed =
            |reason: String| Problem::internal(format!("{} cannot be used: {reason}", path.display()));
        // Whoever comes meanwhile waits for the one who reads, instead of reading the same.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(path).map_err(|error| failed(error.to_string()))?;
        if let Some((before, report)) = &*read
            && *before == stamp
        {
            return Ok(Arc::clone(report));
        }
        *read = None;
        let report = Arc::new(parse(path).map_err(failed)?);
        *read = Some((stamp, Arc::clone(&report)));
        Ok(report)
    }
}

/// The report as it is now.
pub(super) async fn report(app: &App) -> Result<Arc<Report>, Problem> {
    files::read(app, |app| app.findings.read()).await
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let data = std::fs::metadata(path)?;
    Ok((data.modified()?, data.len()))
}

fn parse(path: &Path) -> Result<Report, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it has more than {} MiB", LARGEST >> 20));
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if value.get("schema") != Some(&json!("unleak.findings/v1")) {
        return Err("it is no report of `unleak scan --format json`".to_owned());
    }
    Ok(Report { text: bytes.into(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_once_and_again_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let write = |findings: &str| {
            let text = format!("{{\"schema\": \"unleak.findings/v1\", \"findings\": {findings}}}");
            crate::durable::write_atomic(&path, text.as_bytes(), crate::durable::Mode::Private).unwrap();
        };
        write("[]");
        let findings = Findings::new(Some(path.clone()));
        let first = findings.read().unwrap();
        assert!(Arc::ptr_eq(&first, &findings.read().unwrap()));
        write("[{}]");
        assert_eq!(findings.read().unwrap().value["findings"], json!([{}]));
        std::fs::remove_file(&path).unwrap();
        assert!(findings.read().is_err() && Findings::new(None).read().is_err());
    }
}
