//! What is kept of passwords so that nobody can read them, and of keys so that people can compare them.

/// `$2b$10$…`, `sha1$…`, `{SSHA}…`: what is kept of a password so that nobody can read it.
pub(super) fn is_hash(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 15] = [
        b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$", b"$apr1$", b"$argon2", b"$pbkdf2",
        b"$scrypt", b"sha1$", b"pbkdf2_", b"{SSHA", b"{SHA",
    ];
    // A code span may hold the quotes too.
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    // `user:$2y$…`, a line of such a file
    let hash = value.iter().position(|byte| *byte == b':').map_or(value, |at| &value[at + 1..]);
    STARTS.iter().any(|start| value.starts_with(start) || hash.starts_with(start))
        || is_md5_of_postgres(value)
}

/// `md5` and 32 hexadecimal digits, as PostgreSQL keeps a password.
fn is_md5_of_postgres(value: &[u8]) -> bool {
    value.len() == 35 && value.starts_with(b"md5") && value[3..].iter().all(u8::is_ascii_hexdigit)
}

/// `86:bd:7c:…`: the fingerprint of a key or of a certificate.
pub(super) fn is_fingerprint(value: &[u8]) -> bool {
    matches!(value.len(), 47 | 59 | 95)
        && value.chunks(3).all(|pair| {
            pair[..2].iter().all(u8::is_ascii_hexdigit) && pair.get(2).is_none_or(|sign| *sign == b':')
        })
}

/// Whether all of a value is such a hash.
pub fn is_password_hash(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"$P$", b"$H$", b"SCRAM-SHA-", b"$$"];
    is_hash(value) || STARTS.iter().any(|start| value.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_passwords_are_known_by_how_they_begin() {
        for value in
            ["$2b$12$Kx9vQ", "$argon2id$v=19$m=65536", "{SSHA}Kx9v", "SCRAM-SHA-256$4096:Kx9v", "$P$BKx9v"]
        {
            assert!(is_password_hash(value.as_bytes()), "{value}");
        }
        assert!(is_fingerprint("86:bd:7c:7e:".repeat(4).trim_end_matches(':').as_bytes()));
        assert!(!is_fingerprint("86:bd:7c-7e:".repeat(4).trim_end_matches(':').as_bytes()));
        assert!(!is_password_hash(b"$Kx9vQ-71zr") && !is_password_hash(b"SCRAMble7!"));
    }
}
