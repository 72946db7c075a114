//! Live-looking credentials, made at run time: none may stand in a file of this repository.

/// A GitHub token with a right check sum; another number gives another token.
pub(crate) fn github(number: u64) -> String {
    let random: String = base62(number).chars().take(30).collect();
    let mut sum = crc32fast::hash(random.as_bytes());
    let mut digits = vec![];
    for _ in 0..6 {
        digits.push(ALPHABET[(sum % 62) as usize] as char);
        sum /= 62;
    }
    let sum: String = digits.into_iter().rev().collect();
    format!("{}{random}{sum}", ["gh", "p_"].concat())
}

/// 128 hexadecimal characters, as a session secret has.
pub(crate) fn hex128(number: u64) -> String {
    hex::encode(random(number).take(64).collect::<Vec<_>>())
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn base62(number: u64) -> String {
    random(number).map(|byte| ALPHABET[usize::from(byte % 62)] as char).take(64).collect()
}

/// Bytes of a small generator (SplitMix64): the same for the same number, so that a failure can be repeated.
fn random(number: u64) -> impl Iterator<Item = u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 24).to_le_bytes()[0]
    })
}
