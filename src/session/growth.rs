//! How a session table grows: what it holds now beside what it held at earlier looks, which are kept in the state folder.
//!
//! Growth is told by the day. It is measured from the look that is a day old, else from the oldest one; over less than an
//! hour nothing is said of a day. What is older than the look that the next one will be measured from is forgotten.

use super::{Facts, Store};
use crate::durable::{Mode, create_private_dir, write_atomic};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Looks are kept that are so far apart.
const APART: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// No such file is larger.
const LARGEST: u64 = 64 * 1024;

/// What can be told about how a table grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// Nobody looked before.
    First,
    /// It is this much larger, or smaller, than it was.
    Told(Grown),
    /// Earlier looks could not be read, or this one not be kept, and why.
    Untold(String),
}

/// How much larger a table is than at an earlier look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Grown {
    /// When that was.
    pub since: Timestamp,
    /// For how many seconds.
    pub seconds: i64,
    /// How many rows there were.
    pub rows_before: u64,
    /// How many more there are now.
    pub rows: i64,
    /// How large it was.
    pub bytes_before: u64,
    /// How many more bytes it has now.
    pub bytes: i64,
}

impl Grown {
    /// By how many percent the rows become more in a day; nothing over less than an hour.
    pub fn rows_a_day(&self) -> Option<f64> {
        self.percent(self.rows, self.rows_before)
    }

    /// By how many percent the bytes become more in a day; nothing over less than an hour.
    pub fn bytes_a_day(&self) -> Option<f64> {
        self.percent(self.bytes, self.bytes_before)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of rows and bytes are far below 2^52")]
    fn percent(&self, more: i64, before: u64) -> Option<f64> {
        let long_enough = self.seconds >= APART.as_secs();
        let days = self.seconds as f64 / DAY.as_secs() as f64;
        long_enough.then(|| more as f64 * 100.0 / before.max(1) as f64 / days)
    }
}

impl fmt::Display for Grown {
    /// `+120 rows since 2026-11-21 18:00 UTC (+12 % a day), +3.4 MiB (+8 % a day)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a_day = |percent: Option<f64>| percent.map(|p| format!(" ({p:+.0} % a day)")).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a size for people")]
        let size = self.bytes as f64 / 1_048_576.0;
        write!(
            f,
            "{:+} rows since {}{}, {size:+.1} MiB{}",
            self.rows,
            self.since.strftime("%Y-%m-%d %H:%M UTC"),
            a_day(self.rows_a_day()),
            a_day(self.bytes_a_day())
        )
    }
}

/// What was there at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    at: Timestamp,
    rows: u64,
    bytes: u64,
}

/// The file of one table.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    schema: String,
    store: String,
    table: String,
    looks: Vec<Look>,
}

impl Store {
    /// What the table holds now beside what it held at earlier looks, and keeps this one.
    pub fn growth(&self, state: &Path, facts: &Facts, now: Timestamp) -> Growth {
        let (store, table) = (self.shown(), self.selected().table.name.to_string());
        let name = Sha256::digest(format!("{}\n{table}", self.place()));
        let path = state.join("checks").join(format!("{}.json", hex::encode(&name[..12])));
        let look = Look { at: now, rows: facts.counts.total, bytes: facts.bytes };
        match told(&path, look, &store, &table) {
            Ok(None) => Growth::First,
            Ok(Some(grown)) => Growth::Told(grown),
            Err(why) => Growth::Untold(why),
        }
    }
}

fn told(path: &Path, look: Look, store: &str, table: &str) -> Result<Option<Grown>, String> {
    let mut looks = read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    // A clock that was put back leaves looks that are still to come.
    looks.retain(|earlier| earlier.at < look.at);
    let from = reference(&looks, look.at);
    let grown = looks.get(from).map(|then| Grown {
        since: then.at,
        seconds: look.at.duration_since(then.at).as_secs(),
        rows_before: then.rows,
        rows: look.rows.cast_signed().saturating_sub(then.rows.cast_signed()),
        bytes_before: then.bytes,
        bytes: look.bytes.cast_signed().saturating_sub(then.bytes.cast_signed()),
    });
    if looks.last().is_none_or(|last| look.at.duration_since(last.at) >= APART) {
        looks.drain(..from);
        looks.push(look);
        let (schema, store, table) = ("unleak.growth/v1".to_owned(), store.to_owned(), table.to_owned());
        keep(path, &Kept { schema, store, table, looks })?;
    }
    Ok(grown)
}

/// The look that growth is measured from: the last one that is a day old, else the oldest.
fn reference(looks: &[Look], now: Timestamp) -> usize {
    looks.iter().rposition(|look| now.duration_since(look.at) >= DAY).unwrap_or_default()
}

/// The earlier looks, oldest first; a file that is none is as good as none.
fn read(path: &Path) -> io::Result<Vec<Look>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?.take(LARGEST).read_to_end(&mut bytes)?,
    };
    let mut looks = serde_json::from_slice::<Kept>(&bytes).map(|kept| kept.looks).unwrap_or_default();
    looks.sort_by_key(|look| look.at);
    Ok(looks)
}

fn keep(path: &Path, kept: &Kept) -> Result<(), String> {
    let kept = serde_json::to_vec(kept).map_err(|error| error.to_string())?;
    let folder = path.parent().unwrap_or(path);
    let written = create_private_dir(folder).and_then(|()| write_atomic(path, &kept, Mode::Private));
    written.map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64, rows: u64) -> Look {
        Look { at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours), rows, bytes: rows * 100 }
    }

    #[test]
    fn growth_is_measured_from_a_day_ago_and_what_is_older_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checks/a.json");
        let look = |hours, rows| told(&path, at(hours, rows), "store", "table").unwrap();
        assert_eq!(look(0, 1000), None);
        let grown = look(12, 1100).unwrap();
        assert_eq!((grown.rows, grown.bytes, grown.rows_before), (100, 10_000, 1000));
        assert!((grown.rows_a_day().unwrap() - 20.0).abs() < 1e-9);
        // A day ago is the first one, then the second.
        assert_eq!(look(30, 1300).unwrap().rows, 300);
        assert_eq!(look(36, 1000).unwrap().rows, -100);
        assert_eq!(read(&path).unwrap(), [at(12, 1100), at(30, 1300), at(36, 1000)]);
        // From one minute to the next nothing is said of a day, and nothing kept.
        let soon = Look { at: at(36, 0).at + SignedDuration::from_mins(5), ..at(36, 4000) };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.json");
        assert_eq!(told(&path, at(36, 1000), "s", "t").unwrap(), None);
        let grown = told(&path, soon, "s", "t").unwrap().unwrap();
        assert_eq!((grown.rows, grown.rows_a_day()), (3000, None));
        assert_eq!(read(&path).unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none_and_a_folder_that_takes_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"{\"looks\": [", Mode::Private).unwrap();
        assert_eq!(told(&path, at(0, 7), "s", "t"), Ok(None));
        assert_eq!(told(&path, at(48, 9), "s", "t").unwrap().unwrap().rows, 2);
        let inside = path.join("below/a.json");
        assert!(told(&inside, at(0, 7), "s", "t").unwrap_err().contains("a.json"));
    }
}
