//! What makes an object again as it is now: read from the catalogue before it is replaced, run by a rollback.

use super::Error;
use super::base::Base;
use super::object::{Kind, Object, Shape};
use sqlx::postgres::PgConnection;

const DOING: &str = "reading what is to be replaced";

const CONSTRAINT: &str =
    "SELECT ARRAY[format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
  pg_catalog.pg_get_constraintdef(k.oid))]
FROM pg_catalog.pg_constraint k WHERE k.conrelid = $2::int8::oid AND k.conname = $3 AND $1::text IS NOT NULL";

/// Under the name of the stand-in, which then takes the place of what is there.
const INDEX: &str =
    "SELECT ARRAY[regexp_replace(pg_catalog.pg_get_indexdef(c.oid), '^CREATE (UNIQUE )?INDEX \\S+ ',
  format('CREATE \\1INDEX CONCURRENTLY %I ', $4::text))]
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $3 AND $2::int8 IS NOT NULL";

/// With its owner and everybody's rights; a new one would be open to all.
const FUNCTION: &str = "SELECT ARRAY[pg_catalog.pg_get_functiondef(p.oid),
    format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', p.oid::regprocedure)]
  || ARRAY(SELECT format('GRANT %s ON FUNCTION %s TO %s', a.privilege_type, p.oid::regprocedure,
             CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
           FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a)
  || CASE WHEN p.proowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN ARRAY[]::text[]
     ELSE ARRAY[format('ALTER FUNCTION %s OWNER TO %I', p.oid::regprocedure, pg_get_userbyid(p.proowner))] END
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = $1 AND p.proname = $3 AND $2::int8 IS NOT NULL
  AND oidvectortypes(p.proargtypes) = coalesce(
    (SELECT string_agg(format_type(t::regtype, NULL), ', ' ORDER BY o) FROM unnest($4::text[]) WITH ORDINALITY u (t, o)), '')";

const VIEW: &str = "SELECT ARRAY[format('CREATE VIEW %s%s AS %s', c.oid::regclass,
      ' WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_catalog.pg_get_viewdef(c.oid))]
  || ARRAY(SELECT format('GRANT %s ON %s TO %s', a.privilege_type, c.oid::regclass,
             CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
           FROM aclexplode(c.relacl) a)
  || CASE WHEN c.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN ARRAY[]::text[]
     ELSE ARRAY[format('ALTER VIEW %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(c.relowner))] END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $3 AND $2::int8 IS NOT NULL";

/// The statements that make an object again in the form that it has.
pub(super) async fn remake(
    connection: &mut PgConnection,
    base: &Base,
    object: &Object,
) -> Result<Vec<String>, Error> {
    let sql = match object.kind() {
        Kind::Constraint => CONSTRAINT,
        Kind::Index => INDEX,
        Kind::Function => FUNCTION,
        Kind::View => VIEW,
        Kind::Table | Kind::Column | Kind::Default | Kind::Rows => return Ok(Vec::new()),
    };
    let mut query = sqlx::query_scalar(sql).bind(&base.names.schema).bind(base.oid).bind(object.name);
    match &object.shape {
        Shape::Function(function) => query = query.bind(function.types()),
        Shape::Index { stand_in, .. } => query = query.bind(*stand_in),
        _ => {}
    }
    let found: Option<Vec<String>> =
        query.fetch_optional(connection).await.map_err(Error::database(DOING))?;
    Ok(found.unwrap_or_default())
}
