//! Values that count or measure: numbers, times, and what an algorithm is told.

/// Whether a value is a number, a time or a list of such.
pub(super) fn is_quantity(value: &[u8]) -> bool {
    is_number(value) || is_duration(value) || is_stamped(value) || is_short_hex(value) || is_parameters(value)
}

/// `0x00CC`
fn is_short_hex(value: &[u8]) -> bool {
    value.strip_prefix(b"0x").is_some_and(|rest| rest.len() <= 8 && rest.iter().all(u8::is_ascii_hexdigit))
}

/// `0.003s`, `4m52.84s`.
fn is_duration(value: &[u8]) -> bool {
    let units = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    value.first().is_some_and(u8::is_ascii_digit)
        && value.last().is_some_and(u8::is_ascii_alphabetic)
        && value.iter().all(|byte| byte.is_ascii_digit() || b".hmsnu".contains(byte))
        && units <= 4
}

/// `20101008T000000Z…`: a time as signatures hold it, and what follows.
fn is_stamped(value: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        value.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    digits(0..8) && value.get(8) == Some(&b'T') && digits(9..15) && value.get(15) == Some(&b'Z')
}

/// `5.81e-5`, `25%`: a number with an exponent or a unit.
fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_suffix(b"%").unwrap_or(value);
    let mut parts = digits.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let is_number = |part: &[u8]| {
        part.iter().any(u8::is_ascii_digit)
            && part.iter().all(|byte| byte.is_ascii_digit() || b".,+-".contains(byte))
    };
    let (number, exponent) = (parts.next().unwrap_or_default(), parts.next());
    // `12e4567890` is as well a hexadecimal key.
    number.len() <= 8 && is_number(number) && exponent.is_none_or(|part| part.len() <= 3 && is_number(part))
}

/// `m=65536,t=3,p=4`: what an algorithm is told.
fn is_parameters(value: &[u8]) -> bool {
    let is_part = |part: &[u8]| {
        let Some(at) = memchr::memchr(b'=', part) else { return false };
        (1..=12).contains(&at)
            && part[..at].iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
            && part.len() > at + 1
            && part.len() - at <= 8
            && part[at + 1..].iter().all(u8::is_ascii_digit)
    };
    value.contains(&b',') && value.split(|byte| *byte == b',').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_of_them_are_told_from_keys() {
        for value in ["5.81e-5", "25%", "4m52.84s", "0x00CC", "20101008T000000Z", "m=65536,t=3,p=4"] {
            assert!(is_quantity(value.as_bytes()), "{value}");
        }
        for value in ["12e4567890", "4e5f", "a=Kx9vQ,b=71zr", "0x00CC00CC00", "7%x"] {
            assert!(!is_quantity(value.as_bytes()), "{value}");
        }
    }
}
