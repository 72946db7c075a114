//! What a session's value tells: whose it is, when it was made, used and ends.
//!
//! JSON is read, what frameworks write instead of it (see [`super::packed`]), and the fields of Spring's hashes as Java or
//! JSON writes them. What cannot be read tells nothing.

use super::packed;
use crate::session::dialect::normalised;
use crate::session::selection::{CREATED, USED};
use jiff::Timestamp;
use redis::Value;
use serde_json::Value as Json;

/// What Spring calls the user in the attributes of a session.
const PRINCIPAL: &str =
    "sessionAttr:org.springframework.session.FindByIndexNameSessionRepository.PRINCIPAL_NAME_INDEX_NAME";

/// The fields of a hash that are asked for.
pub(super) const FIELDS: [&str; 4] = ["creationTime", "lastAccessedTime", "maxInactiveInterval", PRINCIPAL];

/// What one session tells; times in Unix milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) user: Option<String>,
    pub(super) created: Option<i64>,
    pub(super) used: Option<i64>,
    pub(super) ends: Option<i64>,
}

impl Told {
    /// By a string; `path` leads to the user, else it is where the framework keeps it.
    pub(super) fn by_text(value: &[u8], path: Option<&[String]>) -> Self {
        let Some(json) = packed::read(value) else { return Self::default() };
        let user = match path {
            Some(path) => path.iter().try_fold(&json, |inner, key| inner.get(key)),
            None => packed::user(&json),
        };
        let named = |names: &[&str]| {
            let members = json.as_object()?;
            names
                .iter()
                .find_map(|name| members.iter().find(|(key, _)| normalised(key) == *name))
                .map(|(_, v)| v)
        };
        // No framework keeps the end of a session anywhere else: an `expires` next to it is that of something in it.
        let ends = json.get("cookie").and_then(|cookie| cookie.get("expires"));
        Self {
            user: user.and_then(text),
            created: named(&CREATED).and_then(time),
            used: named(&USED).and_then(time),
            ends: ends.and_then(time),
        }
    }

    /// By the fields of a hash, in the order of [`FIELDS`].
    pub(super) fn by_fields(fields: &[Value]) -> Self {
        let bytes = |at: usize| match fields.get(at) {
            Some(Value::BulkString(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let (created, used) = (bytes(0).and_then(number), bytes(1).and_then(number));
        // Without an interval, or with a negative one, a session never ends.
        let idle = bytes(2).and_then(number).filter(|seconds| *seconds > 0);
        let ends = used.zip(idle).map(|(used, seconds)| used.saturating_add(seconds.saturating_mul(1000)));
        Self { user: bytes(3).and_then(java_text), created, used, ends }
    }
}

/// A user's id: a text or a number, as PostgreSQL's `#>>` gives it.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Smaller numbers are durations: as a date this is the year 2001.
const EARLIEST: u64 = 1_000_000_000;

/// A time in ISO 8601, or a number of seconds or milliseconds, told apart by its size.
fn time(value: &Json) -> Option<i64> {
    match value {
        Json::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        Json::Number(number) => {
            let whole = number.as_i64().filter(|whole| whole.unsigned_abs() >= EARLIEST)?;
            Some(if whole.unsigned_abs() < 100_000_000_000 { whole * 1000 } else { whole })
        }
        _ => None,
    }
}

/// A number in digits, or as Java serializes `Long` and `Integer`: the value stands at the end.
fn number(bytes: &[u8]) -> Option<i64> {
    if !bytes.starts_with(b"\xac\xed\x00\x05sr\x00") {
        return std::str::from_utf8(bytes).ok()?.parse().ok();
    }
    let class = &bytes[7..];
    if class.starts_with(b"\x0ejava.lang.Long") {
        Some(i64::from_be_bytes(bytes.last_chunk::<8>().copied()?))
    } else if class.starts_with(b"\x11java.lang.Integer") {
        Some(i32::from_be_bytes(bytes.last_chunk::<4>().copied()?).into())
    } else {
        None
    }
}

/// A text as Java serializes `String`, as JSON writes it, or bare.
fn java_text(bytes: &[u8]) -> Option<String> {
    let bare = match bytes.strip_prefix(b"\xac\xed\x00\x05t") {
        Some([_, _, text @ ..]) => text,
        Some(_) => return None,
        None if bytes.starts_with(b"\xac\xed") => return None,
        None => bytes,
    };
    let text = std::str::from_utf8(bare).ok()?;
    let quoted = text.starts_with('"').then(|| serde_json::from_str::<String>(text).ok()).flatten();
    Some(quoted.unwrap_or_else(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_tells_what_it_holds_and_nothing_else() {
        let path = ["passport".to_owned(), "user".to_owned()];
        let by = |text: &str| Told::by_text(text.as_bytes(), Some(&path));
        let told = by(
            r#"{"cookie":{"expires":"2001-01-01T00:00:00.000Z"},"passport":{"user":7},"createdAt":1000000000}"#,
        );
        let (created, ends) = (Some(1_000_000_000_000), Some(978_307_200_000));
        assert_eq!(told, Told { user: Some("7".to_owned()), created, used: None, ends });
        for nothing in
            ["", "no json", "[1]", r#"{"passport":{"user":null},"cookie":{"expires":null}}"#, "\u{80}"]
        {
            assert_eq!(by(nothing), Told::default(), "{nothing}");
        }
        assert_eq!(Told::by_text(br#"{"passport":{"user":7}}"#, None), Told::default());
    }

    #[test]
    fn how_long_something_lasts_is_no_date_and_the_end_of_a_token_is_not_that_of_its_session() {
        for nothing in [
            r#"{"access_token":"t","expires":3600}"#,
            r#"{"access_token":"t","expiresAt":"2001-01-01T00:00:00Z"}"#,
            r#"{"expiry":1000000001}"#,
            r#"{"cookie":{"expires":3600},"createdAt":86400}"#,
        ] {
            assert_eq!(Told::by_text(nothing.as_bytes(), None), Told::default(), "{nothing}");
        }
    }

    #[test]
    fn java_and_json_write_the_fields_of_spring() {
        let java = |class: &[u8], value: &[u8]| [b"\xac\xed\x00\x05sr\x00", class, b"..xp", value].concat();
        let long = |value: i64| Value::BulkString(java(b"\x0ejava.lang.Long", &value.to_be_bytes()));
        let int = |value: i32| Value::BulkString(java(b"\x11java.lang.Integer", &value.to_be_bytes()));
        let text = |bytes: &[u8]| Value::BulkString(bytes.to_vec());
        let told = Told::by_fields(&[long(5), long(1000), int(1800), text(b"\xac\xed\x00\x05t\x00\x03ada")]);
        let ada = Some("ada".to_owned());
        assert_eq!(
            told,
            Told { user: ada.clone(), created: Some(5), used: Some(1000), ends: Some(1_801_000) }
        );
        let told = Told::by_fields(&[text(b"5"), text(b"1000"), text(b"-1"), text(b"\"ada\"")]);
        assert_eq!(told, Told { user: ada, created: Some(5), used: Some(1000), ends: None });
        assert_eq!(Told::by_fields(&[Value::Nil, text(b"\xac\xed\x00\x05sr"), text(b"")]), Told::default());
    }
}
