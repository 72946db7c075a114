//! What must hold before anything is changed, all of it checked at once and each with what to do about it.

use super::audit::AuditLog;
use super::base::{Base, BaseColumn};
use super::catalogue::{Found, State};
use super::object::{Kind, Shape};
use super::{Error, Problem, constraints, indexes};
use crate::session::quoted;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// What the server, the role and the table's form forbid.
pub(super) fn of_base(base: &Base) -> Vec<Problem> {
    let mut problems = of_server(base);
    problems.extend(of_columns(base));
    problems
}

fn of_server(base: &Base) -> Vec<Problem> {
    let server = &base.server;
    let (role, owner, table) = (&server.role, &server.owner, base.names.table());
    let mut problems = Vec::new();
    let mut unless = |holds: bool, what: String, remedy: String| {
        if !holds {
            problems.push(Problem::new(what, remedy));
        }
    };
    unless(
        server.version >= 130_000,
        format!(
            "the server is PostgreSQL {}, which has no gen_random_uuid() of its own",
            server.version / 10_000
        ),
        "13 or later is needed".to_owned(),
    );
    let primary = "connect to the primary with a role that may write";
    unless(
        !server.standby,
        "the server is a standby in recovery, which is read-only".to_owned(),
        primary.to_owned(),
    );
    unless(
        server.standby || !server.read_only,
        "transactions of this role are read-only by default".to_owned(),
        primary.to_owned(),
    );
    unless(
        server.acts_as_owner,
        format!("the role {role} may not act as {owner}, which owns {table}"),
        format!("connect as {owner}, or GRANT {} TO {}", quoted(owner), quoted(role)),
    );
    let schema = quoted(&base.names.schema);
    unless(
        server.may_create,
        format!("{owner} may not create functions and views in the schema {schema}"),
        format!("GRANT CREATE ON SCHEMA {schema} TO {}", quoted(owner)),
    );
    unless(
        server.may_make_temporary,
        format!("{owner} may not make temporary tables, by which the catalogue is compared"),
        format!("GRANT TEMPORARY ON DATABASE … TO {}", quoted(owner)),
    );
    problems
}

fn of_columns(base: &Base) -> Vec<Problem> {
    let mut problems = Vec::new();
    let table = base.names.table();
    if base.key.is_none() {
        problems.push(Problem::new(
            format!("{table} has no primary key of one column, by which batches of rows and single sessions are found"),
            "add one",
        ));
    }
    if base.column("user_id").is_none() {
        problems.push(Problem::new(
            format!("{table} has no column user_id"),
            "name the table of the sessions with --table",
        ));
    }
    for (name, must) in [("expires_at", true), ("revoked_at", false), ("created_at", false)] {
        match base.column(name) {
            Some(column) if !column.is_time() => problems.push(Problem::new(
                format!("the column {name} is of type {}, not a timestamp", column.data_type),
                "change its type first; nothing here converts values of your own columns",
            )),
            None if must => problems.push(Problem::new(
                format!("{table} has no column {name}"),
                "name the table of the sessions with --table",
            )),
            _ => {}
        }
    }
    problems
}

/// Who else may make things in the schema. A rollback does not mind.
pub(super) fn of_schema(base: &Base) -> Option<Problem> {
    let (schema, others) = (quoted(&base.names.schema), base.creators.join(", "));
    (!others.is_empty()).then(|| {
        Problem::new(
            format!("{others} may create functions and tables in the schema {schema}, beside functions that run with their owner's rights"),
            format!("REVOKE CREATE ON SCHEMA {schema} FROM {others}"),
        )
    })
}

/// What the objects that are there forbid, and rows that what is missing would not allow.
pub(super) async fn of_objects(
    connection: &mut PgConnection,
    base: &Base,
    log: &AuditLog,
    found: &[Found],
) -> Result<Vec<Problem>, Error> {
    let mut problems = log.problems();
    for one in found {
        if let State::Conflicts { reason } = &one.state {
            let remedy = match one.object.kind() {
                Kind::Column => {
                    let Shape::Column { data_type } = &one.object.shape else { continue };
                    format!("it must be {data_type}: convert or rename it, then run again")
                }
                _ => "rename or drop what has the name, then run again".to_owned(),
            };
            problems.push(Problem::new(format!("the {}: {reason}", one.object.label()), remedy));
        }
    }
    problems.extend(overloads(connection, base, found).await?);
    if problems.is_empty() {
        for one in found {
            problems.extend(rows(connection, base, one).await?);
        }
    }
    Ok(problems)
}

