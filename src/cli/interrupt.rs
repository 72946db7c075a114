//! Ctrl-C: the system takes one handler for the whole process, and what is under way says what it does.

use std::sync::{Mutex, PoisonError};

type Answer = Box<dyn Fn() + Send>;

static ANSWER: Mutex<Option<Answer>> = Mutex::new(None);

/// Answers Ctrl-C by this from now on, and no longer by what was said before.
pub(super) fn answer_by(answer: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    let mut now = ANSWER.lock().unwrap_or_else(PoisonError::into_inner);
    if now.is_none() {
        ctrlc::set_handler(|| {
            if let Some(answer) = &*ANSWER.lock().unwrap_or_else(PoisonError::into_inner) {
                answer();
            }
        })?;
    }
    *now = Some(Box::new(answer));
    Ok(())
}

/// Ends the process at once from now on, as it is without a handler: nothing is under way.
#[expect(clippy::exit, reason = "a signal is answered at once, whatever else is going on")]
pub(super) fn end_at_once() {
    // Without a handler the system's own does just that.
    drop(answer_by(|| std::process::exit(130)));
}
