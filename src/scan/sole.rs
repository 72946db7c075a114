//! Files that hold one secret and nothing else: `secrets/db_password.txt`, `/run/secrets/api_token`, `config/master.key`.
//!
//! Nothing in them says what the value is; the file's name does. A blob has no name, so what can be such a value is kept
//! until the paths of its blob are known, and then read as what the path gives to its name.

use super::Hit;
use crate::detect::{Detector, Error, Span, may_be_secret};
use crate::secret::Secret;
use crate::source::{Blob, Key, Origins};
use std::collections::BTreeSet;

/// The longest file that is one value.
const LONGEST: usize = 400;
/// The paths of so many are looked at; more are data.
pub(super) const MOST: usize = 20_000;
/// Folders that say of every file in them what it holds.
const FOLDERS: [&str; 6] = ["secrets", "secret", "credentials", "passwords", "tokens", ".secrets"];
/// Ends of names that say nothing of what a file holds.
const PLAIN_ENDS: [&str; 8] = ["txt", "text", "dat", "conf", "cfg", "md", "raw", "value"];

/// Ends of names that say what a file holds. Every other one names a form of data, in which a value is one of many.
const TELLING_ENDS: [&str; 6] = ["key", "token", "secret", "password", "pass", "pw"];

/// A value that is all that its blob holds.
pub(super) struct Sole {
    pub(super) key: Key,
    value: Secret,
    span: Span,
}

/// The value, if a blob holds nothing but one that can be a secret.
pub(super) fn value(blob: &Blob<'_>) -> Option<Sole> {
    let bytes = blob.content.bytes;
    if !blob.key.is_file() || !blob.content.whole || bytes.len() > LONGEST {
        return None;
    }
    // Windows writes it before the text of a file.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mark = blob.content.bytes.len() - bytes.len();
    let value = bytes.trim_ascii();
    let is_one = !value.iter().any(u8::is_ascii_whitespace);
    if !is_one
        || !blob.content.counts(&(mark..mark + value.len()))
        || bytes.first().is_none_or(u8::is_ascii_whitespace)
        || !may_be_secret(value)
    {
        return None;
    }
    let end_column = u32::try_from(value.len()).ok()? + 1;
    let span = Span { line: 1, column: 1, end_line: 1, end_column };
    Some(Sole { key: blob.key.clone(), value: Secret::from(value), span })
}

/// What the rules say of the values whose paths name them.
pub(super) fn hits(soles: Vec<Sole>, origins: &Origins, detector: &Detector) -> Result<Vec<Hit>, Error> {
    let mut found = Vec::new();
    for sole in soles {
        let paths = origins.get(&sole.key).into_iter().flatten().filter_map(|origin| origin.path.as_deref());
        let names: BTreeSet<String> = paths.flat_map(names).collect();
        for name in names {
            let start = name.len() + 2;
            let text = [name.as_bytes(), b": ", sole.value.expose(), b"\n"].concat();
            let is_it = |range: &std::ops::Range<usize>| range.start == start && range.end + 1 == text.len();
            let matches = detector.scan(&text)?;
            let Some(told) =
                matches.into_iter().find(|found| found.decoded.is_none() && is_it(&found.secret))
            else {
                continue;
            };
            found.push(Hit {
                key: sole.key.clone(),
                rule: told.rule,
                verdict: told.verdict,
                secret: sole.value.clone(),
                span: sole.span,
                encoding: None,
            });
            break;
        }
    }
    Ok(found)
}

/// What a path calls the value: by the file's name, or else by its folder.
fn names(path: &str) -> Vec<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    let Some(file) = folders.pop() else { return Vec::new() };
    let file = file.trim_start_matches('.');
    let name = match file.rsplit_once('.') {
        Some((stem, end)) if PLAIN_ENDS.contains(&end.to_ascii_lowercase().as_str()) => stem.to_owned(),
        Some((stem, end)) if TELLING_ENDS.contains(&end.to_ascii_lowercase().as_str()) => {
            format!("{stem}_{end}")
        }
        Some(_) => return Vec::new(),
        None => file.to_owned(),
    };
    let in_folder =
        folders.last().is_some_and(|folder| FOLDERS.contains(&folder.to_ascii_lowercase().as_str()));
    let says = if in_folder { ["_secret", "_password"].as_slice() } else { &[] };
    let of_folder: Vec<String> = says.iter().map(|word| format!("{name}{word}")).collect();
    let is_plain =
        |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    [name].into_iter().chain(of_folder).filter(is_plain).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn the_file_and_its_folder_name_the_value() {
        assert_eq!(
            names("portal/secrets/db_password.txt"),
            ["db_password", "db_password_secret", "db_password_password"]
        );
        assert_eq!(names("config/master.key"), ["master_key"]);
        assert_eq!(names("run/secrets/shop"), ["shop", "shop_secret", "shop_password"]);
        assert_eq!(names("a/.vault-token"), ["vault-token"]);
        assert!(names("docs/the password.txt").is_empty());
        assert!(names("k8s/secret.yaml").is_empty() && names("secret.md5").is_empty());
    }
}
