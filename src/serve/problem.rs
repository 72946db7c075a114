//! Errors as the API answers them: problem details of RFC 9457, the same few fields every time.

use crate::{rotate, session};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;

/// An error that a client is told.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// What kind it is: stable, for programs.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The same for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// This case, where there is more to say; never with a token in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Problem {
    /// A problem of a kind, which is part of the API.
    pub fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self { kind, title, status: status.as_u16(), detail: None, hint: None }
    }

    /// A request that cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:unleak:request", "The request is not understood")
            .detailed(detail)
    }

    /// Something was named that is not there.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:unleak:not-found", "There is no such thing").detailed(detail)
    }

    /// Something went wrong here.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:unleak:internal", "Something went wrong here")
            .detailed(detail)
    }

    /// Adds what is special about this case.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hinted(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its body.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("texts and a number can be written")
    }

    /// What went wrong and what to do about it, for a page.
    pub(super) fn texts(&self) -> (&'static str, Option<&str>, Option<&str>) {
        (self.title, self.detail.as_deref(), self.hint.as_deref())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"unleak\""));
        }
        response
    }
}

impl From<session::Error> for Problem {
    fn from(error: session::Error) -> Self {
        Self::from(&error)
    }
}

/// One error is told to many who asked at the same time.
impl From<Arc<session::Error>> for Problem {
    fn from(error: Arc<session::Error>) -> Self {
        Self::from(&*error)
    }
}

impl From<&session::Error> for Problem {
    fn from(error: &session::Error) -> Self {
        use session::Error as E;
        let (status, kind, title) = match error {
            E::Connect { .. }
            | E::Timeout { .. }
            | E::Database { .. }
            | E::File { .. }
            | E::ReadOnly { .. }
            | E::Locked { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "urn:unleak:store",
                "The session store does not answer as it should",
            ),
            E::CommitUnknown { .. }
            | E::Partial { .. }
            | E::Uncounted { .. }
            | E::RestoredUncounted { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "urn:unleak:half-way",
                "The change may have been made, in whole or in part",
            ),
            E::Fingerprint { found: 0, .. } => {
                (StatusCode::NOT_FOUND, "urn:unleak:not-found", "There is no such thing")
            }
            E::Unsupported { .. } => {
                (StatusCode::NOT_IMPLEMENTED, "urn:unleak:unsupported", "This store cannot do that")
            }
            E::Io { .. } | E::Key { .. } | E::Audit { .. } | E::Durable(_) | E::Random => {
                (StatusCode::INTERNAL_SERVER_ERROR, "urn:unleak:internal", "Something went wrong here")
            }
            _ => (StatusCode::CONFLICT, "urn:unleak:refused", "This was refused, and nothing was changed"),
        };
        Self::new(status, kind, title).detailed(chain(error)).hinted(error.hint())
    }
}

impl From<rotate::Error> for Problem {
    fn from(error: rotate::Error) -> Self {
        let problem = match &error {
            rotate::Error::NoIncident(_) | rotate::Error::IncidentId => Self::missing(chain(&error)),
            _ => Self::internal(chain(&error)),
        };
        problem.hinted(error.hint())
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes any text");
        cause = error.source();
    }
    text
}

pub(super) async fn not_found() -> Problem {
    Problem::missing("there is nothing at this address")
}

pub(super) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "urn:unleak:method",
        "This address does not take this method",
    )
}
