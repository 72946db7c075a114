//! Standard input as a source.

use super::{Blob, Error, Key, Progress, Visit, content};
use crate::coverage::Coverage;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;

/// A stream that is read once, in windows, so that it may be of any length.
pub struct StreamSource {
    reader: Mutex<Box<dyn Read + Send>>,
}

impl StreamSource {
    /// Takes the stream.
    pub fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader: Mutex::new(reader) }
    }

    pub(super) fn each_blob(&self, progress: &Progress, visit: &Visit<'_>) -> Result<Coverage, Error> {
        let mut reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = content::each_window(&mut **reader, &mut |content| {
            visit(Blob { key: Key::Stdin, content });
            !progress.stopped()
        })
        .map_err(|source| Error::Unreadable { path: PathBuf::from("-"), source })?;
        progress.count(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(Coverage { files: 1, bytes, ..Coverage::default() })
    }
}
