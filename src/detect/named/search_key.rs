//! Keys of search services that every visitor of a site is given: they can search an index and nothing else.

use super::name::Name;
use std::ops::Range;

/// How far around the key is looked for what a search is set up with.
const AROUND: usize = 240;

/// What stands beside the key of a search box: `{ appId: …, apiKey: …, indexName: … }`.
const MARKS: [&[u8]; 5] = [b"indexname", b"index_name", b"docsearch", b"searchonly", b"search_only"];

/// Whether a value is such a key: the form is Algolia's, and no name beside it says that it can write.
pub(super) fn is_public(text: &[u8], name: &Name, value: &Range<usize>) -> bool {
    let key = &text[value.clone()];
    if key.len() != 32 || !key.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')) {
        return false;
    }
    let has = |text: &[u8], word: &[u8]| memchr::memmem::find(text, word).is_some();
    let named = text[name.range.clone()].to_ascii_lowercase();
    let near =
        text[value.start.saturating_sub(AROUND)..text.len().min(value.end + AROUND)].to_ascii_lowercase();
    !has(&named, b"admin") && !has(&named, b"write") && MARKS.iter().any(|mark| has(&near, mark))
}
