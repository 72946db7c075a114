//! The bounds of one archive with all that is nested in it: a few bytes can claim to hold more than any disk.

use std::cell::Cell;
use std::io::{self, Read};

/// The most bytes that are unpacked of one archive.
const MOST_BYTES: u64 = 2 << 30;

/// So many bytes are unpacked whatever the ratio is.
const FREE_BYTES: u64 = 64 << 20;

/// How many bytes one packed byte may become beyond that. Logs and dumps reach a hundred.
const MOST_RATIO: u64 = 200;

/// The most members, of all nested archives together.
const MOST_MEMBERS: u64 = 200_000;

/// How much more may be unpacked.
pub(super) struct Budget {
    bytes: Cell<u64>,
    members: Cell<u64>,
}

impl Budget {
    /// Of an archive of so many bytes.
    pub(super) fn of(size: u64) -> Self {
        let bytes = size.saturating_mul(MOST_RATIO).saturating_add(FREE_BYTES).min(MOST_BYTES);
        Self { bytes: Cell::new(bytes), members: Cell::new(MOST_MEMBERS) }
    }

    /// Takes one member; false if there were too many.
    pub(super) fn member(&self) -> bool {
        let left = self.members.get().checked_sub(1);
        self.members.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Counts the bytes that are unpacked, and ends with an error when they are too many.
    pub(super) fn metered<R: Read>(&self, inner: R) -> Metered<'_, R> {
        Metered { inner, left: &self.bytes }
    }

    /// Counts bytes that were made of what is unpacked; false if these are too many.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let left = self.bytes.get().checked_sub(bytes);
        self.bytes.set(left.unwrap_or(0));
        left.is_some()
    }

    /// How many more bytes may be unpacked.
    pub(super) fn left(&self) -> u64 {
        self.bytes.get()
    }

    /// Whether a bound was reached.
    pub(super) fn is_spent(&self) -> bool {
        self.bytes.get() == 0 || self.members.get() == 0
    }
}

/// A reader of what is unpacked.
pub(super) struct Metered<'b, R> {
    inner: R,
    left: &'b Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 && !buffer.is_empty() {
            return Err(io::Error::other("it unpacks to more bytes than are read of one archive"));
        }
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}
