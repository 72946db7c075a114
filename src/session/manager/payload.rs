//! Whose a session is, by what the application keeps in it: JSON of the Express family, and what Django signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::io::Read as _;

/// Where applications keep the user's id when nobody says where: Passport, Express by custom, Django, Flask-Login.
const USUAL: [&str; 8] =
    ["passport.user", "userId", "user.id", "user_id", "uid", "_auth_user_id", "_user_id", "passport.user.id"];

/// No session that is read unpacked is longer.
const LONGEST: u64 = 1 << 20;

/// The user's id at `path`, or at the first usual place; `None` for a session of nobody, and what is no JSON.
pub fn user(payload: &[u8], path: Option<&str>) -> Option<String> {
    let session: Value = serde_json::from_slice(payload).ok().or_else(|| signed(payload))?;
    match path {
        Some(path) => at(&session, path),
        None => USUAL.iter().find_map(|path| at(&session, path)).or_else(|| devise(&session)),
    }
}

/// `[[7], "…"]` under a key that is named after the model.
fn devise(session: &Value) -> Option<String> {
    let key = |key: &str| key.strip_prefix("warden.user.").is_some_and(|model| model.ends_with("key"));
    let (_, found) = session.as_object()?.iter().find(|(name, _)| key(name))?;
    at(found.get(0)?, "0").or_else(|| found.get(0)?.get(0)?.as_i64().map(|id| id.to_string()))
}

fn at(session: &Value, path: &str) -> Option<String> {
    match path.split('.').try_fold(session, |value, key| value.get(key))? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// `PAYLOAD:TIME:SIGNATURE` of `django.core.signing`; a dot before what is compressed.
fn signed(payload: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(payload).ok()?;
    let (contents, _) = text.split_once(':')?;
    let bytes = URL_SAFE_NO_PAD.decode(contents.trim_start_matches('.').trim_end_matches('=')).ok()?;
    if !contents.starts_with('.') {
        return serde_json::from_slice(&bytes).ok();
    }
    let mut unpacked = Vec::new();
    flate2::read::ZlibDecoder::new(&bytes[..]).take(LONGEST).read_to_end(&mut unpacked).ok()?;
    serde_json::from_slice(&unpacked).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn users_are_found_where_frameworks_keep_them() {
        for (payload, path, expected) in [
            (r#"{"cookie":{},"passport":{"user":7}}"#, None, Some("7")),
            (r#"{"cookie":{},"passport":{"user":{"id":"a"}}}"#, None, Some("a")),
            (r#"{"cookie":{},"userId":"ada"}"#, None, Some("ada")),
            (r#"{"cookie":{},"userId":""}"#, None, None),
            (r#"{"cookie":{}}"#, None, None),
            (r#"{"cookie":{},"who":{"is":"x"},"userId":"y"}"#, Some("who.is"), Some("x")),
            (r#"{"cookie":{},"userId":"y"}"#, Some("who.is"), None),
            ("eyJfYXV0aF91c2VyX2lkIjoiNyJ9:1abc:sig", None, Some("7")),
            (r#"{"session_id":"x","warden.user.user.key":[[7],"salt"]}"#, None, Some("7")),
            ("not a session", None, None),
        ] {
            assert_eq!(user(payload.as_bytes(), path).as_deref(), expected, "{payload}");
        }
    }

    proptest! {
        #[test]
        fn anything_else_is_nobodys(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[.:a-zA-Z0-9=_-]{0,80}") {
            prop_assert_eq!(user(&bytes, Some("no.such.key")), None);
            prop_assert_eq!(user(text.as_bytes(), Some("no.such.key")), None);
        }
    }
}
