//! Why a request's body could not be read: it is too large, or it did not come in time.

use super::Problem;
use axum::http::StatusCode;
use std::error::Error;
use std::iter::successors;
use tower_http::timeout::TimeoutError;

/// What whoever sent it is told.
pub(super) fn unread(error: &(dyn Error + 'static)) -> Problem {
    if successors(Some(error), |&cause| cause.source()).any(<dyn Error>::is::<TimeoutError>) {
        let title = "The request did not come in time";
        return Problem::new(StatusCode::REQUEST_TIMEOUT, "urn:unleak:too-slow", title);
    }
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:unleak:too-large", "The request is too large")
        .detailed("a body has at most 64 KiB")
}
