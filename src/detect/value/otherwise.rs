//! What stands right before a value and says that it is none of a secret: `vendor sha256: 40f6…`, `vendor cache key v1-…`.
//!
//! Rules of providers look for a value near a name. Keys have the form of hashes and ids there, so the word beside the value
//! decides.

/// How far before a value such a word is looked for.
const BESIDE: usize = 40;

/// Words for what everybody may see; of two the sign between them may be any.
const OTHERWISE: [&[u8]; 32] = [
    b"sha1",
    b"sha224",
    b"sha256",
    b"sha384",
    b"sha512",
    b"sha",
    b"md5",
    b"checksum",
    b"digest",
    b"hash",
    b"integrity",
    b"fingerprint",
    b"thumbprint",
    b"etag",
    b"commit",
    b"revision",
    b"cachekey",
    b"sitekey",
    b"publickey",
    b"publishablekey",
    b"idempotencykey",
    b"partitionkey",
    b"objectkey",
    b"requestid",
    b"traceid",
    b"correlationid",
    b"tenantid",
    b"keyid",
    b"tokenid",
    b"credentialid",
    b"wrappingid",
    b"versionid",
];

/// Whether the text before a value names something else than a secret.
pub(in crate::detect) fn says_otherwise(before: &[u8]) -> bool {
    let line = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let near = &before[line.max(before.len().saturating_sub(BESIDE))..];
    // What stands before a comma is another argument, or another item.
    let signs = near.iter().rev().take_while(|byte| !byte.is_ascii_alphanumeric());
    if memchr::memchr(b',', &near[near.len() - signs.count()..]).is_some() {
        return false;
    }
    let mut letters = Vec::with_capacity(near.len());
    // The tags between two cells say nothing: `public key</td><td>`.
    let mut is_tag = false;
    for byte in near {
        is_tag = *byte == b'<' || is_tag && *byte != b'>';
        if byte.is_ascii_alphanumeric() && !is_tag {
            letters.push(byte.to_ascii_lowercase());
        }
    }
    let said = near.trim_ascii_end();
    let said = said.strip_suffix(b"`").unwrap_or(said).trim_ascii_end();
    if [&b" is"[..], b" was", b" to", b" as"].iter().any(|link| said.ends_with(link)) {
        let link = said.iter().rev().take_while(|byte| !byte.is_ascii_whitespace()).count();
        letters.truncate(letters.len().saturating_sub(link));
    }
    // Telegram calls the secret of an application its hash.
    OTHERWISE.iter().any(|word| letters.ends_with(word)) && !letters.ends_with(b"apihash")
}

/// Whether a value has the form of what has many names: hexadecimal digits, perhaps in the groups of a UUID.
pub(in crate::detect) fn is_digest_like(value: &[u8]) -> bool {
    value.len() >= 32 && value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_beside_the_value_decides() {
        for text in [
            "vendor sha256: ",
            "vendor_cache_key = \"",
            "Vendor site-key: `",
            "vendor @sha256:",
            "\"vendorTraceId\": \"",
            "vendor public key</td><td><code>",
            "the vendor public key is `",
            "vendor_key_id=",
        ] {
            assert!(says_otherwise(text.as_bytes()), "{text}");
        }
        for text in [
            "vendor key: ",
            "vendor_sha256\nkey: ",
            "vendor secret ",
            "vendor_api_key=\"",
            "api_hash=",
            "hmac('sha256', '",
            "the vendor key is ",
            "",
        ] {
            assert!(!says_otherwise(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn hashes_and_ids_have_one_form() {
        assert!(is_digest_like("0123456789abcdef".repeat(2).as_bytes()));
        assert!(!is_digest_like("0123456789abcdeg".repeat(2).as_bytes()) && !is_digest_like(b"0123"));
    }
}
