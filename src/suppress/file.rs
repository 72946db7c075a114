//! What an ignore file and a baseline have in common: the first line with the form and the salt, comments, and how such a
//! file is read from where a hostile repository may have put it.

use super::Error;
use super::line::Line;
use crate::secret::{Fingerprint, Salt};
use std::io;
use std::path::Path;

/// The most bytes that such a file may have.
pub const MAX_SIZE: usize = 16 << 20;

/// Reads a file; `None` when there is none. A link is refused: a repository could link it to any file of the machine.
pub(super) fn read(path: &Path, may_be_link: bool) -> Result<Option<String>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let metadata = if may_be_link { path.metadata() } else { path.symlink_metadata() };
    let metadata = match metadata {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    let invalid = |reason: String| Error::Invalid { file: path.display().to_string(), line: 0, reason };
    if !metadata.is_file() {
        return Err(invalid("it is a link or no regular file".to_owned()));
    }
    if metadata.len() > MAX_SIZE as u64 {
        return Err(invalid(format!("it has more than {MAX_SIZE} bytes")));
    }
    std::fs::read_to_string(path).map(Some).map_err(unreadable)
}

/// The lines of a file below its first one.
pub(super) struct Body<'t> {
    pub(super) salt: Salt,
    /// Comments above the first line.
    pub(super) head: Vec<String>,
    /// Number, comments above, text.
    pub(super) lines: Vec<(usize, Vec<String>, &'t str)>,
    /// Comments below the last line.
    pub(super) tail: Vec<String>,
}

/// Takes a file apart. `form` is what the first line starts with.
pub(super) fn split<'t>(file: &str, form: &str, text: &'t str) -> Result<Body<'t>, Error> {
    let invalid = |line, reason: String| Error::Invalid { file: file.to_owned(), line, reason };
    let (mut first, mut comments, mut lines) = (None, Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            comments.push(line.to_owned());
        } else if line.starts_with("<<<<<<<") || line.starts_with("=======") || line.starts_with(">>>>>>>") {
            return Err(invalid(
                number,
                "a merge stopped here; keep the lines of both sides, and one first line".to_owned(),
            ));
        } else if first.is_none() {
            let salt = salt(form, line).ok_or_else(|| {
                invalid(number, format!("the first line must be `{form} salt=` and 32 hexadecimal digits"))
            })?;
            first = Some((salt, std::mem::take(&mut comments)));
        } else if line.starts_with(form) {
            let reason = "there are two first lines: entries count under the salt they were made with. Keep one, and add the entries of the other again";
            return Err(invalid(number, reason.to_owned()));
        } else {
            lines.push((number, std::mem::take(&mut comments), line));
        }
    }
    let (salt, head) =
        first.ok_or_else(|| invalid(0, format!("it is empty; the first line is `{form} salt=…`")))?;
    Ok(Body { salt, head, lines, tail: comments })
}

fn salt(form: &str, line: &str) -> Option<Salt> {
    let mut line = Line::parse(line).ok()?;
    let salt = line.take("salt")?.parse().ok()?;
    (line.words == [form] && line.fields.is_empty()).then_some(salt)
}

/// The fingerprint and the rule that a line starts with.
pub(super) fn start(line: &Line<'_>) -> Result<(Fingerprint, String), String> {
    let [fingerprint, rule] = line.words.as_slice() else {
        return Err("a line starts with a fingerprint and a rule's id".to_owned());
    };
    let is_hex = fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parsed = Fingerprint::try_from((*fingerprint).to_owned()).ok().filter(|_| is_hex);
    let parsed = parsed.ok_or("a fingerprint has 16 hexadecimal digits")?;
    Ok((parsed, (*rule).to_owned()))
}
