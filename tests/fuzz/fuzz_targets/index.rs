//! Pack indices.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| unleak::source::git::doors::index(data));
