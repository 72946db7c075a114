//! Files of the state folder, read on threads where waiting holds nobody else up.

use super::Problem;
use super::app::App;

/// Reads something from files.
pub(super) async fn read<T, E, F>(app: &App, read: F) -> Result<T, Problem>
where
    F: FnOnce(&App) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Into<Problem>,
{
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || read(&app).map_err(Into::into)).await;
    done.unwrap_or_else(|_| Err(Problem::internal("reading ended by a fault of this program")))
}
