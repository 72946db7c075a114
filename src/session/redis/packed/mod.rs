//! Values that frameworks write in another form than JSON, read as if they were JSON.
//!
//! Nothing in them is ever run: what a pickle would call or build is passed over. What is read is bounded by the value
//! itself: no length that it names is believed before the bytes are there, and nesting ends early.

mod msgpack;
mod php;
mod pickle;

use serde_json::Value as Json;

/// How deep values may be nested.
const DEEPEST: usize = 32;
/// The largest value that is read, in bytes: what is read of it takes many times its room.
const LARGEST: usize = 1 << 20;

/// The value, whatever form it has; `None` for what is none of them, or broken.
pub(super) fn read(value: &[u8]) -> Option<Json> {
    match value {
        [b'{', ..] => serde_json::from_slice(value).ok(),
        _ if value.len() > LARGEST => None,
        // A map of msgpack that begins like a pickle is empty, and nothing follows.
        [0x80, 2..=5, ..] => pickle::read(value),
        [0x80..=0x8f | 0xde | 0xdf, ..] => msgpack::read(value),
        [b's' | b'a', b':', ..] => php::read(value),
        _ => serde_json::from_slice(value).ok(),
    }
}

/// Whose a session is, by where its framework keeps that: Django, Flask-Login, Laravel. Two guards of Laravel are two
/// users, and nobody can say which is meant.
pub(super) fn user(session: &Json) -> Option<&Json> {
    let members = session.as_object()?;
    if let Some(user) = members.get("_auth_user_id").or_else(|| members.get("_user_id")) {
        return Some(user);
    }
    let mut logins = members.iter().filter(|(key, _)| is_login(key)).map(|(_, user)| user);
    logins.next().filter(|_| logins.next().is_none())
}

/// `login_GUARD_` and a SHA-1 in hexadecimal digits.
fn is_login(key: &str) -> bool {
    let digest = key.strip_prefix("login_").and_then(|rest| rest.rsplit_once('_')).map(|(_, digest)| digest);
    digest.is_some_and(|digest| digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What is left of a value that is being read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// What stands before a byte, which is taken too.
    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = memchr::memchr(end, self.0)?;
        let found = self.take(at)?;
        self.take(1)?;
        Some(found)
    }
}

fn text(bytes: &[u8]) -> Json {
    Json::String(String::from_utf8_lossy(bytes).into_owned())
}

/// The name of a member: a text, or a number as digits.
fn name(key: Json) -> Option<String> {
    match key {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `pickle.dumps({'_auth_user_id': '7', 'n': [1, 2.5, None], 'when': datetime.date(2026, 1, 2)}, 5)` writes it.
    const PICKLE: &[u8] = b"\x80\x05\x95\x53\0\0\0\0\0\0\0}\x94(\x8c\r_auth_user_id\x94\x8c\x017\x94\x8c\x01n\x94]\x94(K\x01G@\x04\0\0\0\0\0\0Ne\x8c\x04when\x94\x8c\x08datetime\x94\x8c\x04date\x94\x93\x94C\x04\x07\xea\x01\x02\x94\x85\x94R\x94u.";

    #[test]
    fn each_framework_tells_its_user() {
        let login = format!("login_web_{}", "59ba36ad".repeat(5));
        let inner = format!("a:2:{{s:6:\"_token\";s:2:\"ab\";s:{}:\"{login}\";i:7;}}", login.len());
        let php = format!("s:{}:\"{inner}\";", inner.len());
        let msgpack = b"\x82\xa8_user_id\xa17\xaa_permanent\xc3";
        let old = b"\x80\x02}q\x00(X\x08\x00\x00\x00_user_idq\x01X\x01\x00\x00\x007q\x02X\x01\x00\x00\x00kq\x03h\x02u.";
        for value in [php.as_bytes(), &msgpack[..], PICKLE, old, br#"{"_user_id":"7"}"#] {
            let session = read(value).unwrap();
            let user = user(&session).unwrap().to_string();
            assert_eq!(user.trim_matches('"'), "7", "{session}");
        }
        assert_eq!(read(PICKLE).unwrap()["n"].to_string(), "[1,2.5,null]");
        assert_eq!(read(PICKLE).unwrap()["when"], Json::Null, "nothing is called");
    }

    #[test]
    fn nobody_is_told_by_what_is_broken_encrypted_or_twice() {
        // Its first byte alone is an empty map of msgpack.
        for length in 2..PICKLE.len() {
            assert_eq!(read(&PICKLE[..length]), None);
        }
        assert_eq!(read(b"s:8:\"eyJpdiI6\";"), None);
        let two = format!("{{\"login_a_{0}\":1,\"login_b_{0}\":2,\"login_web\":3}}", "ab".repeat(20));
        assert_eq!(user(&read(two.as_bytes()).unwrap()), None);
        assert_eq!(read(&[&[0x80, 0x04][..], &b"(".repeat(100_000)].concat()), None);
        assert_eq!(read(&[&[0x80, 0x04, b')'][..], &b"\x85".repeat(100_000), b"."].concat()), None);
        assert_eq!(
            read(&[&[0x80, 0x04][..], &b"]".repeat(100_000), &b"a".repeat(99_999), b"."].concat()),
            None
        );
        assert_eq!(read(&[&[0x81, 0xa1, b'k'][..], &[0x91].repeat(100_000)].concat()), None);
    }

    proptest! {
        #[test]
        fn whatever_it_is_reading_it_ends(form in 0..4_usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let start = [&b"\x80\x05"[..], b"\x8f", b"s:3:\"a:1", b"a:2:{"][form];
            drop(read(&[start, &bytes[..]].concat()));
        }
    }
}
