//! Values that say in words what they are: `existing-password-123`, `scim:employee-access:v2`, `2:new-secret-key`.

use super::words;

/// A name of several words in small letters with a version behind or a number between them, as identifiers of scopes,
/// features and tickets have.
pub(super) fn is_label(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|byte| b"-_:/.".contains(byte)).collect();
    let is_plain = |part: &&[u8]| {
        (1..=16).contains(&part.len())
            && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if is_technical(value) || is_algorithm(value) || is_enumeration(value) {
        return true;
    }
    if parts.len() < 3 || !parts.iter().all(is_plain) || digits(value) > 7 {
        return false;
    }
    let is_number = |part: &&[u8]| part.iter().all(u8::is_ascii_digit);
    let is_word = |part: &&[u8]| {
        let letters = part.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        letters == part.len() && (letters < 3 || words::covered(part) * 4 >= letters * 3)
    };
    let words = parts.iter().filter(|part| is_word(part)).count();
    let [first, between @ .., last] = &parts[..] else { return false };
    let is_version = |part: &[u8]| {
        part.strip_prefix(b"v").is_some_and(|rest| matches!(rest.len(), 1 | 2) && is_number(&rest))
    };
    if is_version(first) || is_version(last) {
        let letters = parts.iter().filter(|part| part.iter().all(u8::is_ascii_alphabetic)).count();
        return words * 2 >= parts.len() - 1 || letters == parts.len() - 1;
    }
    // `generated-13-16`: a word, and from where to where it counts.
    let is_short = |part: &[u8]| is_number(&part) && part.len() == 2;
    if parts.len() == 3
        && first.len() > 3
        && is_word(first)
        && is_short(parts[1])
        && is_short(last)
        && parts[1] < *last
    {
        return true;
    }
    let numbered = between.iter().any(is_number);
    numbered && is_word(first) && is_word(last) && parts.iter().all(|part| is_word(part) || is_number(part))
}

/// `pkcs12_password`, `scram-sha-256`: what a part of a program is called, by words and a standard with a number.
fn is_technical(value: &[u8]) -> bool {
    const STANDARDS: [&[u8]; 13] = [
        b"krb5", b"pkcs12", b"pkcs8", b"pkcs1", b"x509", b"oauth2", b"sha256", b"sha-256", b"sha512",
        b"sha-512", b"md5", b"base64", b"utf8",
    ];
    let lower = value.to_ascii_lowercase();
    let found = STANDARDS.iter().find_map(|name| Some((memchr::memmem::find(&lower, name)?, name.len())));
    let Some((at, len)) = found else { return false };
    let rest = [&value[..at], &value[at + len..]].concat();
    let letters = rest.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters > 2
        && rest.iter().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(byte))
        && words::covered(&rest) * 5 >= letters * 3
}

/// `user_id+device_id`, `encoded/unique`, `header>cookie`: words that signs put side by side, as only prose does.
fn is_enumeration(value: &[u8]) -> bool {
    const SIGNS: &[u8] = b"+/|&>";
    let is_word = |word: &[u8]| {
        word.iter().all(u8::is_ascii_alphabetic)
            && (word.len() < 4
                || words::covered(word) * 4 >= word.len() * 3
                || word.len() <= 6 && word.iter().all(u8::is_ascii_uppercase))
    };
    // Cheap first: what a generator makes has digits, or no word.
    let is_plain = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"+/|&>-_.".contains(byte));
    let is_long = value.split(|byte| !byte.is_ascii_alphabetic()).any(|word| word.len() > 3);
    is_plain
        && is_long
        && value.len() <= 48
        && value.iter().any(|byte| SIGNS.contains(byte))
        && value.split(|byte| !byte.is_ascii_alphabetic()).all(is_word)
}

/// `argon2id`, `PBKDF2-SHA256`, `aes-256-gcm`: the names of ways to hash and to encrypt, and nothing else.
fn is_algorithm(value: &[u8]) -> bool {
    const NAMES: [&str; 62] = [
        "argon2id",
        "argon2i",
        "argon2d",
        "pbkdf2",
        "bcrypt",
        "scrypt",
        "yescrypt",
        "md5crypt",
        "crypt",
        "sha1",
        "sha224",
        "sha256",
        "sha384",
        "sha512",
        "sha3",
        "sha",
        "md5",
        "hmac",
        "hkdf",
        "blake2b",
        "blake2s",
        "blake3",
        "ripemd160",
        "aes",
        "gcm",
        "cbc",
        "ctr",
        "siv",
        "ecb",
        "ccm",
        "xts",
        "rsa",
        "oaep",
        "pss",
        "pkcs1",
        "v15",
        "ecdsa",
        "ecdh",
        "ed25519",
        "ed448",
        "x25519",
        "x448",
        "secp",
        "prime",
        "chacha20",
        "xchacha20",
        "xsalsa20",
        "poly1305",
        "salsa20",
        "hs",
        "rs",
        "es",
        "ps",
        "kw",
        "with",
        "and",
        "r1",
        "k1",
        "p",
        "a128",
        "a192",
        "a256",
    ];
    let mut lower = value.to_ascii_lowercase();
    lower.retain(|byte| !b"-_/+. ".contains(byte));
    let mut rest = &lower[..];
    let (mut named, mut longest) = (0, 0);
    while !rest.is_empty() {
        let fits = NAMES.iter().filter(|name| rest.starts_with(name.as_bytes())).map(|name| name.len()).max();
        // The number of bits behind a name.
        let bits = ["128", "192", "224", "256", "384", "512", "521", "1024", "2048", "3072", "4096"]
            .iter()
            .find(|bits| rest.starts_with(bits.as_bytes()));
        let len = match fits {
            Some(len) => {
                (named, longest) = (named + 1, longest.max(len));
                len
            }
            None if named > 0 && bits.is_some() => bits.map_or(0, |bits| bits.len()),
            None => return false,
        };
        rest = &rest[len..];
    }
    value.len() >= 5 && longest >= 2
}

