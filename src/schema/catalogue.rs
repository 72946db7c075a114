//! What the catalogue shows of each object, held against how the server itself spells what is wanted.
//!
//! The wanted form is made on a temporary copy of the table in a transaction that is rolled back, so no text of the
//! catalogue, which differs between versions, is written down here.

use super::base::Base;
use super::fill::{self, Filling, Lacking};
use super::names::At;
use super::object::{Kind, Object, Shape};
use super::{Error, undo};
use serde::Serialize;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

const DOING: &str = "reading the catalogue";

/// How an object stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It is as it must be.
    Fits,
    /// It is not there.
    Missing,
    /// So many rows lack what they must or could hold.
    Unfilled {
        /// How many.
        rows: u64,
        /// How many of them lack what every row must hold.
        must: u64,
    },
    /// It is there in another form, and can be replaced.
    Differs {
        /// The form that it has.
        found: String,
    },
    /// Rows that nobody looked at.
    Uncounted,
    /// An index that a stopped build left, which the server does not use.
    Invalid,
    /// A constraint that old rows were not checked against.
    Unvalidated,
    /// It is there in another form, and is not for unleak to change.
    Conflicts {
        /// Why.
        reason: String,
    },
}

/// Whether the rows are looked at as well, each of them once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Those that lack something are counted.
    Counted,
    /// None is: nothing rests on their number.
    PassedOver,
}

/// An object with what the catalogue says of it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) object: Object,
    pub(super) state: State,
    /// What makes it again as it is, when it is there in another form.
    pub(super) restore: Vec<String>,
}

/// What one query tells of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    form: String,
    /// Whether an index is usable, a constraint validated.
    is_whole: bool,
    /// Why it is not for unleak to change.
    taken: Option<String>,
}

/// How every object stands.
pub(super) async fn survey(
    connection: &mut PgConnection,
    base: &Base,
    objects: &[Object],
    how: Rows,
) -> Result<Vec<Found>, Error> {
    let real = Place { home: base.names.schema.clone(), table: Some(base.oid) };
    let mut seen = Vec::new();
    for object in objects {
        seen.push(look(connection, object, &real).await?);
    }
    let wanted = wanted(connection, base, objects, &seen).await?;
    let mut all = Vec::new();
    for ((object, seen), wanted) in objects.iter().zip(seen).zip(wanted) {
        let state = match object.kind() {
            Kind::Rows if how == Rows::PassedOver => State::Uncounted,
            Kind::Rows => rows(connection, base).await?,
            kind => judge(kind, seen.as_ref(), wanted.as_ref()),
        };
        let restore = match &state {
            State::Differs { .. } => undo::remake(connection, base, object).await?,
            _ => Vec::new(),
        };
        all.push(Found { object: object.clone(), state, restore });
    }
    Ok(all)
}

fn judge(kind: Kind, seen: Option<&Seen>, wanted: Option<&Seen>) -> State {
    let Some(seen) = seen else { return State::Missing };
    if let Some(reason) = &seen.taken {
        return State::Conflicts { reason: reason.clone() };
    }
    let fits = match kind {
        // Whatever the application fills rows with is its own choice; the log was looked at by itself.
        Kind::Default | Kind::Table => true,
        _ => wanted.is_some_and(|wanted| wanted.form == seen.form),
    };
    match (kind, fits, seen.is_whole) {
        (Kind::Column, false, _) => State::Conflicts { reason: format!("it is of type {}", seen.form) },
        (Kind::Index, _, false) => State::Invalid,
        (_, false, _) => State::Differs { found: seen.form.clone() },
        (Kind::Constraint, true, false) => State::Unvalidated,
        (_, true, _) => State::Fits,
    }
}

