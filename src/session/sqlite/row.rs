//! Rows as bytes: each value with its storage class, which the column's type does not tell in SQLite.

use crate::session::Error;
use crate::session::backup::{Cursor, Encoding, Reader, Writer};
use rusqlite::types::ValueRef;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// One value of a row.
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// Writes one row: for each value a tag, and what follows it.
pub(super) fn write(row: &rusqlite::Row<'_>, width: usize, writer: &mut Writer) -> Result<(), Error> {
    for index in 0..width {
        match row.get_ref(index).map_err(Error::database("reading a session"))? {
            ValueRef::Null => writer.write(b"n")?,
            ValueRef::Integer(number) => write_number(writer, *b"i", number.to_be_bytes())?,
            ValueRef::Real(number) => write_number(writer, *b"r", number.to_bits().to_be_bytes())?,
            ValueRef::Text(bytes) => write_bytes(writer, *b"t", bytes)?,
            ValueRef::Blob(bytes) => write_bytes(writer, *b"b", bytes)?,
        }
    }
    Ok(())
}

fn write_number(writer: &mut Writer, tag: [u8; 1], number: [u8; 8]) -> Result<(), Error> {
    writer.write(&tag)?;
    writer.write(&number)
}

fn write_bytes(writer: &mut Writer, tag: [u8; 1], bytes: &[u8]) -> Result<(), Error> {
    write_number(writer, tag, (bytes.len() as u64).to_be_bytes())?;
    writer.write(bytes)
}

impl Value {
    /// Text that is not UTF-8 cannot be bound as text; SQLite turns the same bytes into it.
    pub(super) fn placeholder(&self) -> &'static str {
        match self {
            Self::Text(bytes) if std::str::from_utf8(bytes).is_err() => "CAST(? AS TEXT)",
            _ => "?",
        }
    }

    pub(super) fn bind(
        self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Query<'_, Sqlite, SqliteArguments> {
        match self {
            Self::Null => query.bind(None::<i64>),
            Self::Integer(number) => query.bind(number),
            Self::Real(number) => query.bind(number),
            Self::Blob(bytes) => query.bind(bytes),
            Self::Text(bytes) => match String::from_utf8(bytes) {
                Ok(text) => query.bind(text),
                Err(error) => query.bind(error.into_bytes()),
            },
        }
    }
}

/// The rows of a backup, one at a time.
pub(super) struct Rows {
    cursor: Cursor,
    width: usize,
    read: u64,
}

impl Rows {
    pub(super) fn new(reader: Reader, width: usize) -> Result<Self, Error> {
        Ok(Self { cursor: Cursor::new(reader, Encoding::SqliteValues)?, width, read: 0 })
    }

    /// The next row, or `None` at the end of a file that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        if !self.cursor.has_more()? {
            return Ok(None);
        }
        self.read += 1;
        (0..self.width).map(|_| self.value()).collect::<Result<_, _>>().map(Some)
    }

    /// Checks that all rows were there, and gives their number.
    pub(super) fn finish(self) -> Result<u64, Error> {
        self.cursor.check(self.read)?;
        Ok(self.read)
    }

    fn value(&mut self) -> Result<Value, Error> {
        Ok(match self.cursor.array()? {
            [b'n'] => Value::Null,
            [b'i'] => Value::Integer(i64::from_be_bytes(self.cursor.array()?)),
            [b'r'] => Value::Real(f64::from_bits(u64::from_be_bytes(self.cursor.array()?))),
            [b't'] => Value::Text(self.bytes()?),
            [b'b'] => Value::Blob(self.bytes()?),
            _ => return Err(self.cursor.damaged()),
        })
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let length = u64::from_be_bytes(self.cursor.array()?);
        let length = usize::try_from(length).map_err(|_| self.cursor.damaged())?;
        self.cursor.take(length)
    }
}
