//! New secrets: 64 bytes of the operating system's generator, in the form that the framework asks for.

use super::Error;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::TryRng as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The form of a secret. Every letter of every form survives each dotenv dialect, JSON, YAML and a shell unquoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Format {
    /// 128 lower-case hexadecimal characters: 512 bits.
    Hex,
    /// 64 bytes in base64.
    Base64,
    /// 64 bytes in base64 for URLs, without padding.
    Base64url,
    /// `base64:` and exactly 32 bytes, as Laravel's APP_KEY must be.
    Laravel,
    /// 50 characters of the alphabet that Django's own generator uses.
    Django,
    /// 128 hexadecimal characters, as `rails secret` makes.
    Rails,
    /// 64 bytes in base64: Phoenix asks for at least 64 characters.
    Phoenix,
}

impl Format {
    /// What is written, for a plan and a report.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Hex | Self::Rails => "128 hexadecimal characters (512 random bits)",
            Self::Base64 | Self::Phoenix => "88 base64 characters (512 random bits)",
            Self::Base64url => "86 base64url characters (512 random bits)",
            Self::Laravel => "`base64:` and 44 characters (256 random bits)",
            Self::Django => "50 characters (267 random bits)",
        }
    }

    /// What stands in a report where the value would stand.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Hex | Self::Rails => "[REDACTED-128-CHARACTER-HEX-STRING]",
            Self::Base64 | Self::Phoenix => "[REDACTED-88-CHARACTER-BASE64-STRING]",
            Self::Base64url => "[REDACTED-86-CHARACTER-BASE64URL-STRING]",
            Self::Laravel => "[REDACTED-LARAVEL-KEY]",
            Self::Django => "[REDACTED-50-CHARACTER-STRING]",
        }
    }

    /// Makes a new secret.
    pub(super) fn generate(self) -> Result<Secret, Error> {
        let mut bytes = Zeroizing::new([0_u8; 64]);
        rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::Random(error.to_string()))?;
        Ok(Secret::from(match self {
            Self::Hex | Self::Rails => hex::encode(*bytes),
            Self::Base64 | Self::Phoenix => STANDARD.encode(*bytes),
            Self::Base64url => URL_SAFE_NO_PAD.encode(*bytes),
            Self::Laravel => format!("base64:{}", STANDARD.encode(&bytes[..32])),
            Self::Django => letters(50)?,
        }))
    }
}

/// Evenly distributed letters: a byte that would make some more likely is thrown away.
fn letters(count: usize) -> Result<String, Error> {
    // Django's alphabet without the characters that a shell or a dotenv dialect would read as something else.
    const ALPHABET: &[u8; 41] = b"abcdefghijklmnopqrstuvwxyz0123456789@-_=+";
    const EVEN: usize = 256 / ALPHABET.len() * ALPHABET.len();
    let mut text = String::with_capacity(count);
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < count {
        rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::Random(error.to_string()))?;
        let usable = bytes.iter().filter(|&&byte| usize::from(byte) < EVEN);
        text.extend(
            usable
                .map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
                .take(count - text.len()),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_form_is_what_its_framework_asks_for() {
        let text = |format: Format| String::from_utf8(format.generate().unwrap().expose().to_vec()).unwrap();
        for format in [Format::Hex, Format::Rails] {
            let value = text(format);
            assert!(value.len() == 128 && value.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
        }
        assert_eq!(STANDARD.decode(text(Format::Base64)).unwrap().len(), 64);
        assert_eq!(URL_SAFE_NO_PAD.decode(text(Format::Base64url)).unwrap().len(), 64);
        assert_eq!(
            STANDARD.decode(text(Format::Laravel).strip_prefix("base64:").unwrap()).unwrap().len(),
            32
        );
        assert!(text(Format::Phoenix).len() >= 64);
        assert_eq!(text(Format::Django).len(), 50);
    }

    #[test]
    fn two_secrets_are_never_the_same() {
        for format in Format::value_variants() {
            assert!(format.generate().unwrap() != format.generate().unwrap());
        }
    }
}