/// How many rows lack something; all of them while the columns are not there.
async fn rows(connection: &mut PgConnection, base: &Base) -> Result<State, Error> {
    let columns = ["family_id", "auth_time", "device_hash", "last_ip_cidr"];
    let lacking = if columns.iter().all(|name| base.column(name).is_some()) {
        fill::lacking(connection, &Filling::new(base)).await?
    } else {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {}", base.names.table()));
        let count = sqlx::query_scalar::<_, i64>(count).fetch_one(connection).await;
        let rows = count.map_err(Error::database("counting the rows"))?.unsigned_abs();
        Lacking { rows, must: rows }
    };
    let Lacking { rows, must } = lacking;
    Ok(if rows == 0 { State::Fits } else { State::Unfilled { rows, must } })
}

/// Where an object is looked for.
struct Place {
    home: String,
    /// None on the copy, whose number is asked for by name.
    table: Option<i64>,
}

/// The wanted form of each object that can be made now, as the server spells it.
async fn wanted(
    connection: &mut PgConnection,
    base: &Base,
    objects: &[Object],
    seen: &[Option<Seen>],
) -> Result<Vec<Option<Seen>>, Error> {
    let doing = || Error::database("making a temporary copy of the table");
    let mut copy = connection.begin().await.map_err(doing())?;
    let begin = format!(
        "SET LOCAL client_min_messages = error; CREATE TEMPORARY TABLE unleak_copy (LIKE {}) ON COMMIT DROP",
        base.names.table()
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *copy).await.map_err(doing())?;
    let temporary: String = sqlx::query_scalar(
        "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE oid = pg_my_temp_schema()",
    )
    .fetch_one(&mut *copy)
    .await
    .map_err(doing())?;
    let place = Place { home: temporary, table: None };
    let mut all = Vec::new();
    for (object, seen) in objects.iter().zip(seen) {
        // A column of another type stays in the copy; what is made of it then differs as well.
        let is_copied = object.kind() == Kind::Column && seen.is_some();
        let made = if is_copied { column_form(object) } else { make(&mut copy, object, &place).await? };
        all.push(made);
    }
    copy.rollback().await.map_err(doing())?;
    Ok(all)
}

/// Makes one object on the copy and looks at it; none where it cannot be made, since what it rests on is missing.
async fn make(copy: &mut PgConnection, object: &Object, place: &Place) -> Result<Option<Seen>, Error> {
    if matches!(object.kind(), Kind::Rows | Kind::Table) {
        return Ok(None);
    }
    let mut point = copy.begin().await.map_err(Error::database(DOING))?;
    for statement in object.create(&At::copy(), false) {
        if sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *point).await.is_err() {
            point.rollback().await.map_err(Error::database(DOING))?;
            return Ok(None);
        }
    }
    let seen = look(&mut point, object, place).await?;
    point.commit().await.map_err(Error::database(DOING))?;
    Ok(seen)
}

/// The wanted type of a column, in the catalogue's words.
fn column_form(object: &Object) -> Option<Seen> {
    let Shape::Column { data_type } = &object.shape else { return None };
    Some(Seen { form: (*data_type).to_owned(), is_whole: true, taken: None })
}

const TABLE: &str = "SELECT 'table', true,
  CASE WHEN c.relkind NOT IN ('r', 'p') THEN 'the name is taken by something that is no table' END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $3 AND ($2::int8 IS NULL OR true)";

const COLUMN: &str = "SELECT pg_catalog.format_type(a.atttypid, a.atttypmod), true,
  CASE WHEN a.attgenerated <> '' THEN 'it is generated, so nothing can be written to it' END
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = coalesce($2::int8::oid, to_regclass('pg_temp.unleak_copy')) AND a.attname = $3
  AND NOT a.attisdropped AND $1::text IS NOT NULL";

const DEFAULT: &str = "SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid), true, NULL
FROM pg_catalog.pg_attrdef d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attrelid = coalesce($2::int8::oid, to_regclass('pg_temp.unleak_copy')) AND a.attname = $3
  AND $1::text IS NOT NULL";

const CONSTRAINT: &str =
    "SELECT regexp_replace(pg_catalog.pg_get_constraintdef(k.oid), ' NOT VALID$', ''), k.convalidated,
  CASE WHEN k.contype <> 'c' THEN 'the name is taken by a constraint of another kind' END
