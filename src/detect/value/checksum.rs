//! Check sums that tokens carry, so that a made-up token can be told from a real one.

use crate::rule::Checksum;

/// Whether the check sum inside `value` is right.
pub(super) fn is_valid(kind: Checksum, value: &[u8]) -> bool {
    match kind {
        Checksum::Crc32Base62 => crc32_base62(value),
    }
}

/// GitHub's and npm's tokens: a prefix up to the last `_`, random characters, and the CRC-32 of those in six characters
/// of base 62. Source: "Behind GitHub's new authentication token formats", GitHub's engineering blog, 2021.
fn crc32_base62(value: &[u8]) -> bool {
    let body = value.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
    let Some(cut) = body.len().checked_sub(6) else { return false };
    let (random, sum) = body.split_at(cut);
    base62(crc32fast::hash(random)) == *sum
}

/// A number in six characters of base 62, digits first, then capitals, padded with zeros.
fn base62(mut number: u32) -> [u8; 6] {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn accepts_what_it_made_and_no_other_sum(random in "[0-9A-Za-z]{30}", other in "[0-9A-Za-z]{6}") {
            let sum = base62(crc32fast::hash(random.as_bytes()));
            let token = format!("ghp_{random}{}", String::from_utf8_lossy(&sum));
            prop_assert!(is_valid(Checksum::Crc32Base62, token.as_bytes()));
            let wrong = format!("ghp_{random}{other}");
            prop_assert_eq!(is_valid(Checksum::Crc32Base62, wrong.as_bytes()), other.as_bytes() == sum);
        }
    }
}
