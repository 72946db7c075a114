//! The pre-commit hook: puts a script where git looks for it, in front of the hook that was there, and takes it away.
//!
//! The earlier hook is moved aside, never edited, so that uninstalling gives it back byte for byte.

use git2::{ConfigLevel, Repository};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The hook's name, and where the earlier one waits.
const NAME: &str = "pre-commit";
const EARLIER: &str = "pre-commit.before-unleak";
/// The line by which our own script is known, in every version of it.
const MARKER: &str = "# unleak-hook";
const SCRIPT: &str = include_str!("hook.sh");

/// Why a hook was not installed or not removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path is in no repository that git would use.
    #[error("cannot open a git repository at {}", path.display())]
    Repository {
        /// Where a repository was looked for.
        path: PathBuf,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// Nobody commits in a bare repository.
    #[error("{} is a bare repository, in which no pre-commit hook ever runs", path.display())]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// `core.hooksPath` names something that is no folder.
    #[error("core.hooksPath is {}, which is no folder, so git runs no hook", path.display())]
    HooksPath {
        /// What it names.
        path: PathBuf,
    },
    /// Another tool owns the hooks and would overwrite ours.
    #[error("the hooks of this repository are managed by {}", manager.name())]
    Managed {
        /// The tool.
        manager: Manager,
    },
    /// Two earlier hooks: one moved aside by an installation before, one written since.
    #[error("{} and {} both exist", hook.display(), earlier.display())]
    TwoEarlier {
        /// The hook that git runs now.
        hook: PathBuf,
        /// The one that was moved aside.
        earlier: PathBuf,
    },
    /// The hook that is there is not ours.
    #[error("{} was not installed by unleak", hook.display())]
    NotOurs {
        /// The hook that git runs now.
        hook: PathBuf,
    },
    /// A file could not be read, written or moved.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Repository { source, .. } if source.code() == git2::ErrorCode::Owner => Some(
                "the repository belongs to another user; if you trust it, add it to git's safe.directory"
                    .to_owned(),
            ),
            Self::Repository { .. } => Some("run it inside a repository, or name one".to_owned()),
            Self::Bare { .. } => Some("install the hook in the clones where people commit".to_owned()),
            Self::HooksPath { .. } => {
                Some("unset it with `git config --unset core.hooksPath`, or make the folder".to_owned())
            }
            Self::Managed { manager } => Some(manager.hint().to_owned()),
            Self::TwoEarlier { earlier, .. } => Some(format!(
                "merge what is still wanted of {} into the hook, delete it, and install again",
                earlier.display()
            )),
            Self::NotOurs { .. } => Some("nothing was changed".to_owned()),
            Self::File { .. } => None,
        }
    }
}

/// Tools that write hooks themselves, and would write over ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// husky: `core.hooksPath` is `.husky/_`.
    Husky,
    /// lefthook: its name stands in the hook.
    Lefthook,
    /// pre-commit: its hook says that it was generated.
    PreCommit,
}

impl Manager {
    /// The tool's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Husky => "husky",
            Self::Lefthook => "lefthook",
            Self::PreCommit => "pre-commit",
        }
    }

    /// How to add unleak to its configuration.
    fn hint(self) -> &'static str {
        match self {
            Self::Husky => "add the line `unleak scan --staged` to .husky/pre-commit",
            Self::Lefthook => {
                "add a command `unleak` with `run: unleak scan --staged` under `pre-commit:` in lefthook.yml"
            }
            Self::PreCommit => {
                "add unleak to .pre-commit-config.yaml: a hook with `entry: unleak scan --staged`, \
                                `language: system` and `pass_filenames: false`"
            }
        }
    }

    /// Which tool owns the hook folder or wrote the hook.
    fn of(hooks: &Path, hook: Option<&[u8]>) -> Option<Self> {
        let holds = |needle: &[u8]| {
            hook.is_some_and(|text| text.windows(needle.len()).any(|window| window == needle))
        };
        if hooks.components().any(|part| part.as_os_str() == ".husky") {
            Some(Self::Husky)
        } else if holds(b"lefthook") {
            Some(Self::Lefthook)
        } else if holds(b"File generated by pre-commit") {
            Some(Self::PreCommit)
        } else {
            None
        }
    }
}

/// What an installation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The hook.
    pub hook: PathBuf,
    /// The hook that was there and now runs first.
    pub earlier: Option<PathBuf>,
    /// Whether our hook was there already; it is written again, since the program may have moved.
    pub again: bool,
    /// Whether the folder comes from the user's own or the system's configuration, so that the hook runs in every
    /// repository that uses it.
    pub shared: bool,
}

/// What a removal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// There was no hook.
    Nothing,
    /// Ours is gone.
    Ours(PathBuf),
    /// Ours is gone and the earlier one is back.
    Restored(PathBuf),
}

