//! Takes values out of a backup whose chunks end anywhere.

use super::format::Encoding;
use super::{Chunk, Next, Reader};
use crate::session::Error;

/// The plain text of a backup, piece by piece.
pub(in crate::session) struct Cursor {
    reader: Reader,
    chunk: Chunk,
    at: usize,
    /// How many rows there should be, once the end was reached.
    expected: Option<u64>,
}

impl Cursor {
    pub(in crate::session) fn new(reader: Reader, encoding: Encoding) -> Result<Self, Error> {
        reader.expect(encoding)?;
        Ok(Self { reader, chunk: Chunk::default(), at: 0, expected: None })
    }

    /// Whether anything follows; at the end the file is known to be whole.
    pub(in crate::session) fn has_more(&mut self) -> Result<bool, Error> {
        while self.at == self.chunk.len() {
            if self.expected.is_some() {
                return Ok(false);
            }
            match self.reader.next(&mut self.chunk)? {
                Next::Data => self.at = 0,
                Next::End { rows } => self.expected = Some(rows),
            }
        }
        Ok(true)
    }

    /// Takes as many bytes, over the borders of chunks.
    pub(in crate::session) fn take(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        let mut taken = Vec::new();
        while taken.len() < length {
            if !self.has_more()? {
                return Err(self.reader.damaged());
            }
            let end = self.chunk.len().min(self.at + length - taken.len());
            taken.extend_from_slice(&self.chunk[self.at..end]);
            self.at = end;
        }
        Ok(taken)
    }

    /// The same for a number of known length.
    pub(in crate::session) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.take(N)?);
        Ok(bytes)
    }

    /// Bytes that follow their length.
    pub(in crate::session) fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(length as usize)
    }

    /// The error for content that makes no sense.
    pub(in crate::session) fn damaged(&self) -> Error {
        self.reader.damaged()
    }

    /// Checks at the end that all rows were there.
    pub(in crate::session) fn check(&self, rows: u64) -> Result<(), Error> {
        self.reader.check_rows(rows, self.expected.unwrap_or_default())
    }
}
