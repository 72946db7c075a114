//! Deltas: the first byte says how much of the rest is the base.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let (base, delta) = rest.split_at(usize::from(first).min(rest.len()));
    drop(unleak::source::git::doors::delta(base, delta));
});