/// Installs the hook for the repository that `path` is in. `program` is run when no `unleak` is on the `PATH`.
pub fn install(path: &Path, program: &Path) -> Result<Installed, Error> {
    let Folder { hooks, shared } = Folder::of(path)?;
    let (hook, earlier) = (hooks.join(NAME), hooks.join(EARLIER));
    let existing = read(&hook)?;
    let again = existing.as_deref().is_some_and(is_ours);
    if let Some(manager) = Manager::of(&hooks, existing.as_deref().filter(|_| !again)) {
        return Err(Error::Managed { manager });
    }
    fs::create_dir_all(&hooks).map_err(failed("create", &hooks))?;
    if exists(&hook) && !again {
        if exists(&earlier) {
            return Err(Error::TwoEarlier { hook, earlier });
        }
        rename(&hook, &earlier)?;
    }
    if let Err(error) = write_script(&hook, &hooks, program) {
        if exists(&earlier) && !again {
            rename(&earlier, &hook)?;
        }
        return Err(error);
    }
    let earlier = exists(&earlier).then_some(earlier);
    Ok(Installed { hook, earlier, again, shared })
}

/// Removes the hook from the repository that `path` is in, and gives the earlier one back.
pub fn uninstall(path: &Path) -> Result<Removed, Error> {
    let Folder { hooks, .. } = Folder::of(path)?;
    let (hook, earlier) = (hooks.join(NAME), hooks.join(EARLIER));
    let ours = read(&hook)?.as_deref().is_some_and(is_ours);
    match (exists(&hook), exists(&earlier)) {
        (true, _) if !ours => Err(Error::NotOurs { hook }),
        (_, true) => rename(&earlier, &hook).map(|()| Removed::Restored(hook)),
        (true, false) => {
            fs::remove_file(&hook).map_err(failed("remove", &hook))?;
            Ok(Removed::Ours(hook))
        }
        (false, false) => Ok(Removed::Nothing),
    }
}

/// Where git looks for the hooks of a repository.
struct Folder {
    hooks: PathBuf,
    shared: bool,
}

impl Folder {
    fn of(path: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Repository { path: path.to_owned(), source };
        let repository = Repository::discover(path).map_err(unusable)?;
        let Some(top) = repository.workdir() else {
            return Err(Error::Bare { path: repository.path().to_owned() });
        };
        let config = repository.config().and_then(|mut config| config.snapshot()).map_err(unusable)?;
        // Linked worktrees share the hooks of the main one.
        let Ok(configured) = config.get_path("core.hooksPath") else {
            return Ok(Self { hooks: repository.commondir().join("hooks"), shared: false });
        };
        // Git runs hooks at the top of the work tree, and takes a relative path from there.
        let hooks = top.join(configured);
        if hooks.exists() && !hooks.is_dir() {
            return Err(Error::HooksPath { path: hooks });
        }
        let level = config.get_entry("core.hooksPath").map(|entry| entry.level());
        let own = matches!(level, Ok(ConfigLevel::Local | ConfigLevel::Worktree));
        Ok(Self { hooks, shared: !own })
    }
}

fn is_ours(script: &[u8]) -> bool {
    script.split(|byte| *byte == b'\n').any(|line| line.starts_with(MARKER.as_bytes()))
}

/// The content of a hook; `None` when there is none, or a link that leads nowhere.
fn read(hook: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(hook) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", hook)(error)),
    }
}

/// Whether there is anything of that name, also a link that leads nowhere.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "moves a hook aside; a crash in between is undone by the next try"
)]
fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(failed("move", from))
}

fn write_script(hook: &Path, hooks: &Path, program: &Path) -> Result<(), Error> {
    let mut file = tempfile::NamedTempFile::new_in(hooks).map_err(failed("write in", hooks))?;
    file.write_all(script(program).as_bytes()).map_err(failed("write", hook))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(0o755);
        file.as_file().set_permissions(mode).map_err(failed("make executable", hook))?;
    }
    file.as_file().sync_all().map_err(failed("write", hook))?;
    file.persist(hook).map_err(|error| failed("write", hook)(error.error))?;
    Ok(())
}

/// The script, with the program's path as one word of the shell.
fn script(program: &Path) -> String {
    let path = program.to_string_lossy().replace('\'', r"'\''");
    // Git's shell on Windows takes both kinds of slashes in a path, but shows a backslash as an escape.
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path };
    SCRIPT.replace("'@PROGRAM@'", &format!("'{path}'"))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        let script = script(Path::new("/home/o'neil/bin/unleak"));
        assert!(script.contains(r"program='/home/o'\''neil/bin/unleak'"), "{script}");
        assert!(is_ours(script.as_bytes()));
        assert!(!script.contains("@PROGRAM@"));
    }

    #[test]
    fn managers_are_known_by_their_folder_and_by_their_hook() {
        assert_eq!(Manager::of(Path::new("/r/.husky/_"), None), Some(Manager::Husky));
        let hook = b"#!/bin/sh\n# File generated by pre-commit: its address\n";
        assert_eq!(Manager::of(Path::new("/r/.git/hooks"), Some(hook)), Some(Manager::PreCommit));
        assert_eq!(Manager::of(Path::new("/r/.git/hooks"), Some(b"#!/bin/sh\nmake check\n")), None);
    }
}
