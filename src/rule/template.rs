//! Turns the `{{…}}` of an example into random characters.
//!
//! So no live-looking token stands in a rule file, and one example stands for any number of them.

use rand::{Rng, RngExt as _};

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// From this length on a value holds every class of characters that its alphabet has.
const MIXED_FROM: usize = 8;

/// The longest value of one template.
const LONGEST: usize = 4096;

const WORDS: [&str; 12] = [
    "amber", "birch", "cobalt", "dune", "ember", "fjord", "granite", "harbor", "indigo", "juniper", "kelp",
    "lagoon",
];

/// Why an example cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `{{` without `}}`.
    #[error("`{{{{` without `}}}}` at byte {0}")]
    Unclosed(usize),
    /// No such template.
    #[error("there is no template `{0}`")]
    Unknown(String),
    /// A length that is missing, no number, zero or too large.
    #[error("`{0}` needs a length from 1 to {LONGEST}")]
    Length(String),
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(
            "templates are {{ALPHABET:LENGTH}} with base62, base64, base64url, base32, hex, HEX, digits, lower, upper, BECH32, \
             alnum-lower, alnum-upper or printable, {{uuid}}, {{word}}, and {{crc:PREFIX:LENGTH}}"
                .to_owned(),
        )
    }
}

/// Replaces every template of `text`. The same generator state gives the same text.
pub fn expand<R: Rng + ?Sized>(text: &str, rng: &mut R) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let offset = text.len() - rest.len() + open;
        out.push_str(&rest[..open]);
        let body = &rest[open + 2..];
        let close = body.find("}}").ok_or(Error::Unclosed(offset))?;
        out.push_str(&generate(&body[..close], rng)?);
        rest = &body[close + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

fn generate<R: Rng + ?Sized>(template: &str, rng: &mut R) -> Result<String, Error> {
    match template {
        "word" => return Ok(WORDS[rng.random_range(0..WORDS.len())].to_owned()),
        "uuid" => return Ok(uuid(rng)),
        // An example of a placeholder that is itself written in braces.
        "open" => return Ok("{{".to_owned()),
        "close" => return Ok("}}".to_owned()),
        _ => {}
    }
    let (name, length) = template.rsplit_once(':').unwrap_or((template, ""));
    if let Some(prefix) = name.strip_prefix("crc:") {
        let random = characters(BASE62, parse_length(template, length)?, rng);
        let sum = base62(crc32fast::hash(random.as_bytes()));
        return Ok(format!("{prefix}{random}{sum}"));
    }
    let alphabet = alphabet(name).ok_or_else(|| Error::Unknown(template.to_owned()))?;
    Ok(characters(&alphabet, parse_length(template, length)?, rng))
}

fn parse_length(template: &str, length: &str) -> Result<usize, Error> {
    length
        .parse()
        .ok()
        .filter(|length| (1..=LONGEST).contains(length))
        .ok_or_else(|| Error::Length(template.to_owned()))
}

fn alphabet(name: &str) -> Option<String> {
    Some(match name {
        "base62" => BASE62.to_owned(),
        "base64" => format!("{BASE62}+/"),
        "base64url" => format!("{BASE62}-_"),
        "base32" => format!("{UPPER}234567"),
        "BECH32" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_owned(),
        "hex" => format!("{DIGITS}abcdef"),
        "HEX" => format!("{DIGITS}ABCDEF"),
        "digits" => DIGITS.to_owned(),
        "lower" => LOWER.to_owned(),
        "upper" => UPPER.to_owned(),
        "alnum-lower" => format!("{DIGITS}{LOWER}"),
        "alnum-upper" => format!("{DIGITS}{UPPER}"),
        "printable" => format!("{DIGITS}{LOWER}!@#$%^&*(-_=+)"),
        _ => return None,
    })
}

fn characters<R: Rng + ?Sized>(alphabet: &str, length: usize, rng: &mut R) -> String {
    let alphabet = alphabet.as_bytes();
    loop {
        let value: String =
            (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect();
        if length < MIXED_FROM || is_realistic(value.as_bytes(), alphabet) {
            return value;
        }
    }
}

/// Whether the value holds each class of its alphabet and starts and ends with a letter or digit, so that it can
/// be told from the text around it.
fn is_realistic(value: &[u8], alphabet: &[u8]) -> bool {
    let classes: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    classes.iter().all(|class| value.iter().any(class) || !alphabet.iter().any(class))
        && value.first().is_some_and(u8::is_ascii_alphanumeric)
        && value.last().is_some_and(u8::is_ascii_alphanumeric)
}

fn uuid<R: Rng + ?Sized>(rng: &mut R) -> String {
    let hex = characters("0123456789abcdef", 32, rng);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// The base-62 digits of a check sum, as GitHub and npm write them: six, padded with `0`.
pub fn base62(mut number: u32) -> String {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.as_bytes()[(number % 62) as usize];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    #[test]
    fn the_same_seed_gives_the_same_text() {
        let text = "a {{hex:40}} b {{crc:ghp_:30}} c {{uuid}} d {{word}} e {{printable:50}}";
        let one = expand(text, &mut StdRng::seed_from_u64(7)).unwrap();
        let two = expand(text, &mut StdRng::seed_from_u64(7)).unwrap();
        assert_eq!(one, two);
        assert_ne!(one, expand(text, &mut StdRng::seed_from_u64(8)).unwrap());
    }

    #[test]
    fn a_wrong_template_is_named() {
        let mut rng = StdRng::seed_from_u64(1);
        assert_eq!(expand("a {{hex:4", &mut rng), Err(Error::Unclosed(2)));
        assert_eq!(expand("{{base63:4}}", &mut rng), Err(Error::Unknown("base63:4".to_owned())));
        for bad in ["hex", "hex:", "hex:0", "hex:x", "hex:5000", "crc:ghp_:0"] {
            let template = format!("{{{{{bad}}}}}");
            assert!(expand(&template, &mut rng).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_check_sum_is_padded_to_six_digits() {
        assert_eq!(base62(0), "000000");
        assert_eq!(base62(61), "00000z");
        assert_eq!(base62(u32::MAX), "4gfFC3");
    }

    proptest! {
        #[test]
        fn a_value_has_its_length_and_every_class(seed: u64, length in 8_usize..128) {
            let value = expand(&format!("{{{{base62:{length}}}}}"), &mut StdRng::seed_from_u64(seed)).unwrap();
            prop_assert_eq!(value.len(), length);
            prop_assert!(value.bytes().any(|byte| byte.is_ascii_digit()));
            prop_assert!(value.bytes().any(|byte| byte.is_ascii_lowercase()));
            prop_assert!(value.bytes().any(|byte| byte.is_ascii_uppercase()));
        }
    }
}
