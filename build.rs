//! Embeds the rules: all of `rules/*.yaml` becomes one text that needs no parsing when unleak starts. Their examples, which
//! no scan needs, are kept apart.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::mem::take;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// What `form` takes from the crate; the names must be those of `src/finding.rs`.
#[expect(missing_docs, reason = "documented where they are copied from")]
pub mod finding {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Severity {
        Low,
        Medium,
        High,
        Critical,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Confidence {
        Low,
        Medium,
        High,
    }
}

/// What the result of a scan depends on besides the rules. What a cache kept under another version of it does not count.
const ENGINE: [&str; 6] = ["src/detect", "src/rule", "src/scan", "src/source", "src/patch.rs", "Cargo.lock"];

#[path = "src/rule/form.rs"]
pub mod form;
#[path = "src/rule/fragment.rs"]
pub mod fragment;
#[path = "src/rule/lead.rs"]
pub mod lead;
#[path = "src/rule/reach.rs"]
pub mod reach;
#[path = "src/rule/shape.rs"]
pub mod shape;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=rules");
    ENGINE.iter().for_each(|path| println!("cargo::rerun-if-changed={path}"));
    match embed().and_then(|()| name_engine()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("cargo::error={}", reason.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), String> {
    let mut files = fs::read_dir("rules")
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, _>>())
        .map_err(|error| format!("rules: {error}"))?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut rules = Vec::new();
    for file in &files {
        rules.extend(read(file)?);
    }
    let lines: Vec<_> =
        rules.iter_mut().map(|rule| (take(&mut rule.examples), take(&mut rule.counterexamples))).collect();
    write("rules.txt", &stored(&rules)?)?;
    write("reaches.rs", &reaches(&rules)?)?;
    write("examples.json", &serde_json::to_string(&lines).map_err(|error| error.to_string())?)
}

/// Where the rules' matches can be, as the source of a table in the order of its keys.
fn reaches(rules: &[form::Rule]) -> Result<String, String> {
    let mut told = BTreeMap::new();
    for rule in rules {
        let reach = reach::Reach::of(rule).map_err(|error| format!("rule `{}`: {error:?}", rule.id))?;
        told.insert(reach::key(rule), serde_json::to_string(&reach).map_err(|error| error.to_string())?);
    }
    let rows: Vec<String> = told.iter().map(|(key, reach)| format!("({key}, {reach:?}),\n")).collect();
    Ok(format!("&[\n{}]", rows.concat()))
}

/// The rules in the form that `src/rule/store.rs` reads.
fn stored(rules: &[form::Rule]) -> Result<String, String> {
    let mut out = String::new();
    for rule in rules {
        let filters = (rule.filters != form::Filters::default()).then_some(&rule.filters);
        let rest = (&rule.severity, &rule.confidence, rule.named, rule.promise, filters, &rule.part_of);
        let rest = serde_json::to_string(&rest).map_err(|error| error.to_string())?;
        let keywords = rule.keywords.join("\u{1}");
        let fields = [&*rule.id, &rule.title, &rule.pattern, &rule.reference, &rule.advice, &keywords, &rest];
        if fields.iter().any(|field| field.contains('\0')) {
            return Err(format!("rule `{}`: a text holds a NUL byte", rule.id));
        }
        fields.iter().for_each(|field| out.extend([field, "\0"]));
    }
    Ok(out)
}

#[expect(clippy::disallowed_methods, reason = "as above")]
fn write(name: &str, text: &str) -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?).join(name);
    fs::write(&out, text).map_err(|error| format!("{}: {error}", out.display()))
}

/// Gives the crate a hash of the files of `ENGINE`.
fn name_engine() -> Result<(), String> {
    let mut hasher = DefaultHasher::new();
    let mut paths: Vec<PathBuf> = ENGINE.iter().rev().map(PathBuf::from).collect();
    while let Some(path) = paths.pop() {
        let unreadable = |error| format!("{}: {error}", path.display());
        if path.is_dir() {
            let below =
                fs::read_dir(&path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
            let mut below: Vec<PathBuf> = below.map_err(unreadable)?;
            below.sort_by(|a, b| b.cmp(a));
            paths.extend(below);
        } else if path.exists() {
            hasher.write(path.as_os_str().as_encoded_bytes());
            hasher.write(&fs::read(&path).map_err(unreadable)?);
        }
    }
    println!("cargo::rustc-env=UNLEAK_ENGINE={:016x}", hasher.finish());
    Ok(())
}

fn read(file: &Path) -> Result<Vec<form::Rule>, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let rules: Vec<form::Rule> = serde_yaml::from_str(&text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        format!("{name}:{line}:{column}: {}", error.without_snippet())
    })?;
    // The fragments stay as they are: most patterns are never compiled.
    for rule in &rules {
        fragment::expand_rule(&mut rule.clone())
            .map_err(|unknown| format!("{name}: rule `{}`: {unknown}", rule.id))?;
    }
    Ok(rules)
}
