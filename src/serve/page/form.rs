//! What forms send, and what pages are asked for: pairs of names and values, of which one name can come often.

use crate::serve::Problem;
use crate::serve::unread::unread;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::Method;

/// The fields of a query or a form.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of a name that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a name that are not empty.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, value)| key == name && !value.is_empty());
        named.map(|(_, value)| value.as_str())
    }

    /// A number from 1; 1 where there is none.
    pub(super) fn number(&self, name: &str) -> u32 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, 1_000_000_000)
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(Self::parse(request.uri().query().unwrap_or_default().as_bytes()));
        }
        let bytes = Bytes::from_request(request, state).await;
        bytes.map(|bytes| Self::parse(&bytes)).map_err(|error| unread(&error))
    }
}
