//! Reads queries and JSON bodies; what does not fit is answered as a problem, like every other error.

use crate::serve::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;

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
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:unleak:too-large", "The request is too large")
        })?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(None));
        }
        let whole = |sent: Value| no_nulls(&sent).and_then(|()| serde_json::from_value(sent));
        match serde_json::from_slice(&bytes).and_then(whole) {
            Ok(sent) => Ok(Self(Some(sent))),
            Err(error) => Err(Problem::bad_request(format!(
                "the body is no JSON of the form that is documented: {error}"
            ))),
        }
    }
}

/// A field with nothing in it is a mistake of whoever filled it in: `atMost: null` is no bound.
fn no_nulls(sent: &Value) -> serde_json::Result<()> {
    let field = sent.as_object().and_then(|fields| fields.iter().find(|(_, value)| value.is_null()));
    match field {
        Some((name, _)) => Err(serde_json::Error::custom(format!("{name} is null: leave it away"))),
        None => Ok(()),
    }
}

impl<T> Sent<T> {
    /// The body, where there must be one.
    pub(super) fn needed(self) -> Result<T, Problem> {
        self.0.ok_or_else(|| Problem::bad_request("a JSON body is needed"))
    }
}
