//! The schemas that several operations share.

use serde_json::{Value, json};

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

pub(super) fn object() -> Value {
    json!({"type": "object"})
}

pub(super) fn page() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 1_000_000_000, "default": 1})
}

pub(super) fn limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 20})
}

pub(super) fn user() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000\\ufffd]+$"})
}

pub(super) fn fingerprint() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{16}$"})
}

pub(super) fn fingerprints() -> Value {
    json!({"type": "array", "items": fingerprint(), "minItems": 1, "maxItems": 200})
}

pub(super) fn incident() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$"})
}

pub(super) fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// No number that is sent is larger: up to here every program that reads JSON has them exactly.
pub(super) const LARGEST: u64 = (1 << 53) - 1;

pub(super) fn count() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": LARGEST})
}

fn nullable(of: &str) -> Value {
    json!({"type": [of, "null"]})
}

/// An object whose named fields are always there; more may be.
pub(super) fn answer(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// A list of objects under a name.
pub(super) fn list_of(schema: &'static str, name: &str, items: &Value) -> Value {
    answer(&[("schema", json!({"const": schema})), (name, json!({"type": "array", "items": items}))])
}

pub(super) fn session() -> Value {
    answer(&[
        ("fingerprint", fingerprint()),
        ("user", nullable("string")),
        ("expires", nullable("string")),
        ("created", nullable("string")),
        ("active", flag()),
    ])
}

pub(super) fn sessions() -> Value {
    answer(&[
        ("schema", json!({"const": "unleak.sessions.list/v1"})),
        ("total", count()),
        ("page", count()),
        ("pages", count()),
        ("sessions", json!({"type": "array", "items": session()})),
    ])
}

/// What a procedure would do, or did.
pub(super) fn procedure() -> Value {
    answer(&[
        ("schema", json!({"const": "unleak.serve.procedure/v1"})),
        ("action", text()),
        ("what", text()),
        ("dryRun", flag()),
        ("plan", answer(&[("store", object()), ("selection", text()), ("selected", count())])),
        ("report", nullable("object")),
        ("backups", json!({"type": "array", "items": text()})),
        ("audit", nullable("string")),
    ])
}

pub(super) fn restored() -> Value {
    answer(&[
        ("schema", json!({"const": "unleak.serve.restore/v1"})),
        ("restored", count()),
        ("before", object()),
        ("after", object()),
        ("audit", nullable("string")),
    ])
}

/// Problem details of RFC 9457.
pub(super) fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": text(),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text(),
            "hint": text(),
        },
    })
}
