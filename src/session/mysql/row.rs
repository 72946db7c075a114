//! Rows as bytes: each value as the server writes it as text, or nothing.
//!
//! Text in the connection's UTF-8 goes back as text; what holds bytes goes back as bytes.

use crate::session::Error;
use crate::session::backup::{Cursor, Encoding, Reader, Writer};
use crate::session::schema::{Column, quoted};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

/// A column as it is read: numbers whose text would be rounded are read with all their digits.
pub(super) fn selected(column: &Column) -> String {
    let name = quoted(&column.name);
    match base(&column.data_type) {
        "float" => format!("({name} + 0e0)"),
        // The clock of a column with a zone is shown in the connection's, which is UTC.
        _ => name,
    }
}

/// Whether a column holds bytes and not text.
pub(super) fn is_binary(column: &Column) -> bool {
    let spatial = [
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
    ];
    let base = base(&column.data_type);
    base.ends_with("blob") || matches!(base, "binary" | "varbinary" | "bit") || spatial.contains(&base)
}

/// The first word of a type: `int` of `int(10) unsigned`.
pub(super) fn base(data_type: &str) -> &str {
    data_type.split(['(', ' ']).next().unwrap_or_default()
}

/// The values of a row that was read.
pub(super) fn values(row: &MySqlRow) -> Result<Row, Error> {
    (0..row.len()).map(|index| Ok(value(row, index)?.map(<[u8]>::to_vec))).collect()
}

fn value(row: &MySqlRow, index: usize) -> Result<Option<&[u8]>, Error> {
    row.try_get_unchecked(index).map_err(Error::database("reading a session"))
}

/// Writes one row: for each value a tag, and after `v` its length and bytes.
pub(super) fn write(row: &MySqlRow, writer: &mut Writer) -> Result<(), Error> {
    for index in 0..row.len() {
        match value(row, index)? {
            None => writer.write(b"n")?,
            Some(bytes) => {
                writer.write(b"v")?;
                // A packet holds 1 GiB at most.
                writer.write(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes())?;
                writer.write(bytes)?;
            }
        }
    }
    Ok(())
}

/// The values of one row, in the order of the table's columns.
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// The rows of a backup, one at a time.
pub(super) struct Rows {
    cursor: Cursor,
    width: usize,
    read: u64,
}

impl Rows {
    pub(super) fn new(reader: Reader, width: usize) -> Result<Self, Error> {
        Ok(Self { cursor: Cursor::new(reader, Encoding::MySqlText)?, width, read: 0 })
    }

    /// The next row, or `None` at the end of a file that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        if !self.cursor.has_more()? {
            self.cursor.check(self.read)?;
            return Ok(None);
        }
        self.read += 1;
        let mut row = Vec::with_capacity(self.width);
        for _ in 0..self.width {
            row.push(match self.cursor.array()? {
                [b'n'] => None,
                [b'v'] => Some(self.cursor.bytes()?),
                _ => return Err(self.cursor.damaged()),
            });
        }
        Ok(Some(row))
    }

    /// The next rows: at most so many, and hardly more than so many bytes. None at the end of a whole file.
    pub(super) fn batch(&mut self, most: usize, bytes: usize) -> Result<Vec<Row>, Error> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while batch.len() < most && size < bytes {
            let Some(values) = self.next()? else { break };
            size += values.iter().flatten().map(Vec::len).sum::<usize>();
            batch.push(values);
        }
        Ok(batch)
    }

    /// How many rows were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }
}
