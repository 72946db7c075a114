//! The architecture, held by a test: which module may use which, and the form of the source tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module and those it may use; `*` is every one but `cli`. Data runs one way: see src/lib.rs.
///
/// A new module gets a row; a new arrow is a decision about the design, to be argued in its commit.
const ARROWS: &[(&str, &[&str])] = &[
    ("cli", &["*"]),
    ("serve", &["*"]),
    ("demo", &["*"]),
    // scan
    ("config", &["rule", "finding", "coverage"]),
    ("scan", &["source", "detect", "rule", "finding", "coverage", "patch", "secret"]),
    ("report", &["finding", "coverage", "secret", "rule"]),
    ("detect", &["rule", "finding", "patch", "secret"]),
    ("source", &["finding", "coverage", "patch", "secret", "durable"]),
    ("rule", &["finding"]),
    ("suppress", &["finding", "coverage", "secret", "durable"]),
    ("hook", &["durable"]),
    ("live", &["detect", "dotenv", "secret"]),
    // rotate
    ("rotate", &["session", "contain", "cookie", "token", "durable", "dotenv", "secret"]),
    // git stays out of rotate: it says which value goes, and this knows how a commit is made
    ("contain", &["durable", "secret"]),
    ("session", &["durable", "secret"]),
    // beside rotate: what it changes is the form of a store, not what is in it
    ("schema", &["session", "durable", "secret"]),
    // what both stand on
    ("cookie", &["secret"]),
    // what serve takes and a rotation replaces
    ("token", &["durable", "secret"]),
    ("finding", &["coverage", "exit", "secret"]),
    ("coverage", &[]),
    ("patch", &[]),
    ("dotenv", &[]),
    ("durable", &["secret"]),
    ("secret", &[]),
    ("exit", &[]),
    // the binary's own
    ("allocator", &[]),
];

const LONGEST_FILE: usize = 500;

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut broken = Vec::new();
    for file in rust_files("src") {
        let Some(module) = top_level_module(&file) else { continue };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            broken.push(format!("{}: module `{module}` has no row in ARROWS", file.display()));
            continue;
        };
        for used in used_modules(&production_code(&read(&file))) {
            let everything = allowed.contains(&"*") && used != "cli";
            if used != module && !everything && !allowed.contains(&used.as_str()) {
                broken.push(format!("{}: `{module}` must not use `{used}`", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "the layering is broken:\n{}", broken.join("\n"));
}

#[test]
fn the_binary_only_calls_the_command_line() {
    let main = read(&root().join("src/main.rs"));
    for (at, _) in main.match_indices("unleak::") {
        assert!(
            main[at..].starts_with("unleak::cli::"),
            "src/main.rs uses {}",
            main[at..].lines().next().unwrap()
        );
    }
}

#[test]
fn source_files_say_what_they_are_and_stay_readable() {
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        let text = read(&file);
        assert!(text.starts_with("//! "), "{} does not open with a `//!` line", file.display());
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines, more than {LONGEST_FILE}", file.display());
    }
}

#[test]
fn every_integration_test_file_is_declared() {
    let main = read(&root().join("tests/integration/main.rs"));
    for entry in fs::read_dir(root().join("tests/integration")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let holds_tests = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").is_file();
        if holds_tests && name != "main" {
            assert!(
                main.contains(&format!("mod {name};")),
                "tests/integration/main.rs does not declare `{name}`"
            );
        }
    }
}

#[test]
fn the_reader_of_paths_sees_every_form() {
    let code = "use crate::rule::Rule;\nuse crate::{finding::Place, secret::{Secret, Fingerprint}, exit};\n\
                // crate::cli in a comment\nlet x = crate::durable::write; pub(crate) fn f() {} $crate::report::y";
    let expected = ["durable", "exit", "finding", "rule", "secret"];
    assert_eq!(used_modules(code).iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no Rust file in {folder}");
    files
}

/// The module below the crate root that a file belongs to; none for lib.rs and main.rs.
fn top_level_module(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = Path::new(inside.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap();
    (first != "lib" && first != "main").then(|| first.to_owned())
}

/// The file without its unit tests, which may take their material from anywhere.
fn production_code(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text).to_owned()
}

/// The top-level modules named by `crate::x` and `crate::{x, y::z}`, comments aside.
fn used_modules(code: &str) -> BTreeSet<String> {
    let code: String =
        code.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + path.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(heads_of_group(group));
        } else {
            found.insert(identifier(rest));
        }
    }
    found.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    found
}

/// The first identifier of each top-level part of a `{…}` group, whose opening brace was read.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(identifier(group[start..].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect()
}
