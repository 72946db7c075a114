//! Forward-auth without a proxy: a layer for applications in Rust.

use super::answer::{Mode, answer};
use super::check::{Verdict, Verifier};
use super::original::{Original, cookies};
use axum::body::Body;
use axum::http::{Request, Response};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Lets requests through whose session is alive, with its [`super::Identity`] among their extensions, and answers the
/// others as `/verify?mode=redirect` does. With `fail_open`, look at [`super::Identity::verified`].
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Extension, Router, routing::get};
/// use unleak::serve::verify::{CookieForm, Identity, SessionLayer, Settings, Verifier};
/// use unleak::session::{Manager, Options, Pooling, UsersWanted};
///
/// let url = "postgres://app@127.0.0.1/shop".parse()?;
/// let users = UsersWanted::default();
/// let manager = Manager::open(&url, &Options::default(), Pooling::default(), Some(&users)).await?;
/// let settings = Settings {
///     names: vec!["authjs.session-token".to_owned()],
///     sign_in: "/signin".to_owned(),
///     ..Settings::new(CookieForm::Token)
/// };
/// let verifier = Verifier::new(settings, Some(manager), None);
/// let router: Router = Router::new()
///     .route("/account", get(|Extension(who): Extension<Identity>| async move { who.user }))
///     .layer(SessionLayer::new(verifier));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionLayer {
    verifier: Arc<Verifier>,
}

impl SessionLayer {
    /// A layer that asks this verifier.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { verifier: Arc::clone(&self.verifier), inner }
    }
}

/// A service behind a [`SessionLayer`].
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    verifier: Arc<Verifier>,
    inner: S,
}

impl<S> Service<Request<Body>> for SessionService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let verifier = Arc::clone(&self.verifier);
        // The one that was found ready is the one to be called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let sent = cookies(&head.headers);
            let verdict = verifier.check(&sent).await;
            let original = Original::of_own(&head);
            if let Verdict::Valid(identity) = verdict {
                head.extensions.insert(identity);
                return inner.call(Request::from_parts(head, body)).await;
            }
            let refusal = answer(&verifier, Mode::Redirect, &original, &sent, &verdict);
            if refusal.status().is_success() {
                head.extensions.insert(super::Identity::default());
                return inner.call(Request::from_parts(head, body)).await;
            }
            Ok(refusal)
        })
    }
}
