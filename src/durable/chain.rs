//! Records that follow one another: JSON objects, one a line, each with its number and the hash of the one before.
//!
//! The hash is SHA-256 over the canonical JSON of the record (RFC 8785 for what stands in it: sorted keys, no blanks)
//! without `hash`. Whoever keeps the last hash elsewhere can tell later whether anything was changed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What the first record has for the hash of the one before it.
pub fn first() -> String {
    "0".repeat(64)
}

/// A line that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub reason: &'static str,
}

/// The hash of a record, whatever it has for `hash` itself.
pub fn hash(record: &Value) -> String {
    let mut bare = record.clone();
    if let Some(members) = bare.as_object_mut() {
        members.remove("hash");
    }
    hex::encode(Sha256::digest(canonical(&bare)))
}

/// Reads records and checks that nothing in them was changed, taken out or put in.
///
/// A last line that a crash cut off is left out: what it would have said had not happened yet.
///
/// # Errors
/// The first line that does not fit.
pub fn read(text: &str) -> Result<Vec<Value>, Broken> {
    let mut records: Vec<Value> = Vec::new();
    let mut head = first();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else { break };
        let broken = |reason| Broken { line: index + 1, reason };
        let record: Value = serde_json::from_str(line).map_err(|_| broken("it is no record"))?;
        if record["seq"].as_u64() != Some(index as u64) {
            return Err(broken("its number is not the next"));
        }
        if record["prev"].as_str() != Some(&head) {
            return Err(broken("it does not follow the record before it"));
        }
        let hash = hash(&record);
        if record["hash"].as_str() != Some(&hash) || canonical(&record) != line {
            return Err(broken("its hash does not fit its content"));
        }
        head = hash;
        records.push(record);
    }
    Ok(records)
}

/// JSON with sorted keys, whatever order the map type of `serde_json` was built with.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let members: Vec<_> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
