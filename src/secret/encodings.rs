//! Every form in which a secret could slip into an output: the needles of the redactor.
//!
//! A long secret is cut into windows, so that a part of it is found too: a log that keeps the first 40 characters
//! has leaked 160 bits. A window is encoded on its own, except in base64 and base32, whose letters depend on where
//! a value starts; there the encoded text is cut, at each alignment.

use super::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// How many bytes of a long secret are a leak.
pub(super) const WINDOW: usize = 12;
/// Secrets from this length on are searched by windows; a shorter one only as a whole.
const LONG: usize = 16;
/// Above this length windows lie side by side instead of starting at every byte, to bound their number.
const HUGE: usize = 256;

/// The needles of one secret.
pub(super) fn needles(secret: &Secret) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let bytes = secret.expose();
    add_forms(bytes, &mut found);
    let text = Zeroizing::new(STANDARD.encode(bytes));
    add_base(text.as_bytes(), &mut found);
    if let Some(raw) = decoded(bytes, WINDOW) {
        add_forms(&raw, &mut found);
        add_base(&raw, &mut found);
    }
    add_base(bytes, &mut found);
    found.retain(|needle| !needle.is_empty());
    found.sort_unstable();
    found.dedup();
    found
}

/// The parts of a secret that are leaks by themselves, or all of a short one.
pub(super) fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    windows(bytes, WINDOW)
}

/// The bytes, at least so many, that a secret stands for when it is hexadecimal or base64 text itself.
pub(crate) fn decoded(bytes: &[u8], least: usize) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.len() < LONG {
        return None;
    }
    let text = bytes.strip_prefix(b"base64:").unwrap_or(bytes);
    hex::decode(text)
        .ok()
        .or_else(|| STANDARD.decode(text).ok())
        .or_else(|| URL_SAFE.decode(text).ok())
        .or_else(|| STANDARD_NO_PAD.decode(text).ok())
        .or_else(|| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|raw| raw.len() >= least)
        .map(Zeroizing::new)
}

/// The encodings that treat each byte alone. Letter case does not matter: the redactor ignores it.
fn add_forms(bytes: &[u8], found: &mut Vec<Vec<u8>>) {
    let reversed: Zeroizing<Vec<u8>> = Zeroizing::new(bytes.iter().rev().copied().collect());
    found.extend(windows(&reversed, WINDOW).map(<[u8]>::to_vec));
    for window in windows(bytes, WINDOW) {
        found.push(window.to_vec());
        found.push(hex::encode(window).into_bytes());
        found.push(each(window, |out, byte| write!(out, "\\x{byte:02x}")));
        found.push(each(window, |out, byte| write!(out, "%{byte:02x}")));
        found.push(each(window, |out, byte| write!(out, "\\u00{byte:02x}")));
        found.push(each(window, |out, byte| write!(out, "&#{byte};")));
        found.push(each(window, |out, byte| write!(out, "&#x{byte:02x};")));
        found.push(escaped(window, |byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => None,
            _ => Some(format!("%{byte:02x}")),
        }));
        found.push(escaped(window, |byte| {
            matches!(byte, b'"' | b'\\').then(|| format!("\\{}", byte as char))
        }));
        found.push(escaped(window, |byte| {
            matches!(byte, b'"' | b'\\' | b'/' | b'\'' | b'$' | b'`').then(|| format!("\\{}", byte as char))
        }));
        found.push(escaped(window, |byte| (byte == b'\'').then(|| "'\\''".to_owned())));
        found.push(escaped(window, |byte| match byte {
            b'&' => Some("&amp;".to_owned()),
            b'<' => Some("&lt;".to_owned()),
            b'>' => Some("&gt;".to_owned()),
            b'"' => Some("&quot;".to_owned()),
            b'\'' => Some("&#39;".to_owned()),
            _ => None,
        }));
        found.push(window.iter().flat_map(|&byte| [byte, 0]).collect());
        found.push(window.iter().flat_map(|&byte| [0, byte]).collect());
    }
}

/// Base64 (both alphabets, three alignments) and base32 (five alignments).
fn add_base(bytes: &[u8], found: &mut Vec<Vec<u8>>) {
    for offset in 0..3 {
        let padded = shifted(bytes, offset);
        let text = Zeroizing::new(STANDARD_NO_PAD.encode(&*padded));
        // The first letters hold bits of what stood before, the last one bits of what follows.
        let inner = inside(text.as_bytes(), (offset * 8).div_ceil(6), padded.len() * 8 / 6);
        let url: Zeroizing<Vec<u8>> = Zeroizing::new(
            inner
                .iter()
                .map(|&c| match c {
                    b'+' => b'-',
                    b'/' => b'_',
                    c => c,
                })
                .collect(),
        );
        for window in windows(inner, LONG).chain(windows(&url, LONG)) {
            found.push(window.to_vec());
            if window.iter().any(|c| matches!(c, b'+' | b'/')) {
                found.push(escaped(window, |c| match c {
                    b'+' => Some("%2b".to_owned()),
                    b'/' => Some("%2f".to_owned()),
                    _ => None,
                }));
                found.push(escaped(window, |c| (c == b'/').then(|| "\\/".to_owned())));
            }
        }
    }
    for offset in 0..5 {
        let padded = shifted(bytes, offset);
        let text = base32(&padded);
        let inner = inside(&text, (offset * 8).div_ceil(5), padded.len() * 8 / 5);
        found.extend(windows(inner, 20).map(<[u8]>::to_vec));
    }
}

fn shifted(bytes: &[u8], offset: usize) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; offset]);
    padded.extend_from_slice(bytes);
    padded
}

/// The letters that the secret alone decides; nothing when they are too few to mean it.
fn inside(text: &[u8], from: usize, to: usize) -> &[u8] {
    let inner = text.get(from..to).unwrap_or_default();
    if inner.len() < 6 { &[] } else { inner }
}

/// The parts of a long text, or the whole of a short one.
fn windows(bytes: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let count = if bytes.len() < LONG.max(size) { 1 } else { bytes.len() - size + 1 };
    let step = if bytes.len() > HUGE { size } else { 1 };
    let last = (count - 1) % step != 0;
    (0..count)
        .step_by(step)
        .chain(last.then(|| count - 1))
        .map(move |start| if count == 1 { bytes } else { &bytes[start..start + size] })
}

fn each(window: &[u8], one: impl Fn(&mut String, u8) -> std::fmt::Result) -> Vec<u8> {
    let mut out = String::with_capacity(window.len() * 6);
    for &byte in window {
        one(&mut out, byte).expect("a string takes any text");
    }
    out.into_bytes()
}

fn escaped(window: &[u8], one: impl Fn(u8) -> Option<String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(window.len() + 8);
    for &byte in window {
        match one(byte) {
            Some(text) => out.extend(text.into_bytes()),
            None => out.push(byte),
        }
    }
    out
}

fn base32(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|letter| {
            let value = (0..5).fold(0, |value, bit| {
                let at = letter * 5 + bit;
                let one = bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
                value << 1 | usize::from(one)
            });
            ALPHABET[value]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_rfc_4648() {
        assert_eq!(base32(b"foobar"), b"MZXW6YTBOI");
    }

    #[test]
    fn windows_cover_everything_and_stay_few_for_a_huge_secret() {
        let huge: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let parts: Vec<_> = windows(&huge, WINDOW).collect();
        assert!(parts.len() < 500);
        assert_eq!(parts.last().unwrap().as_ptr_range().end, huge.as_ptr_range().end);
        assert_eq!(windows(b"short", WINDOW).collect::<Vec<_>>(), [b"short"]);
    }
}