/// Words that say "password", "secret" or "token", and nothing else but a number that counts: what tests and
/// explanations put in the place of one.
pub(super) fn names_itself(value: &[u8]) -> bool {
    let letters: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    let says = |word: &[u8]| memchr::memmem::find(&letters, word).is_some();
    let signs = value.iter().filter(|byte| byte.is_ascii_punctuation() && !b"-_:. ".contains(byte)).count();
    // What is left of short parts is no chance: `jks-`, `pg_`.
    let is_short = |part: &&[u8]| part.len() < 4 && part.iter().all(u8::is_ascii_lowercase);
    let short: usize = value.split(|byte| b"-_:. ".contains(byte)).filter(is_short).map(<[u8]>::len).sum();
    let covered = (words::covered(value) + short).min(letters.len());
    if value.len() > 48 || signs > 1 || letters.len() < 9 || covered * 3 < letters.len() * 2 {
        return false;
    }
    let counts = counts_up(value);
    says(b"password") && counts || (says(b"secret") || says(b"token")) && (counts || digits(value) < 4)
}

/// Beginnings of words for "password" in languages that the list of words does not hold.
const FOREIGN: [&[u8]; 14] = [
    b"passwor",
    b"contrase",
    b"palavrapass",
    b"wachtwoord",
    b"motdepass",
    b"kennwort",
    b"parola",
    b"lozink",
    b"salasan",
    b"heslo",
    b"passord",
    b"adgangskod",
    b"losenord",
    b"senha",
];

/// `Contraseña1`, `PalavraPasse2`: a word for "password" of any language and a number, as forms and messages have them.
pub(super) fn is_translated(value: &[u8]) -> bool {
    let letters: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    let is_text =
        value.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"-_.?!: ".contains(byte));
    let says = || FOREIGN.iter().any(|word| memchr::memmem::find(&letters, word).is_some());
    // Letters that only languages have, and nothing beside them.
    let is_word = || !value.is_ascii() && letters.len() * 2 >= value.len() && digits(value) < 2;
    is_text && digits(value) < 3 && letters.len() > 4 && (is_word() || says())
}

/// `instantclient_19_18`: a name and small numbers.
pub(super) fn is_versioned(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'_');
    let is_name = |name: &[u8]| {
        name.iter().all(u8::is_ascii_lowercase)
            && words::covered(name) * 4 >= name.len() * 3
            && !name.is_empty()
    };
    let is_number = |part: &[u8]| (1..=2).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(is_name) && value.contains(&b'_') && parts.all(is_number)
}

pub(super) fn digits(value: &[u8]) -> usize {
    value.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// `123`, `4567`: all its digits, one more each time.
fn counts_up(value: &[u8]) -> bool {
    let digits: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
    digits.len() > 2 && digits.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_languages_are_told() {
        for value in ["Contraseña1", "PalavraPasse2", "PasswortUngueltig1", "Répétez2", "wachtwoord-12"] {
            assert!(is_translated(value.as_bytes()), "{value}");
        }
        for value in ["Winter2024!", "Sömmer2024", "x7Kpé2q", "T4mWB£rp3pU"] {
            assert!(!is_translated(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn names_of_scopes_features_and_tickets_are_labels() {
        for value in [
            "better:employee-access:v2",
            "files-sse-s3-wrapping-v1",
            "pm-2035-password-unlock",
            "v2-wrapped-key",
            "pkcs12_password",
            "pkcs12Encoder",
            "x509-bundle",
            "app-17-use-login",
            "argon2id",
            "Argon2id",
            "PBKDF2-HMAC-SHA256",
            "sha512crypt",
            "AES-256-GCM",
            "ECDH-ES+A256KW",
            "xchacha20-poly1305",
            "HS256",
            "secp256k1",
            "xsalsa20poly1305",
            "RSA-PSS/2048",
            "user_id+device_id",
            "ephemeral/ECDHE-derived",
        ] {
            assert!(is_label(value.as_bytes()), "{value}");
        }
        for value in [
            "argon2idx",
            "aes-256-Kx9",
            "sha2567",
            "256512",
            "winter-storm-2291",
            "kq-3x9-zvw",
            "a8f-20b1-c9",
            "correct-horse-battery-staple",
            "Tiger+Moon42",
            "kQzv/TrLmPw",
        ] {
            assert!(!is_label(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_says_its_name_and_counts_is_none() {
        for value in [
            "mySecurePassword123!",
            "new-password-1234",
            "test_secret_v18",
            "2:new-secret-key",
            "jks-password-123",
            "secret-key-2",
            "AcmeSuperSecret0",
            "WrongPassword456!",
        ] {
            assert!(names_itself(value.as_bytes()), "{value}");
        }
        for value in ["DbPassword2024!", "AdminPassword1!", "s3cr3t-Kx9vQw", "tokenKx9vQw71Zr"] {
            assert!(!names_itself(value.as_bytes()), "{value}");
        }
    }
}
