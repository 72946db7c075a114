//! What tells the rows of a table apart: its primary key, or another one that no row is without.
//!
//! Rows are deleted by it, so that what goes is what the backup holds. Keys whose values cannot be written and read
//! without loss are passed over.

use super::row::{Row, base};
use super::spelling::{MySqlSpelling, hex_literal, text_literal};
use super::{catalogue, row};
use crate::session::Error;
use crate::session::schema::{Column, Table, quoted};
use crate::session::selection::column_of;
use sqlx::AssertSqlSafe;
use sqlx::mysql::{MySqlConnection, MySqlRow};

/// A unique key, by the places of its columns in the table.
#[derive(Clone, Debug)]
pub(super) struct Key {
    index: String,
    columns: Vec<(usize, Column)>,
}

/// One row a column of a unique key without gaps, the primary key first.
const KEYS: &str = "SELECT cast(i.index_name AS char), cast(i.column_name AS char)
FROM information_schema.statistics i
WHERE i.table_schema = ? AND i.table_name = ? AND i.non_unique = 0 AND NOT EXISTS (
  SELECT 1 FROM information_schema.statistics g WHERE g.table_schema = i.table_schema AND g.table_name = i.table_name
  AND g.index_name = i.index_name AND (g.nullable = 'YES' OR g.sub_part IS NOT NULL OR g.column_name IS NULL))
ORDER BY i.index_name <> 'PRIMARY', i.index_name, i.seq_in_index";

/// Whether the rows with one value of a column are found by an index that has them whole and in their order. One that the
/// server is not to use finds nothing.
pub(super) async fn is_indexed(
    connection: &mut MySqlConnection,
    table: &Table,
    column: &Column,
) -> Result<bool, Error> {
    let show = format!("SHOW INDEX FROM {}", table.name.quoted());
    let rows = sqlx::raw_sql(AssertSqlSafe(show)).fetch_all(connection).await;
    let rows = rows.map_err(Error::database("reading the keys"))?;
    let finds = |row: &MySqlRow| {
        // MySQL and MariaDB have another name for an index that is not used.
        let is = |name, value: &str| catalogue::named(row, name).is_some_and(|found| found == value);
        is("Column_name", &column.name)
            && is("Seq_in_index", "1")
            && is("Index_type", "BTREE")
            && catalogue::named(row, "Sub_part").is_none()
            && !is("Visible", "NO")
            && !is("Ignored", "YES")
    };
    Ok(rows.iter().any(finds))
}

impl Key {
    /// The best key of a table.
    pub(super) async fn find(connection: &mut MySqlConnection, table: &Table) -> Result<Option<Self>, Error> {
        let rows = sqlx::query(KEYS).bind(&table.name.schema).bind(&table.name.name).fetch_all(connection);
        let rows = rows.await.map_err(Error::database("reading the keys"))?;
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for row in &rows {
            let (Some(index), Some(column)) = (catalogue::text(row, 0), catalogue::text(row, 1)) else {
                continue;
            };
            match keys.last_mut() {
                Some((last, columns)) if *last == index => columns.push(column),
                _ => keys.push((index, vec![column])),
            }
        }
        Ok(keys.into_iter().find_map(|(index, names)| Self::of(table, index, &names)))
    }

    fn of(table: &Table, index: String, names: &[String]) -> Option<Self> {
        let column = |name: &String| {
            let at = table.columns.iter().position(|column| column.name == *name)?;
            let column = &table.columns[at];
            is_exact(column).then(|| (at, column.clone()))
        };
        Some(Self { index, columns: names.iter().map(column).collect::<Option<_>>()? })
    }

