//! How PostgreSQL says what a selection needs.

use crate::session::Error;
use crate::session::schema::{self, Column};
use crate::session::selection::{Moment, Spelling, family};

/// With the zone in which wall clocks are read.
pub(super) struct Postgresql<'a> {
    pub(super) zone: &'a str,
}

impl Spelling for Postgresql<'_> {
    fn quoted(&self, identifier: &str) -> String {
        schema::quoted(identifier)
    }

    fn text(&self, expression: &str) -> String {
        format!("({expression})::text")
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

    fn place(&self) -> String {
        "s.ctid".to_owned()
    }

    fn is_past(&self, column: &Column, expression: &str, moment: Moment) -> Result<String, Error> {
        let at = match moment {
            Moment::Now => "now()".to_owned(),
            Moment::At(time) => format!("{}::timestamptz", literal(&time.to_string())),
        };
        Ok(match Time::of(column)? {
            Time::WallClock => format!("{expression} <= ({at} AT TIME ZONE {})", literal(self.zone)),
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
