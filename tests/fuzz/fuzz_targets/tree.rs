//! Trees, whole and as made from another tree by a delta.
#![no_main]
use unleak::source::git::doors;
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let (base, delta) = rest.split_at(usize::from(first).min(rest.len()));
    doors::tree(base, &[], delta);
    // The sizes are put right, so that more than one delta in many thousands applies.
    if let (Ok(from), Some((&to, instructions))) = (u8::try_from(base.len()), delta.split_first()) {
        if from < 128 {
            let whole = [&[from, to & 127], instructions].concat();
            if let Some((made, copies)) = doors::delta(base, &whole) {
                doors::tree(base, &copies, &made);
            }
        }
    }
});