    /// One expression for the whole key of the table `s`.
    pub(super) fn place(&self, sql: &MySqlSpelling<'_>) -> String {
        let parts: Vec<String> = self.columns.iter().map(|(_, column)| column_of(column, sql)).collect();
        match &parts[..] {
            [one] => one.clone(),
            // No digit of hexadecimal is a slash, so that two keys never give the same.
            many => format!(
                "concat_ws('/', {})",
                many.iter().map(|part| format!("hex({part})")).collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// The columns as they are selected under names that no table has.
    pub(super) fn picked(&self) -> String {
        let picked = |(at, (_, column)): (usize, &(usize, Column))| {
            format!("s.{} AS unleak_{at}", quoted(&column.name))
        };
        self.columns.iter().enumerate().map(picked).collect::<Vec<_>>().join(", ")
    }

    /// The condition under which a row of `s` is one of those that were selected like that.
    pub(super) fn is_picked(&self) -> String {
        let same = |(at, (_, column)): (usize, &(usize, Column))| {
            format!("s.{} = picked.unleak_{at}", quoted(&column.name))
        };
        self.columns.iter().enumerate().map(same).collect::<Vec<_>>().join(" AND ")
    }

    /// The columns that rows are ordered by.
    pub(super) fn order(&self) -> String {
        self.columns.iter().map(|(_, column)| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// The condition for rows behind one with these values; `None` for a key of several columns, which no index is read by so.
    pub(super) fn is_behind(&self, values: &Row) -> Option<String> {
        let [(at, column)] = &self.columns[..] else { return None };
        let value = literal(column, values.get(*at)?.as_deref()?)?;
        Some(format!("{} > {value}", quoted(&column.name)))
    }

    /// Rows are reached by the key alone, so that none but those that are meant is locked.
    pub(super) fn hint(&self) -> String {
        format!("FORCE INDEX ({})", quoted(&self.index))
    }

    /// The condition for a row with these values; `None` when its key is none.
    pub(super) fn is_row(&self, values: &Row) -> Option<String> {
        let is = |(at, column): &(usize, Column)| {
            let value = literal(column, values.get(*at)?.as_deref()?)?;
            Some(format!("s.{} = {value}", quoted(&column.name)))
        };
        let parts: Vec<String> = self.columns.iter().map(is).collect::<Option<_>>()?;
        Some(parts.join(" AND "))
    }

    /// The condition for one of the rows with these values.
    pub(super) fn is_one_of(&self, rows: &[Row]) -> Option<String> {
        let [(at, column)] = &self.columns[..] else {
            let rows: Vec<String> = rows.iter().map(|row| self.is_row(row)).collect::<Option<_>>()?;
            return Some(format!("({})", rows.join(") OR (")));
        };
        let value = |row: &Row| literal(column, row.get(*at)?.as_deref()?);
        let values: Vec<String> = rows.iter().map(value).collect::<Option<_>>()?;
        Some(format!("s.{} IN ({})", quoted(&column.name), values.join(", ")))
    }
}

/// Whether a value of this type, read as text, is found again by it.
fn is_exact(column: &Column) -> bool {
    !matches!(base(&column.data_type), "float" | "double" | "real" | "bit" | "json" | "set" | "enum")
}

/// A value as it stands in a statement. Numbers stay numbers: compared with texts, large ones would be rounded.
fn literal(column: &Column, value: &[u8]) -> Option<String> {
    match base(&column.data_type) {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "numeric" | "year" => {
            let digits = value.strip_prefix(b"-").unwrap_or(value);
            let plain =
                !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
            plain.then(|| String::from_utf8_lossy(value).into_owned())
        }
        _ if row::is_binary(column) => Some(hex_literal(value)),
        _ => Some(text_literal(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data_type: &str) -> Column {
        Column { name: name.to_owned(), data_type: data_type.to_owned() }
    }

    #[test]
    fn no_value_can_leave_its_literal() {
        let number = column("id", "bigint(20) unsigned");
        assert_eq!(literal(&number, b"18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(literal(&number, b"-5").unwrap(), "-5");
        for wrong in [&b"1 OR 1"[..], b"", b"-", b"1e3"] {
            assert_eq!(literal(&number, wrong), None);
        }
        assert_eq!(literal(&column("id", "varchar(9)"), b"a'b").unwrap(), "_utf8mb4 x'612762'");
        assert_eq!(literal(&column("id", "binary(2)"), &[0, 39]).unwrap(), "x'0027'");
    }

    #[test]
    fn keys_of_one_and_of_several_columns() {
        let both = Key {
            index: "PRIMARY".to_owned(),
            columns: vec![(1, column("b", "int(11)")), (0, column("a", "char(3)"))],
        };
        let rows = [vec![Some(b"x".to_vec()), Some(b"7".to_vec())], vec![None, Some(b"8".to_vec())]];
        assert_eq!(both.is_one_of(&rows[..1]).unwrap(), r#"(s."b" = 7 AND s."a" = _utf8mb4 x'78')"#);
        assert_eq!(both.is_one_of(&rows), None, "a key is never NULL");
        let one = Key { index: "PRIMARY".to_owned(), columns: vec![(1, column("b", "int(11)"))] };
        assert_eq!(one.is_one_of(&rows).unwrap(), r#"s."b" IN (7, 8)"#);
    }
}
