//! What a framework's sessions look like in Redis: the keys, and how the values begin.
//!
//! A key is a session only if its name and its value both say so: a prefix alone may be shared with caches,
//! counters and other applications. What a value tells besides is read elsewhere, and pickles are never loaded.

/// The form of a dialect's keys: `PREFIX` + what follows it.
#[derive(Debug)]
pub(in crate::session) struct Keys {
    /// The prefix of an application that sets none of its own.
    pub(in crate::session) prefix: &'static str,
    /// How the prefixes end that applications choose; empty for a dialect that is never detected.
    pub(in crate::session) endings: &'static [&'static str],
    /// The keys under the prefix.
    pub(in crate::session) family: Family,
    /// The value of a session.
    pub(in crate::session) content: Content,
    /// Whether other data is expected under the prefix: it is left alone then, and a reason to refuse otherwise.
    pub(in crate::session) shared: bool,
}

/// The keys under a prefix.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) enum Family {
    /// One key a session, named after its id.
    Ids(Id),
    /// Spring Session: hashes named `sessions:ID`, with keys that index and expire them.
    Spring,
}

/// What a session's id consists of.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) enum Id {
    /// Anything.
    Any,
    /// Letters, digits, `-` and `_`, so many at least and at most.
    UrlSafe(usize, usize),
    /// Exactly 40 letters and digits that are no SHA-1 in hex.
    Laravel,
}

/// How a session's value begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Content {
    /// A JSON object whose first member is the cookie.
    ExpressJson,
    /// A string that holds a map of msgpack, a pickle or a JSON object.
    Packed,
    /// A string that holds a serialized PHP string with an array or something encrypted in it.
    PhpString,
    /// A string that Python's pickle wrote.
    Pickle,
    /// A hash.
    Hash,
    /// A string or a hash.
    TextOrHash,
}

/// What a key is, by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Part {
    /// A session.
    Session,
    /// Belongs to sessions and goes with them: an index, a list of expiries.
    Companion,
    /// Something else.
    Other,
}

impl Family {
    /// What the key is that consists of the prefix and this.
    pub(in crate::session) fn part(self, rest: &[u8]) -> Part {
        let is_session = match self {
            Self::Ids(id) => id.fits(rest),
            Self::Spring => {
                let Some(at) = rest.iter().position(|&byte| byte == b':') else { return Part::Other };
                match (&rest[..at], &rest[at + 1..]) {
                    (b"sessions", id) if Id::UrlSafe(8, 128).fits(id) => true,
                    (b"sessions", id) if id.starts_with(b"expires:") => return Part::Companion,
                    (b"expirations" | b"index", _) => return Part::Companion,
                    _ => false,
                }
            }
        };
        if is_session { Part::Session } else { Part::Other }
    }
}

impl Id {
    fn fits(self, id: &[u8]) -> bool {
        match self {
            Self::Any => !id.is_empty(),
            Self::UrlSafe(least, most) => {
                (least..=most).contains(&id.len())
                    && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
            }
            // Laravel's cache names entries after SHA-1 sums under the same prefix.
            Self::Laravel => {
                id.len() == 40
                    && id.iter().all(u8::is_ascii_alphanumeric)
                    && !id.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
            }
        }
    }
}

impl Content {
    /// How much of a value [`Self::fits`] needs.
    pub(in crate::session) const HEAD: usize = 64;

    /// Whether the value is a string; `None` when it may be a hash as well.
    pub(in crate::session) fn is_text(self) -> Option<bool> {
        match self {
            Self::Hash => Some(false),
            Self::TextOrHash => None,
            _ => Some(true),
        }
    }

    /// Whether it is a framework's own form with its own place for the user.
    pub(in crate::session) fn is_packed(self) -> bool {
        matches!(self, Self::Packed | Self::PhpString | Self::Pickle)
    }

    /// Whether a string that begins like this is a session.
    pub(in crate::session) fn fits(self, head: &[u8]) -> bool {
        match self {
            Self::ExpressJson => head.starts_with(b"{") && contains(head, b"\"cookie\""),
            // A pickle begins with 0x80 and its protocol, which is also an empty map of msgpack.
            Self::Packed => matches!(head.first(), Some(0x80..=0x8f | 0xde | 0xdf | b'{')),
            Self::PhpString => is_php_string(head),
            // Django's caches compress large values, if they are told to: nothing tells those apart.
            Self::Pickle | Self::TextOrHash => true,
            Self::Hash => false,
        }
    }
}

/// `s:LENGTH:"` and then an array, JSON, or JSON in base64, which is how Laravel writes encrypted text.
fn is_php_string(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"s:") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(text) = rest[digits..].strip_prefix(b":\"") else { return false };
    digits > 0 && [&b"a:"[..], b"eyJ", b"{\""].iter().any(|start| text.starts_with(start))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laravels_cache_entries_are_no_sessions() {
        let of = |id: &str| Family::Ids(Id::Laravel).part(id.as_bytes());
        assert_eq!(of(&"aB3".repeat(14)[..40]), Part::Session);
        assert_eq!(of(&"a94f".repeat(10)), Part::Other);
        assert_eq!(of("users:count"), Part::Other);
        assert!(Content::PhpString.fits(br#"s:120:"a:3:{s:6:"_token";"#));
        assert!(Content::PhpString.fits(br#"s:300:"eyJpdiI6Im"#));
        assert!(!Content::PhpString.fits(br#"s:5:"hello";"#) && !Content::PhpString.fits(b"i:7;"));
    }

    #[test]
    fn springs_index_keys_go_with_the_sessions() {
        let of = |rest: &str| Family::Spring.part(rest.as_bytes());
        assert_eq!(of("sessions:33fdd1b6-b496-4b33-9f7d-df96679d32fe"), Part::Session);
        for rest in ["sessions:expires:33fdd1b6-b496", "expirations:1439245080000", "index:a.NAME:me"] {
            assert_eq!(of(rest), Part::Companion, "{rest}");
        }
        for rest in ["sessions:", "stats", "leader:lock", "sessions:a b c d e f"] {
            assert_eq!(of(rest), Part::Other, "{rest}");
        }
    }
}
