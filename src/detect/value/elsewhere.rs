//! Values that say where a secret is kept: addresses in secret stores, and what clusters call the objects that hold them.

use super::thing::is_uuid;

/// The longest name of a store.
const SCHEME: usize = 16;
/// The longest name on the way to a secret.
const NAME: usize = 32;

/// Whether a value is the address of a secret in a store, or what a store made of it.
pub(super) fn is_kept(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 30] = [
        b"op://",
        b"$ANSIBLE_VAULT",
        b"ENC[",
        b"vault:v",
        b"vault:",
        b"ssm:",
        b"secretsmanager:",
        b"projects/",
        b"keyring:",
        b"@Microsoft.",
        b"alias/",
        b"AQICAH",
        b"1password:",
        b"bitwarden:",
        b"lastpass:",
        b"lpass:",
        b"gopass:",
        b"keepass:",
        b"infisical:",
        b"doppler:",
        b"conjur:",
        b"akeyless:",
        b"credstash:",
        b"chamber:",
        b"aws-sm:",
        b"gcp-sm:",
        b"azkv:",
        b"keyvault:",
        b"sops:",
        b"secretref:",
    ];
    STARTS.iter().any(|start| value.starts_with(start)) || is_address(value)
}

/// `infisical:/prod/app`, `bitwarden:` and a UUID: a store, and the way to a secret in it.
fn is_address(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b':', value) else { return false };
    let (store, way) = (&value[..at], &value[at + 1..]);
    let is_store = (3..=SCHEME).contains(&at)
        && store.iter().all(|byte| byte.is_ascii_lowercase() || b"-+".contains(byte));
    let is_name = |name: &[u8]| {
        name.len() <= NAME && name.iter().all(|byte| byte.is_ascii_lowercase() || b"-_.#".contains(byte))
    };
    is_store
        && (is_uuid(way)
            || way.len() > 4 && way.starts_with(b"/") && way.split(|byte| *byte == b'/').all(is_name))
}

/// `billing-secret-9416`: words and a number, and one of the words says what is kept under that name.
fn is_numbered_name(value: &[u8]) -> bool {
    const KEPT: [&[u8]; 8] =
        [b"secret", b"secrets", b"token", b"key", b"keys", b"credentials", b"creds", b"password"];
    let parts = || value.split(|byte| matches!(byte, b'-' | b'_' | b'/' | b'.'));
    let is_word = |part: &[u8]| (2..=16).contains(&part.len()) && part.iter().all(u8::is_ascii_lowercase);
    let is_number = |part: &[u8]| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    parts().count() > 2
        && parts().all(|part| is_word(part) || is_number(part))
        && parts().filter(|part| is_number(part)).count() < 4
        && parts().any(|part| KEPT.contains(&part))
}

/// `billing-e7e3d696`: words, and the beginning of a hash.
fn is_hashed_name(value: &[u8]) -> bool {
    let Some(at) = memchr::memrchr(b'-', value) else { return false };
    let (name, hash) = (&value[..at], &value[at + 1..]);
    (7..=10).contains(&hash.len())
        && hash.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
        && name
            .split(|byte| *byte == b'-')
            .all(|part| part.len() > 2 && part.iter().all(u8::is_ascii_lowercase))
}

/// `billing-oauth-vj23k`, `api-6d4b75cb6d-hwxyz`: words, and the short end by which a cluster tells its objects apart.
pub(super) fn is_made_name(value: &[u8]) -> bool {
    const END: usize = 5;
    if is_numbered_name(value) || is_hashed_name(value) {
        return true;
    }
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut parts: Vec<&[u8]> = value.split(|byte| *byte == b'-').collect();
    let has_digit = |part: &[u8]| part.iter().any(u8::is_ascii_digit);
    let Some(end) = parts.pop().filter(|end| end.len() == END && end.iter().all(is_plain)) else {
        return false;
    };
    // A set of replicas has a number of its own.
    let is_set = |part: &[u8]| (8..=10).contains(&part.len()) && part.iter().all(is_plain) && has_digit(part);
    let is_numbered = parts.last().is_some_and(|part| is_set(part));
    if is_numbered {
        parts.pop();
    }
    let is_word = |part: &&[u8]| (2..=16).contains(&part.len()) && part.iter().all(u8::is_ascii_lowercase);
    (is_numbered || has_digit(end))
        && !parts.is_empty()
        && (is_numbered || parts.len() > 1)
        && parts.iter().all(|part| is_word(part) || part.len() <= 2 && part.iter().all(u8::is_ascii_digit))
        && parts.iter().any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_secret_is_none() {
        for value in [
            "op://prod/app/field",
            "infisical:/prod/billing",
            "bitwarden:2f44355e-8b58-4dba-bf8b-7437960f2a4c",
            "projects/acme/secrets/db/versions/latest",
        ] {
            assert!(is_kept(value.as_bytes()), "{value}");
        }
        for value in [
            "shop:Kx9vQ71zrTm2",
            "shop:/Kx9vQ71zrTm2",
            "718743700:Pqr07rTYC6kCK0Ya9UmvvHQF9CqngLUBS4E",
            "a:/b",
        ] {
            assert!(!is_kept(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_a_cluster_calls_its_objects_is_none() {
        for value in [
            "billing-oauth-vj23k",
            "api-6d4b75cb6d-hwxyz",
            "ci-runner-7-x2q4z",
            "atlas-secret-9416",
            "billing-e7e3d696",
        ] {
            assert!(is_made_name(value.as_bytes()), "{value}");
        }
        for value in ["x9k2f-hwxyz", "kq3z9-7f2bd-x2q4z", "maple-tiger-house", "vj23k"] {
            assert!(!is_made_name(value.as_bytes()), "{value}");
        }
    }
}
