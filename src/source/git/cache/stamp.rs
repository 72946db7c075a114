//! Whether a file is still the one that was read, told without reading it.

use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// So soon after a change another one may leave no trace in the times: clocks of file systems tick in milliseconds,
const TICK: Duration = Duration::from_millis(50);
/// or, where no fraction of a second is told, in seconds.
const COARSE_TICK: Duration = Duration::from_millis(2100);

/// A file's length, number and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Stamp {
    len: u64,
    number: u64,
    times: [(i64, u32); 2],
}

impl Stamp {
    /// The stamp of a file; `None` if it changed a moment ago.
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        let stamp = Self { len: metadata.len(), number: number(metadata), times: times(metadata)? };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let is_settled = stamp.times.iter().all(|&(seconds, fraction)| {
            let tick = if fraction == 0 { COARSE_TICK } else { TICK };
            let changed = Duration::new(u64::try_from(seconds).unwrap_or(0), fraction);
            now.checked_sub(changed).is_some_and(|age| age > tick)
        });
        is_settled.then_some(stamp)
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.ino()
}

#[cfg(not(unix))]
fn number(_metadata: &Metadata) -> u64 {
    0
}

/// When its content and when anything about it changed; nobody can set the latter.
#[cfg(unix)]
fn times(metadata: &Metadata) -> Option<[(i64, u32); 2]> {
    use std::os::unix::fs::MetadataExt as _;
    let fraction = |nanoseconds: i64| u32::try_from(nanoseconds).ok();
    let content = (metadata.mtime(), fraction(metadata.mtime_nsec())?);
    Some([content, (metadata.ctime(), fraction(metadata.ctime_nsec())?)])
}

#[cfg(not(unix))]
fn times(metadata: &Metadata) -> Option<[(i64, u32); 2]> {
    let changed = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let time = (i64::try_from(changed.as_secs()).ok()?, changed.subsec_nanos());
    Some([time, time])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_stamp_when_its_last_change_is_a_while_ago() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stamp = || Stamp::of(&file.as_file().metadata().unwrap());
        assert_eq!(stamp(), None);
        std::thread::sleep(TICK * 2);
        let before = stamp();
        assert!(before.is_some());
        file.as_file().set_len(1).unwrap();
        std::thread::sleep(TICK * 2);
        assert_ne!(stamp(), before);
    }
}
