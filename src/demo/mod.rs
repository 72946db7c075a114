//! The whole story on throw-away data: a secret leaks, is found, is used, is rotated, and is proved dead.
//!
//! Nothing in it is acted. The repository is a repository, the application is a process that signs cookies, and every
//! line of the proof is an HTTP answer or a count. It uses the public functions of this library and no shortcut.

mod app;
mod browser;
mod chapter;
mod error;
mod repository;
mod screen;
mod supervisor;
mod trial;
mod world;

pub use app::serve;
pub use error::Error;
pub use supervisor::restart;

use crate::rotate::Stop;
use screen::Screen;
use std::io::Write;
use std::path::PathBuf;
use world::World;

/// How the demo runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// This program, which is also the demo's application.
    pub program: PathBuf,
    /// Whether the folder stays.
    pub keep: bool,
}

/// One thing that the demo shows, and whether it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The claim.
    pub claim: String,
    /// Whether it was seen to be so.
    pub held: bool,
}

/// What the demo leaves.
#[derive(Debug)]
pub struct Outcome {
    /// Everything that was to be shown.
    pub proofs: Vec<Proof>,
    /// The folder, if it was to be kept.
    pub kept: Option<PathBuf>,
}

impl Outcome {
    /// Whether every proof held.
    pub fn held(&self) -> bool {
        !self.proofs.is_empty() && self.proofs.iter().all(|proof| proof.held)
    }
}

/// Tells and shows the story; `out` gets colour codes, which its owner strips where they are not wanted.
///
/// # Errors
/// When something keeps the story from going on. A proof that does not hold is no error but a result.
pub fn run(options: &Options, stop: &Stop, out: &mut dyn Write) -> Result<Outcome, Error> {
    let mut screen = Screen::new(out);
    let world = World::make(options, &mut screen)?;
    let mut story = Story { world, screen, stop, proofs: Vec::new() };
    story.tell()?;
    let Story { world, proofs, .. } = story;
    Ok(Outcome { proofs, kept: options.keep.then(|| world.folder().to_owned()) })
}

/// The demo under way.
struct Story<'a> {
    world: World,
    screen: Screen<'a>,
    stop: &'a Stop,
    proofs: Vec<Proof>,
}

impl Story<'_> {
    fn tell(&mut self) -> Result<(), Error> {
        self.go_on()?;
        chapter::leak(self)?;
        self.go_on()?;
        let found = chapter::scan(self)?;
        self.go_on()?;
        let mut trials = chapter::attack(self, &found)?;
        self.go_on()?;
        let plan = chapter::plan(self)?;
        self.go_on()?;
        let outcome = chapter::rotate(self, &plan)?;
        self.go_on()?;
        chapter::proof(self, &found, &mut trials, &outcome)?;
        chapter::report(self, &outcome)?;
        chapter::next(self)
    }

    fn prove(&mut self, claim: impl Into<String>, held: bool) {
        self.proofs.push(Proof { claim: claim.into(), held });
    }

    fn go_on(&self) -> Result<(), Error> {
        if self.stop.is_requested() { Err(Error::Stopped) } else { Ok(()) }
    }
}
