//! Reads queries and JSON bodies; what does not fit is answered as a problem, like every other error.

use super::schema;
use crate::serve::Problem;
use crate::serve::unread::unread;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The query.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// A part of the path.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// The body, as JSON; none where nothing was sent.
pub(super) struct Sent<T>(pub(super) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(None));
        }
        let whole = |Once(sent)| plain(sent).and_then(serde_json::from_value);
        match serde_json::from_slice(&bytes).and_then(whole) {
            Ok(sent) => Ok(Self(Some(sent))),
            Err(error) => Err(Problem::bad_request(format!(
                "the body is no JSON of the form that is documented: {error}"
            ))),
        }
    }
}

/// A JSON object with each of its fields once: of two bounds only one would hold, and whoever sent
/// them believes in both.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whole).map(Self)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("{name} stands there twice")));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

/// The fields as they are meant: 5.0 is a whole number in JSON, and one with nothing in it is a mistake of whoever filled
/// it in, since `atMost: null` is no bound.
fn plain(mut sent: Value) -> serde_json::Result<Value> {
    for (name, value) in sent.as_object_mut().into_iter().flatten() {
        if value.is_null() {
            return Err(serde_json::Error::custom(format!("{name} is null: leave it away")));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be such a number"
        )]
        if let Some(number) = value.as_f64().filter(|number| value.is_f64() && is_whole(*number)) {
            *value = Value::from(number as u64);
        }
    }
    Ok(sent)
}

#[expect(clippy::cast_precision_loss, reason = "a double has every whole number up to this one")]
fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && (0.0..=schema::LARGEST as f64).contains(&number)
}

impl<T> Sent<T> {
    /// The body, where there must be one.
    pub(super) fn needed(self) -> Result<T, Problem> {
        self.0.ok_or_else(|| Problem::bad_request("a JSON body is needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_whole_however_they_are_written_and_nothing_is_no_value() {
        assert_eq!(
            plain(json!({"a": 5.0, "b": 5.5, "c": [1.0]})).unwrap(),
            json!({"a": 5, "b": 5.5, "c": [1.0]})
        );
        assert_eq!(plain(json!([null])).unwrap(), json!([null]));
        assert!(plain(json!({"a": null})).is_err());
        let large = json!({"a": 1e300, "b": -1.0});
        assert_eq!(plain(large.clone()).unwrap(), large);
    }

    #[test]
    fn a_field_stands_there_once() {
        let read = |text: &str| serde_json::from_str::<Once>(text).map(|Once(value)| value);
        assert_eq!(read(r#"{"a": [1], "b": {"a": 2}}"#).unwrap(), json!({"a": [1], "b": {"a": 2}}));
        let twice = read(r#"{"atMost": 1, "dryRun": true, "atMost": 1000}"#).unwrap_err().to_string();
        assert!(twice.contains("atMost stands there twice"), "{twice}");
        for none in ["[]", "null", "1", "\"a\"", "{", "{\"a\": 1}}"] {
            assert!(read(none).is_err(), "{none}");
        }
    }
}
