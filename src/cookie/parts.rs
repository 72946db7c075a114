//! What the frameworks' cookies are made of: signatures, base64 and numbers, each as its framework writes it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::TryRng as _;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What a cookie says of its session.
pub struct Contents {
    /// As the framework understands it: JSON, or a session's id.
    pub bytes: Zeroizing<Vec<u8>>,
    /// When the cookie was made in Unix seconds, where it says so outside its contents.
    pub made: Option<i64>,
    /// Whether the cookie was made as older versions of the framework do.
    pub(super) older: bool,
}

impl Contents {
    /// Contents in the form of the current version.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: Zeroizing::new(bytes.into()), made: None, older: false }
    }
}

macro_rules! signature {
    ($name:ident, $hash:ty) => {
        #[doc = concat!("HMAC with ", stringify!($hash), " over all parts.")]
        pub(super) fn $name(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            let mut mac = Hmac::<$hash>::new_from_slice(key).expect("HMAC takes a key of any length");
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
    };
}
signature!(hmac_sha1, Sha1);
signature!(hmac_sha256, Sha256);
signature!(hmac_sha512, Sha512);

/// Compares in constant time.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Random bytes; `None` when the system gives none.
pub(super) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).ok()?;
    Some(bytes)
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn base64_bare(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(super) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// What Django and itsdangerous write: base64url, and a dot before what is compressed.
pub(super) fn payload(text: &str) -> Option<Vec<u8>> {
    let Some(packed) = text.strip_prefix('.') else { return from_base64url(text) };
    unpacked(&from_base64url(packed)?)
}

/// A cookie cannot hold more than this, even compressed; what claims to is no cookie.
const LONGEST: u64 = 1 << 20;

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut out = Vec::new();
    flate2::read::ZlibDecoder::new(packed).take(LONGEST).read_to_end(&mut out).ok()?;
    Some(out)
}
