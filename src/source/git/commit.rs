//! What a commit or tag object says: its header fields, and where its message begins.

use super::object_id::ObjectId;
use crate::source::CommitInfo;
use jiff::Timestamp;

/// A commit's ties and time.
pub(super) struct Parsed {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// The committer's time in seconds since 1970.
    pub(super) time: i64,
}

/// Parses a commit; `None` if it has no tree.
pub(super) fn parse(object: &[u8]) -> Option<Parsed> {
    let header = &object[..message_start(object)];
    let tree = ObjectId::from_hex(field(header, b"tree").next()?)?;
    let parents = field(header, b"parent").filter_map(ObjectId::from_hex).collect();
    let time = field(header, b"committer").next().and_then(seconds).unwrap_or(0);
    Some(Parsed { tree, parents, time })
}

/// What a tag object points to.
pub(super) fn target(object: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(field(&object[..message_start(object)], b"object").next()?)
}

/// Where the message begins: behind the first empty line.
pub(super) fn message_start(object: &[u8]) -> usize {
    memchr::memmem::find(object, b"\n\n").map_or(object.len(), |at| at + 2)
}

/// The author (`field` is `author`) or tagger (`tagger`) with the date, as a report tells them.
pub(super) fn info(id: &ObjectId, object: &[u8], name: &[u8], order: u32) -> CommitInfo {
    let header = &object[..message_start(object)];
    let line = field(header, name).next().unwrap_or_default();
    let end = line.iter().rposition(|&byte| byte == b'>').map_or(line.len(), |at| at + 1);
    CommitInfo {
        id: id.to_string(),
        author: String::from_utf8_lossy(&line[..end]).into_owned(),
        date: seconds(line).and_then(|seconds| Timestamp::from_second(seconds).ok()),
        order,
    }
}

fn field<'h>(header: &'h [u8], name: &'h [u8]) -> impl Iterator<Item = &'h [u8]> {
    header.split(|&byte| byte == b'\n').filter_map(move |line| line.strip_prefix(name)?.strip_prefix(b" "))
}

/// The seconds of a line that ends with `> SECONDS ZONE`.
fn seconds(line: &[u8]) -> Option<i64> {
    let at = line.iter().rposition(|&byte| byte == b'>')? + 1;
    std::str::from_utf8(&line[at..]).ok()?.split_ascii_whitespace().next()?.parse().ok()
}
