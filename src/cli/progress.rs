//! The bar that shows long work, and the stop sign of Ctrl-C.

use super::{Context, interrupt};
use crate::source::Progress;
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work that is over sooner than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// A bar on standard error, drawn by a thread of its own while work goes on.
pub(super) struct Bar {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// Watches `progress` if somebody watches the terminal.
    pub(super) fn start(progress: &Arc<Progress>, context: &Context) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        if context.quiet || !context.err_is_terminal {
            return Self { done, thread: None };
        }
        let (progress, ended) = (Arc::clone(progress), Arc::clone(&done));
        let thread = std::thread::spawn(move || draw(&progress, &ended));
        Self { done, thread: Some(thread) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

fn draw(progress: &Progress, done: &AtomicBool) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if done.load(Ordering::Relaxed) {
            return;
        }
        std::thread::park_timeout(PATIENCE.saturating_sub(start.elapsed()));
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    while !done.load(Ordering::Relaxed) {
        let state = State::of(progress);
        bar.set_length(state.length);
        bar.set_position(state.position);
        bar.set_message(state.text(bar.eta()));
        std::thread::park_timeout(Duration::from_millis(100));
    }
    bar.finish_and_clear();
}

/// How far the work is.
struct State {
    position: u64,
    length: u64,
    items: u64,
    total: u64,
    bytes: u64,
}

impl State {
    /// By bytes as they are stored, since objects differ much in size; by files where nothing is known of those.
    fn of(progress: &Progress) -> Self {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (items, total) = (now(&progress.items), now(&progress.total));
        let (stored, to_read) = (now(&progress.stored), now(&progress.to_read));
        let by_bytes = stored < to_read && items < total;
        let (position, length) = if by_bytes { (stored, to_read) } else { (items, total) };
        Self { position, length, items, total, bytes: now(&progress.bytes) }
    }

    fn text(&self, left: Duration) -> String {
        let Self { items, total, bytes, .. } = self;
        let (items, total) = (HumanCount(*items), HumanCount(*total));
        let rest = match left.as_secs() {
            _ if self.position >= self.length => "looking up where findings stand".to_owned(),
            // Nobody can tell yet.
            _ if self.position == 0 => "starting".to_owned(),
            0 => "less than a second left".to_owned(),
            seconds => format!("{} left", HumanDuration(Duration::from_secs(seconds))),
        };
        format!("{items} of {total} objects and files, {}, {rest}", HumanBytes(*bytes))
    }
}

/// Makes Ctrl-C end the work in good order; a second Ctrl-C ends the process.
#[expect(
    clippy::exit,
    clippy::print_stderr,
    reason = "a signal is answered at once, whatever else is going on"
)]
pub(super) fn stop_on_interrupt(progress: &Arc<Progress>) {
    let progress = Arc::clone(progress);
    // Without a handler the system's own applies, which ends the process at once: nothing is half-written here.
    drop(interrupt::answer_by(move || {
        if progress.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nstopping: looking up where the findings so far stand; Ctrl-C again to leave at once");
    }));
}