FROM pg_catalog.pg_constraint k
WHERE k.conrelid = coalesce($2::int8::oid, to_regclass('pg_temp.unleak_copy')) AND k.conname = $3
  AND $1::text IS NOT NULL";

const INDEX: &str = "SELECT concat_ws(' ', CASE WHEN i.indisunique THEN 'unique' END, m.amname,
    (SELECT string_agg(pg_catalog.pg_get_indexdef(c.oid, k, false), ', ' ORDER BY k)
     FROM generate_series(1, i.indnatts) k),
    'of', i.indnkeyatts, 'where', pg_catalog.pg_get_expr(i.indpred, i.indrelid), 'options', i.indoption, 'classes', i.indclass),
  coalesce(i.indisvalid AND i.indisready, false),
  CASE WHEN i.indexrelid IS NULL THEN 'the name is taken by something that is no index'
       WHEN i.indrelid <> coalesce($2::int8::oid, to_regclass('pg_temp.unleak_copy'))
         THEN 'the name is taken by an index of the table ' || i.indrelid::regclass
       WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid)
         THEN 'the name is taken by the index of a constraint' END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE n.nspname = $1 AND c.relname = $3";

const FUNCTION: &str = "SELECT concat_ws(E'\\n', l.lanname, pg_catalog.pg_get_function_arguments(p.oid),
    pg_catalog.pg_get_function_result(p.oid), p.prosecdef, pg_get_userbyid(p.proowner), p.proconfig::text, p.provolatile, p.proisstrict, p.prosrc,
    (SELECT string_agg(concat_ws(' ', CASE WHEN a.grantee = 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END, 'may',
       a.privilege_type, CASE WHEN a.is_grantable THEN 'and grant it' END), ', ' ORDER BY a.grantee, a.privilege_type)
     FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner)),
  true, CASE WHEN p.prokind <> 'f' THEN 'the name is taken by something that is no function' END
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE n.nspname = $1 AND p.proname = $3 AND $2::int8 IS NOT DISTINCT FROM $2
  AND oidvectortypes(p.proargtypes) = coalesce(
    (SELECT string_agg(format_type(t::regtype, NULL), ', ' ORDER BY o) FROM unnest($4::text[]) WITH ORDINALITY u (t, o)), '')";

const VIEW: &str = "SELECT concat_ws(E'\\n', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text, pg_get_userbyid(c.relowner),
    (SELECT string_agg(concat_ws(' ', CASE WHEN a.grantee = 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END, 'may',
       a.privilege_type, CASE WHEN a.is_grantable THEN 'and grant it' END), ', ' ORDER BY a.grantee, a.privilege_type)
     FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)),
  true, CASE WHEN c.relkind <> 'v' THEN 'the name is taken by something that is no view' END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $3 AND $2::int8 IS NOT DISTINCT FROM $2";

/// What the catalogue says of one object; none when it is not there.
async fn look(connection: &mut PgConnection, object: &Object, place: &Place) -> Result<Option<Seen>, Error> {
    let sql = match object.kind() {
        Kind::Rows => return Ok(None),
        Kind::Table => TABLE,
        Kind::Column => COLUMN,
        Kind::Default => DEFAULT,
        Kind::Constraint => CONSTRAINT,
        Kind::Index => INDEX,
        Kind::Function => FUNCTION,
        Kind::View => VIEW,
    };
    let mut query = sqlx::query(sql).bind(&place.home).bind(place.table).bind(object.name);
    if let Shape::Function(function) = &object.shape {
        query = query.bind(function.types());
    }
    let row = query.fetch_optional(connection).await.map_err(Error::database(DOING))?;
    row.as_ref().map(seen).transpose().map_err(Error::database(DOING))
}

fn seen(row: &PgRow) -> Result<Seen, sqlx::Error> {
    Ok(Seen { form: row.try_get(0)?, is_whole: row.try_get(1)?, taken: row.try_get(2)? })
}
