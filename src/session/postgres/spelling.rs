//! How PostgreSQL says what a selection needs.

use super::Postgres;
use crate::session::Error;
use crate::session::schema::{self, Column};
use crate::session::selection::{Collation, Moment, Spelling, family};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// With the zone in which wall clocks are read.
pub(super) struct Postgresql<'a> {
    pub(super) zone: &'a str,
    /// Whether the session table is partitioned.
    pub(super) partitioned: bool,
    /// Whether what is spelled is asked again and again, for longer than clocks stay as they are.
    pub(super) lasting: bool,
}

impl Postgres {
    /// With this zone, for the session table.
    pub(super) fn sql<'a>(&self, zone: &'a str) -> Postgresql<'a> {
        Postgresql { zone, partitioned: self.selected.table.is_partitioned, lasting: false }
    }
}

impl Postgresql<'_> {
    /// Whether the zone's clocks show the time of this moment twice, as when they are put back: what they showed then may be
    /// still to come. A zone that is not known here may do that at any time, and so may any other in the long run.
    fn comes_twice(&self, moment: Moment) -> bool {
        if self.zone == "UTC" {
            return false;
        }
        let Ok(zone) = TimeZone::get(self.zone) else { return true };
        let at = match moment {
            Moment::Now => Timestamp::now(),
            Moment::At(time) => time,
        };
        // The server's clock and ours may differ.
        let near =
            [-15, 0, 15].map(|minutes| at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(at));
        self.lasting
            || near.into_iter().any(|at| {
                let shown = zone.to_offset(at).to_datetime(at);
                matches!(zone.to_ambiguous_timestamp(shown).offset(), AmbiguousOffset::Fold { .. })
            })
    }
}

impl Spelling for Postgresql<'_> {
    fn quoted(&self, identifier: &str) -> String {
        schema::quoted(identifier)
    }

    fn text(&self, expression: &str) -> String {
        format!("({expression})::text")
    }

    fn collated(&self, expression: &str, by: &Collation) -> String {
        format!("{expression} COLLATE {}.{}", self.quoted(&by.room), self.quoted(&by.name))
    }

    /// COPY takes no parameters, so the values wait in a setting of the connection; see `bind`. They are compared in the
    /// column's own type, so that its index serves; what is not written as a number or a UUID is, is none.
    fn is_one_of(&self, column: Option<&Column>, expression: &str) -> String {
        const VALUES: &str = "unnest(current_setting('unleak.values')::text[])";
        let (own, value) = match column.map_or("", |column| family(&column.data_type)) {
            "integer" => (
                expression.to_owned(),
                "CASE WHEN v ~ '^(0|-?[1-9][0-9]{0,18})$' \
                 THEN CASE WHEN abs(v::numeric) <= 9223372036854775807 THEN v::bigint END END",
            ),
            "uuid" => (
                expression.to_owned(),
                "CASE WHEN v ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN v::uuid END",
            ),
            _ => (self.text(expression), "v"),
        };
        format!("{own} IN (SELECT {value} FROM {VALUES} AS v)")
    }

    /// By a hash.
    fn pairs_calculated(&self) -> bool {
        true
    }

    /// In the parts of a partitioned table the same places come again.
    fn place(&self) -> String {
        if self.partitioned { "(s.tableoid::text || s.ctid::text)" } else { "s.ctid" }.to_owned()
    }

    fn is_past(&self, column: &Column, expression: &str, moment: Moment) -> Result<String, Error> {
        let at = match moment {
            Moment::Now => "now()".to_owned(),
            Moment::At(time) => format!("{}::timestamptz", literal(&time.to_string())),
        };
        Ok(match Time::of(column)? {
            Time::WallClock => {
                let zone = literal(self.zone);
                let shown = format!("{expression} <= ({at} AT TIME ZONE {zone})");
                if self.comes_twice(moment) {
                    // The server takes the later of the two times that a clock may mean. An index serves the first half.
                    format!("({shown} AND ({expression} AT TIME ZONE {zone}) <= {at})")
                } else {
                    shown
                }
            }
            Time::Zoned => format!("{expression} <= {at}"),
            Time::Number => format!("{} <= extract(epoch FROM {at}) * 1000", number(expression)),
        })
    }

    fn millis(&self, column: &Column, expression: &str) -> Result<String, Error> {
        let epoch = |time: &str| {
            format!(
                "CASE WHEN isfinite({expression}) THEN CAST(extract(epoch FROM {time}) * 1000 AS bigint) END"
            )
        };
        Ok(match Time::of(column)? {
            Time::WallClock => epoch(&format!("({expression} AT TIME ZONE {})", literal(self.zone))),
            Time::Zoned => epoch(expression),
            Time::Number => format!("CAST({} AS bigint)", number(expression)),
        })
    }

    fn time_order(&self, expression: &str) -> String {
        expression.to_owned()
    }

    fn json(&self, expression: &str, path: &[String]) -> String {
        // Keys are letters, digits, `_` and `-`.
        format!("(({expression})::json #>> {})", literal(&format!("{{{}}}", path.join(","))))
    }
}

/// A text of our own as a literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The name by which a zone is meant with its summers: `AT TIME ZONE` takes these four for abbreviations, which are always
/// ahead by the same, where the setting TimeZone and everybody else take them for zones.
pub(super) fn place(zone: &str) -> String {
    const PLACES: [(&str, &str); 4] = [
        ("CET", "Europe/Brussels"),
        ("EET", "Europe/Athens"),
        ("MET", "Europe/Brussels"),
        ("WET", "Europe/Lisbon"),
    ];
    let found = PLACES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(zone));
    found.map_or(zone, |(_, place)| place).to_owned()
}

/// How a column keeps times.
enum Time {
    WallClock,
    Zoned,
    Number,
}

impl Time {
    fn of(column: &Column) -> Result<Self, Error> {
        let kind = column.data_type.as_str();
        if kind.starts_with("timestamp") && kind.contains("without time zone") || kind == "date" {
            Ok(Self::WallClock)
        } else if kind.starts_with("timestamp") {
            Ok(Self::Zoned)
        } else if matches!(kind, "bigint" | "integer" | "numeric" | "double precision" | "real") {
            Ok(Self::Number)
        } else {
            Err(Error::Unsupported { what: format!("times in the column {} of type {kind}", column.name) })
        }
    }
}

/// Unix milliseconds of a number that may be seconds, when it is too small for milliseconds.
fn number(expression: &str) -> String {
    format!("(CASE WHEN abs({expression}) < 1e11 THEN {expression} * 1000.0 ELSE {expression} END)")
}