/// Functions of the same names that take other arguments: a caller may reach the old one and never know.
async fn overloads(
    connection: &mut PgConnection,
    base: &Base,
    found: &[Found],
) -> Result<Vec<Problem>, Error> {
    const OTHERS: &str = "SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p \
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
        WHERE n.nspname = $1 AND p.proname = $2 AND oidvectortypes(p.proargtypes) <> coalesce( \
          (SELECT string_agg(format_type(t::regtype, NULL), ', ' ORDER BY o) \
           FROM unnest($3::text[]) WITH ORDINALITY u (t, o)), '') ORDER BY 1";
    let mut problems = Vec::new();
    for one in found {
        let Shape::Function(function) = &one.object.shape else { continue };
        let query = sqlx::query_scalar::<_, String>(OTHERS).bind(&base.names.schema).bind(one.object.name);
        let others = query.bind(function.types()).fetch_all(&mut *connection).await;
        let others = others.map_err(Error::database("looking for functions of the same name"))?;
        problems.extend(others.into_iter().map(|other| {
            Problem::new(
                format!("there is another function {other}, which calls with other arguments still reach"),
                format!("when nothing calls it any more: DROP ROUTINE {other}"),
            )
        }));
    }
    Ok(problems)
}

/// Rows that a missing constraint or unique index would not allow.
async fn rows(connection: &mut PgConnection, base: &Base, one: &Found) -> Result<Option<Problem>, Error> {
    if one.state == State::Fits {
        return Ok(None);
    }
    match &one.object.shape {
        Shape::Index { unique: true, .. } if base.column("current_jti").is_some() => {
            duplicates(connection, base).await
        }
        Shape::Constraint { check } => {
            let column = match one.object.name {
                constraints::DEVICE => "device_hash",
                constraints::NETWORK => "last_ip_cidr",
                // These are filled first.
                _ => return Ok(None),
            };
            if base.column(column).is_none() {
                return Ok(None);
            }
            let count = format!("SELECT count(*) FROM {} AS s WHERE NOT ({check})", base.names.table());
            let rows = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(connection).await;
            let rows = rows.map_err(Error::database("looking for rows that a constraint forbids"))?;
            Ok((rows > 0).then(|| {
                Problem::new(
                    format!("{rows} rows hold a {column} that {} does not allow ({check})", one.object.name),
                    format!("set them to NULL, so that they are filled anew: UPDATE {} SET {column} = NULL WHERE NOT ({check})", base.names.table()),
                )
            }))
        }
        _ => Ok(None),
    }
}

/// Live sessions that share a token id; none when there are none.
pub(super) async fn duplicates(connection: &mut PgConnection, base: &Base) -> Result<Option<Problem>, Error> {
    let table = base.names.table();
    let live = if base.column("revoked_at").is_some() { "revoked_at IS NULL AND " } else { "" };
    let count = format!(
        "SELECT count(*), coalesce(sum(d.rows), 0)::int8, coalesce(sum((d.users > 1)::int), 0)::int8 FROM \
         (SELECT count(*) AS rows, count(DISTINCT user_id) AS users FROM {table} \
          WHERE {live}current_jti IS NOT NULL GROUP BY current_jti HAVING count(*) > 1) AS d"
    );
    let counted = sqlx::query_as::<_, (i64, i64, i64)>(AssertSqlSafe(count)).fetch_one(connection).await;
    let (ids, rows, shared) = counted.map_err(Error::database("looking for duplicate token ids"))?;
    Ok((ids > 0).then(|| {
        Problem::new(
            format!(
                "{ids} token ids (current_jti) are held by {rows} live sessions, {shared} of them by several users, so {} cannot be made",
                indexes::UNIQUE_JTI
            ),
            "end all but one of each: nothing is deleted silently; `unleak sessions dedupe` clears rows that share a session's token, and UPDATE … SET revoked_at = now() ends the others",
        )
    }))
}

/// What is worth knowing before and hinders nothing.
pub(super) fn notes(base: &Base) -> Vec<String> {
    let mut notes = Vec::new();
    if base.server.owner_is_superuser {
        notes.push(format!(
            "{} owns the table and is a superuser, so the functions that write the log run with a superuser's rights; give the table to another role first",
            base.server.owner
        ));
    }
    if !base.triggers.is_empty() {
        notes.push(format!(
            "triggers run for every row that is filled, and when the functions change a row with nothing but pg_catalog in \
             their search path, so what they name must carry its schema: {}",
            base.triggers.join(", ")
        ));
    }
    if base.row_security {
        notes.push("row-level security is on, which binds neither the views nor the functions that run with their owner's rights: they \
             are open to their owner alone"
                .to_owned(),
        );
    }
    let wall: Vec<&str> = ["expires_at", "revoked_at", "created_at"]
        .into_iter()
        .filter(|name| base.column(name).is_some_and(BaseColumn::is_wall_clock))
        .collect();
    if !wall.is_empty() {
        notes.push(format!("times without a zone are read as UTC: {}", wall.join(", ")));
    }
    if base.agent().is_none() {
        notes.push(
            "there is no column user_agent, so device_hash stays empty until the application fills it"
                .to_owned(),
        );
    }
    match base.address() {
        None => notes.push(
            "there is no column ip, so last_ip_cidr stays empty until the application fills it".to_owned(),
        ),
        Some(column) if !column.is_text() && !matches!(column.data_type.as_str(), "inet" | "cidr") => notes
            .push(format!(
                "the column {} is of type {}, so last_ip_cidr stays empty until the application fills it",
                column.name, column.data_type
            )),
        Some(_) => {}
    }
    notes
}
