//! Headers of pack entries, and the headers of commits and tags.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unleak::source::git::doors::entry(data);
    unleak::source::git::doors::commit(data);
});
