//! How MySQL and MariaDB say what a selection needs.
//!
//! Texts are compared as bytes of UTF-8: most collations there take `A` for `a` and pass over blanks at the end, and a
//! token that only looks like another is none. Values from outside go in as digits of hexadecimal.

use super::key::Key;
use super::row::{base, is_binary};
use super::zone::Zone;
use crate::session::Error;
use crate::session::schema::{self, Column};
use crate::session::selection::{Collation, Moment, Spelling, family};
use jiff::{SignedDuration, Timestamp};

/// With the zone in which wall clocks are read, and the values of the selection.
pub(super) struct MySqlSpelling<'a> {
    pub(super) zone: &'a Zone,
    pub(super) values: Vec<String>,
    /// Whether an index has whole tokens in their order.
    pub(super) is_indexed: bool,
    /// What tells rows apart; without a key nothing does.
    pub(super) key: Option<&'a Key>,
    /// The time now, where it must not move between two statements.
    pub(super) now: Option<Timestamp>,
}

impl MySqlSpelling<'_> {
    /// What a clock that is ahead of UTC shows at a moment.
    fn clock(&self, moment: Moment, ahead: impl Fn(Timestamp) -> i32) -> String {
        match (moment, self.now) {
            (Moment::At(time), _) | (Moment::Now, Some(time)) => {
                let shown = time.checked_add(SignedDuration::from_secs(ahead(time).into())).unwrap_or(time);
                // A year before the first can be written here, but not there.
                let shown = shown.max(Timestamp::UNIX_EPOCH);
                format!("TIMESTAMP'{}'", shown.strftime("%Y-%m-%d %H:%M:%S%.6f"))
            }
            (Moment::Now, None) => {
                format!("timestampadd(SECOND, {}, utc_timestamp(6))", ahead(Timestamp::now()))
            }
        }
    }

    fn unix_millis(&self, moment: Moment) -> String {
        match (moment, self.now) {
            (Moment::At(time), _) | (Moment::Now, Some(time)) => time.as_millisecond().to_string(),
            (Moment::Now, None) => format!("({} / 1000)", since_epoch("utc_timestamp(6)")),
        }
    }
}

