//! The leak gate: an own list of encodings, so that a fault in the redactor's list cannot hide itself.

use super::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::path::Path;
use std::process::Output;

/// Every byte that a run gave out or left in its state folder must be free of these values in any encoding.
#[track_caller]
pub(super) fn nothing_leaks(world: &World, output: &Output, values: &[&str]) {
    nothing_leaks_in(&world.path("state"), output, values);
}

/// The same for a state folder without that application.
#[track_caller]
pub(super) fn nothing_leaks_in(state: &Path, output: &Output, values: &[&str]) {
    let mut places =
        vec![("stdout".to_owned(), output.stdout.clone()), ("stderr".to_owned(), output.stderr.clone())];
    collect(state, &mut places);
    for (_, bytes) in &mut places {
        bytes.make_ascii_lowercase();
    }
    for value in values {
        for (encoding, mut needle) in encodings(value) {
            needle.make_ascii_lowercase();
            for (place, bytes) in &places {
                let hit = holds(bytes, &needle);
                assert!(
                    !hit,
                    "{place} holds a planted value ({encoding}):\n{}",
                    String::from_utf8_lossy(bytes)
                );
            }
        }
    }
}

/// Whether the bytes hold the needle.
fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    aho_corasick::AhoCorasick::new([needle]).unwrap().is_match(bytes)
}

fn collect(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        places.push((format!("the name of {}", path.display()), path.to_str().unwrap().as_bytes().to_vec()));
        if path.is_dir() {
            collect(&path, places);
        } else {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn encodings(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let map = |one: fn(u8) -> String| bytes.iter().map(|&byte| one(byte)).collect::<String>().into_bytes();
    let mut all = vec![
        ("plain", bytes.to_vec()),
        ("the first half", bytes[..bytes.len() / 2].to_vec()),
        ("reversed", bytes.iter().rev().copied().collect()),
        ("hex", hex::encode(bytes).into_bytes()),
        ("percent", map(|byte| format!("%{byte:02X}"))),
        ("json", map(|byte| format!("\\u{byte:04x}"))),
        ("entities", map(|byte| format!("&#{byte};"))),
        ("utf-16", bytes.iter().flat_map(|&byte| [byte, 0]).collect()),
    ];
    based(bytes, &mut all);
    if let Ok(raw) = hex::decode(value) {
        all.push(("raw", raw.clone()));
        based(&raw, &mut all);
    }
    // Half of a weak value may be an ordinary word.
    all.retain(|(name, needle)| needle.len() >= 8 || *name == "plain");
    all
}

fn based(bytes: &[u8], all: &mut Vec<(&'static str, Vec<u8>)>) {
    for shift in 0..3 {
        let shifted = [&vec![0; shift], bytes].concat();
        for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            all.push(("base64", text.as_bytes()[4.min(shift * 4)..text.len() - 2].to_vec()));
        }
    }
}
