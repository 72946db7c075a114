//! Shannon entropy: how evenly a value's characters are spread.

/// Bits per byte of the distribution of bytes in `value`: 0 for one repeated byte, log2 of the length at most.
pub(super) fn shannon(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "a value has at most 16 KiB")]
    let total = value.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            let share = count as f32 / total;
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::shannon;

    #[test]
    fn knows_the_bounds() {
        assert!(shannon(b"aaaaaaaa").abs() < 1e-6);
        assert!((shannon(b"abcdefgh") - 3.0).abs() < 1e-6);
        assert!(shannon(b"").abs() < 1e-6);
    }
}
