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

/// A form of the operator's own: so many characters of an alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    length: usize,
    alphabet: Vec<u8>,
}

/// What a new secret looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a framework asks for it.
    Known(Format),
    /// As the operator asks for it.
    Custom(Custom),
}

impl Custom {
    /// `length` characters of `hex`, `letters`, `digits`, `alnum`, or of the characters themselves.
    ///
    /// # Errors
    /// [`Error::Alphabet`] when it could be guessed, or does not survive every place that a secret is written to.
    pub fn new(length: usize, alphabet: &str) -> Result<Self, Error> {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        const DIGITS: &str = "0123456789";
        let mut alphabet = match alphabet {
            "hex" => b"0123456789abcdef".to_vec(),
            "letters" => LETTERS.as_bytes().to_vec(),
            "digits" => DIGITS.as_bytes().to_vec(),
            "alnum" => [LETTERS, DIGITS].concat().into_bytes(),
            own => own.as_bytes().to_vec(),
        };
        alphabet.sort_unstable();
        alphabet.dedup();
        let safe = |c: &u8| c.is_ascii_alphanumeric() || b"-_.+/=:@".contains(c);
        if !alphabet.iter().all(safe) {
            return Err(Error::Alphabet(
                "only letters, digits and `-_.+/=:@` survive every file, shell and store",
            ));
        }
        if length > 1024 {
            return Err(Error::Alphabet("more than 1024 characters help nobody"));
        }
        let custom = Self { length, alphabet };
        if custom.bits() < 128 {
            Err(Error::Alphabet("it would carry less than 128 bits"))
        } else {
            Ok(custom)
        }
    }

    /// The whole bits that it carries at least.
    fn bits(&self) -> usize {
        // A hundredth of a bit is exact enough, and integers do.
        let hundredths = [0, 0, 100, 158, 200, 232, 258, 280];
        let per = match self.alphabet.len() {
            small @ 0..8 => hundredths[small],
            large => 100 * large.ilog2() as usize,
        };
        self.length * per / 100
    }
}

impl Shape {
    /// What is written, for a plan and a report.
    pub fn describe(&self) -> String {
        match self {
            Self::Known(format) => format.describe().to_owned(),
            Self::Custom(custom) => format!(
                "{} characters of {} (at least {} random bits)",
                custom.length,
                custom.alphabet.len(),
                custom.bits()
            ),
        }
    }

    /// What stands in a report where the value would stand.
    pub fn placeholder(&self) -> String {
        match self {
            Self::Known(format) => format.placeholder().to_owned(),
            Self::Custom(custom) => format!("[REDACTED-{}-CHARACTER-STRING]", custom.length),
        }
    }

    pub(super) fn generate(&self) -> Result<Secret, Error> {
        match self {
            Self::Known(format) => format.generate(),
            Self::Custom(custom) => letters(custom.length, &custom.alphabet).map(Secret::from),
        }
    }
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
            Self::Hex | Self::Rails => hex::encode(&bytes[..]),
            Self::Base64 | Self::Phoenix => STANDARD.encode(&bytes[..]),
            Self::Base64url => URL_SAFE_NO_PAD.encode(&bytes[..]),
            Self::Laravel => format!("base64:{}", STANDARD.encode(&bytes[..32])),
            // Django's alphabet without what a shell or a dotenv dialect would read as something else.
            Self::Django => letters(50, b"abcdefghijklmnopqrstuvwxyz0123456789@-_=+")?,
        }))
    }
}

/// Evenly distributed letters: a byte that would make some more likely is thrown away.
fn letters(count: usize, alphabet: &[u8]) -> Result<String, Error> {
    let even = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(count);
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while text.len() < count {
        rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::Random(error.to_string()))?;
        let usable = bytes.iter().filter(|&&byte| usize::from(byte) < even);
        text.extend(
            usable
                .map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
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
    fn a_form_of_ones_own_has_its_letters_and_cannot_be_weak() {
        for (length, alphabet) in [(40, "alnum"), (64, "hex"), (128, "01"), (43, "ABCDEFGH-_")] {
            let custom = Custom::new(length, alphabet).unwrap();
            let value = Shape::Custom(custom.clone()).generate().unwrap();
            assert!(value.len() == length && value.expose().iter().all(|c| custom.alphabet.contains(c)));
        }
        for (length, alphabet) in
            [(10, "alnum"), (1000, "a"), (64, ""), (64, "abc'"), (64, "a b$"), (5000, "hex")]
        {
            assert!(Custom::new(length, alphabet).is_err(), "{length} {alphabet}");
        }
    }

    #[test]
    fn two_secrets_are_never_the_same() {
        for format in Format::value_variants() {
            assert!(format.generate().unwrap() != format.generate().unwrap());
        }
    }
}