impl Spelling for MySqlSpelling<'_> {
    fn quoted(&self, identifier: &str) -> String {
        schema::quoted(identifier)
    }

    fn text(&self, expression: &str) -> String {
        format!("CAST(CONVERT({expression} USING utf8mb4) AS BINARY)")
    }

    fn text_of(&self, column: &Column, expression: &str) -> String {
        match base(&column.data_type) {
            "bit" => self.text(&format!("({expression} + 0)")),
            // Of a fixed length: a UUID, a digest. It is no text, and its digits can be typed.
            "binary" | "varbinary" if !is_text(&column.data_type) => {
                self.text(&format!("lower(hex({expression}))"))
            }
            _ if is_binary(column) => format!("CAST({expression} AS BINARY)"),
            _ => self.text(expression),
        }
    }

    fn exact(&self, column: &Column, expression: &str) -> String {
        self.text_of(column, expression)
    }

    fn collated(&self, expression: &str, by: &Collation) -> String {
        format!("CONVERT({expression} USING {}) COLLATE {}", by.room, by.name)
    }

    fn integer(&self, expression: &str) -> String {
        format!("CAST({expression} AS signed)")
    }

    fn is_one_of(&self, column: Option<&Column>, expression: &str) -> String {
        let list = |values: &mut dyn Iterator<Item = String>| {
            let values: Vec<String> = values.collect();
            if values.is_empty() { "NULL".to_owned() } else { values.join(", ") }
        };
        let kind = column.map_or("", |column| family(&column.data_type));
        if kind == "integer" {
            // A number is only what is written like one; compared as such, its index serves.
            let is_number =
                |value: &&String| value.parse::<i128>().is_ok_and(|number| number.to_string() == **value);
            return format!("{expression} IN ({})", list(&mut self.values.iter().filter(is_number).cloned()));
        }
        let text = match column {
            Some(column) => self.text_of(column, expression),
            None => self.text(expression),
        };
        let exact = format!(
            "{text} IN ({})",
            list(&mut self.values.iter().map(|value| hex_literal(value.as_bytes())))
        );
        if kind == "text" {
            // What looks alike to the collation comes from the index, and only the very same stays.
            let alike = list(&mut self.values.iter().map(|value| text_literal(value.as_bytes())));
            return format!("({expression} IN ({alike}) AND {exact})");
        }
        exact
    }

    /// By an index, what is alike to the collation lies together, and so does what is the same. Else numbers of four bytes are
    /// sorted instead of texts: 200,000 rows took 1.3 s of CPU by numbers and 2.4 s by texts.
    fn alike(&self, column: &Column, expression: &str) -> String {
        if self.is_indexed {
            expression.to_owned()
        } else {
            format!("crc32({})", self.exact(column, expression))
        }
    }

    /// Of a few groups MariaDB would look each row of the table up in them, which takes several times as long.
    fn finds_alike(&self) -> bool {
        self.is_indexed
    }

    /// Sorted instead of kept in a table on disk.
    fn large(&self) -> &'static str {
        if self.is_indexed { "" } else { "SQL_BIG_RESULT " }
    }

    fn place(&self) -> String {
        self.key.map_or_else(|| "1".to_owned(), |key| key.place(self))
    }

    fn is_past(&self, column: &Column, expression: &str, moment: Moment) -> Result<String, Error> {
        Ok(match Time::of(column)? {
            Time::WallClock => {
                format!("{expression} <= {}", self.clock(moment, |at| self.zone.least_ahead(at)))
            }
            Time::Zoned => format!("{expression} <= {}", self.clock(moment, |_| 0)),
            Time::Number => format!("{} <= {}", number(expression), self.unix_millis(moment)),
        })
    }

    fn millis(&self, column: &Column, expression: &str) -> Result<String, Error> {
        let utc = match Time::of(column)? {
            Time::Number => return Ok(self.integer(&number(expression))),
            Time::Zoned => expression.to_owned(),
            Time::WallClock => {
                let fixed =
                    format!("timestampadd(SECOND, {}, {expression})", -self.zone.ahead(Timestamp::now()));
                if self.zone.is_fixed() {
                    fixed
                } else {
                    // A server without a list of zones knows none by name.
                    let name = text_literal(self.zone.name().as_bytes());
                    format!("coalesce(convert_tz({expression}, {name}, '+00:00'), {fixed})")
                }
            }
        };
        Ok(format!("({} DIV 1000)", since_epoch(&utc)))
    }

    fn time_order(&self, expression: &str) -> String {
        expression.to_owned()
    }

    fn json(&self, expression: &str, path: &[String]) -> String {
        // Keys are letters, digits, `_` and `-`.
        let path: Vec<String> = path.iter().map(|key| format!("\"{key}\"")).collect();
        let found = format!("json_extract({expression}, '$.{}')", path.join("."));
        format!(
            "(CASE WHEN json_valid({expression}) THEN CASE WHEN json_type({found}) <> 'NULL' THEN json_unquote({found}) END END)"
        )
    }
}

/// Whether a column of bytes may hold text: one as long as an address holds that.
fn is_text(data_type: &str) -> bool {
    base(data_type) == "varbinary" && !matches!(data_type, "varbinary(4)" | "varbinary(16)")
}

/// How a column keeps times.
enum Time {
    WallClock,
    /// Read in the connection's zone, which is UTC.
    Zoned,
    Number,
}

impl Time {
    fn of(column: &Column) -> Result<Self, Error> {
        let kind = base(&column.data_type).to_ascii_lowercase();
        Ok(match &*kind {
            "datetime" | "date" => Self::WallClock,
            "timestamp" => Self::Zoned,
            "int" | "integer" | "bigint" | "mediumint" | "decimal" | "numeric" | "double" | "float" => {
                Self::Number
            }
            _ => {
                let what = format!("times in the column {} of type {}", column.name, column.data_type);
                return Err(Error::Unsupported { what });
            }
        })
    }
}

/// Unix microseconds of a clock in UTC.
fn since_epoch(clock: &str) -> String {
    format!("timestampdiff(MICROSECOND, '1970-01-01 00:00:00', {clock})")
}

/// Unix milliseconds of a number that may be seconds, when it is too small for milliseconds.
fn number(expression: &str) -> String {
    format!("(CASE WHEN abs({expression}) < 1e11 THEN {expression} * 1000.0 ELSE {expression} END)")
}

/// Bytes as a literal that no character of them can end.
pub(super) fn hex_literal(bytes: &[u8]) -> String {
    format!("x'{}'", hex::encode(bytes))
}

/// The same as text, which is compared by the other side's collation.
pub(super) fn text_literal(bytes: &[u8]) -> String {
    format!("_utf8mb4 {}", hex_literal(bytes))
}
