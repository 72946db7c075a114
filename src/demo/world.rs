//! Everything that the story needs, in one temporary folder that goes with it.

use super::app::{self, VARIABLE};
use super::browser::{self, Site};
use super::screen::{DIM, Screen};
use super::supervisor::{self, Supervisor};
use super::{Error, Options, repository};
use crate::durable::{self, Mode};
use crate::secret::Secret;
use rand::TryRng as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Who is logged in.
pub(super) const USERS: [&str; 5] = ["ada", "bob", "carol", "dave", "erin"];

/// The repository, the application and its users.
pub(super) struct World {
    // First, so that the application ends before its folder goes.
    _supervisor: Supervisor,
    folder: TempDir,
    program: PathBuf,
    /// The application's address.
    pub(super) site: Site,
    /// The secret that leaked.
    pub(super) secret: Secret,
    /// Each user's cookie, in the order of `USERS`.
    pub(super) cookies: Vec<Secret>,
    /// Whether the folder stays.
    pub(super) kept: bool,
}

impl World {
    /// Makes it all, and tells the screen each secret before anything can be said about it.
    pub(super) fn make(options: &Options, screen: &mut Screen<'_>) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("unleak-demo-")
            .disable_cleanup(options.keep)
            .tempdir()
            .map_err(Error::io("make a temporary folder"))?;
        screen.title("unleak demo: a session secret, from its leak to the proof that it is dead")?;
        let place = folder.path().display();
        screen.say(&format!("{DIM}All of it really happens, in {place} and on 127.0.0.1.{DIM:#}"))?;
        let secret = random_secret()?;
        repository::make(&folder.path().join("repository"), &secret)?;
        let server = folder.path().join("server");
        durable::create_private_dir(&server)?;
        let text = format!(
            "# The invoicing service\nNODE_ENV=production\n{VARIABLE}={}\n",
            String::from_utf8_lossy(secret.expose())
        );
        durable::write_atomic(&app::env_file(&server), text.as_bytes(), Mode::Private)?;
        let supervisor = Supervisor::start(&options.program, &server)?;
        let site = Site::new(supervisor.port());
        let cookies = USERS.iter().map(|user| site.log_in(user)).collect::<Result<Vec<_>, _>>()?;
        let world = Self {
            _supervisor: supervisor,
            folder,
            program: options.program.clone(),
            site,
            secret,
            cookies,
            kept: options.keep,
        };
        screen.hide(world.cookies.iter().map(browser::value).chain([world.secret.clone()]));
        Ok(world)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn repository(&self) -> PathBuf {
        self.folder().join("repository")
    }

    /// The folder of the application.
    pub(super) fn server(&self) -> PathBuf {
        self.folder().join("server")
    }

    /// The state folder of the rotation.
    pub(super) fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// The secret that stands in the application's `.env` now.
    pub(super) fn secret_now(&self) -> Result<Secret, Error> {
        app::dotenv::read(&app::env_file(&self.server()), VARIABLE)
    }

    /// The ids of a user's sessions, as somebody knows them who has a copy of the store.
    pub(super) fn session_ids(&self, user: &str) -> Result<Vec<Secret>, Error> {
        browser::session_ids(&self.server(), user)
    }

    /// The command that restarts the application.
    pub(super) fn restart_command(&self) -> String {
        supervisor::restart_command(&self.program, &self.server())
    }
}

/// A secret as the team of the story makes it: 64 random bytes as 128 hexadecimal characters.
pub(super) fn random_secret() -> Result<Secret, Error> {
    let mut bytes = zeroize::Zeroizing::new([0; 64]);
    rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|_| Error::Randomness)?;
    Ok(Secret::from(hex::encode(*bytes)))
}
