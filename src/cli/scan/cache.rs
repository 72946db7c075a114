//! Whether and where a scan keeps what it learnt: in git's own folder, or where the user says. A hook keeps nothing, and
//! neither does a scan of anything but a whole repository.

use super::{Args, objects};
use crate::cli::{Context, Failure, fingerprint_key};
use crate::detect::Detector;
use crate::durable::{self, Mode};
use crate::exit::Exit;
use crate::source::{Cache, Source};
use std::path::Path;

/// Gives the source its cache.
pub(super) fn choose(
    args: &Args,
    source: Source,
    detector: &Detector,
    context: &Context,
) -> Result<Source, Failure> {
    // In a hook of a push the objects that came in are not the repository's yet.
    let is_part = args.staged || args.range.is_some() || !objects(context).is_empty();
    let Source::Git(git) = source else { return Ok(source) };
    // What was refused is not kept, so that explaining reads everything; what live values stand where is kept nowhere, and
    // what was learnt without them says nothing of them.
    if args.no_cache || args.explain || is_part || !detector.known().is_empty() {
        return Ok(Source::Git(git));
    }
    let archives = if args.no_archives { "without" } else { "with" };
    let scan = format!("{} {archives} archives", detector.identity());
    let cache = match &args.cache {
        Some(folder) => {
            make(folder).map_err(|error| {
                let failure = Failure::from_error(&error, Exit::Usage);
                failure.hinted("give a folder that can be written to, or scan with --no-cache")
            })?;
            Some(Cache::in_folder(&scan, folder))
        }
        None => fingerprint_key::kept(context).map(|key| Cache::in_repository(&scan, &key)),
    };
    Ok(Source::Git(match cache {
        Some(cache) => Box::new(git.with_cache(cache)),
        None => git,
    }))
}

/// Makes the folder. A new one that lies in a working tree must not become a part of what is scanned there.
fn make(folder: &Path) -> Result<(), durable::Error> {
    let is_new = !folder.exists();
    durable::create_private_dir(folder)?;
    if is_new { durable::write_atomic(&folder.join(".gitignore"), b"*\n", Mode::Private) } else { Ok(()) }
}
