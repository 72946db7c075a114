//! What a rotation writes into a dotenv file, read by the parsers that applications use. Needs tests/run.

#![expect(clippy::disallowed_methods, reason = "tests/run passes the parsers in")]

use super::{hex_value, put, stderr};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use unleak::rotate::{Ending, Plan, Protection, Request, Severity, Stop, Surroundings, Target, run};

/// Every variable that a parser sees in each file; `None` where it refuses the file.
type Read = BTreeMap<String, Option<BTreeMap<String, String>>>;

type Parser<'a> = &'a dyn Fn(&Path) -> Read;

fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}

/// Files in every form that the parsers agree on where it matters.
fn files(old: &str) -> Vec<String> {
    let before =
        ["", "# S=no\n", "A=1\nB='two words'\n", "M=\"x\nS=no\ny\"\n", "export A=\"q\\\"uoted\"\r\n\r\n"];
    let forms = [
        "S=@",
        "export S=@",
        "S='@'",
        "S=\"@\"",
        "  S=@",
        "S=@ # comment",
        "S='@' # S=no",
        "S=\"@\"\nS=@",
        "S = @",
        "S=`@`",
    ];
    let after = ["", "\n", "\nZ=last\n", "\r\nT_S=no\r\nS2=x"];
    // Every beginning with every form, and the ends in turn: each rotation syncs its journal to the disk.
    let pairs = before.iter().flat_map(|before| forms.iter().map(move |form| (before, form)));
    let ends = after.iter().cycle();
    pairs
        .zip(ends)
        .map(|((before, form), after)| format!("{before}{}{after}", form.replace('@', old)))
        .collect()
}

fn rotate(path: &Path, state: &Path) {
    let around =
        Surroundings { env: &|_| None, read_command: None, graceful: false, directory: None, state: None };
    let request = Request {
        targets: vec![Target::parse(&format!("env:{}#S", path.display()), &around).unwrap()],
        format: None,
        reload: Vec::new(),
        health: None,
        store: None,
        probe: None,
        checks: Vec::new(),
        severity: Severity::P3,
        incident: None,
        unfinished: None,
        arguments: None,
        exposed_since: None,
        leaked: None,
        exposure: None,
        contain: None,
        deduced: false,
        protection: Protection::default(),
        restore_leaked: false,
        graceful: None,
        state: state.to_owned(),
        fault: None,
    };
    let plan = Plan::prepare(request).unwrap();
    let outcome = run(&plan, &Stop::default(), &mut |_| {}).unwrap();
    assert!(!matches!(outcome.ending, Ending::Undone(_) | Ending::HalfWay { .. }), "{:?}", outcome.ending);
}

fn by_program(mut command: Command, dir: &Path) -> Read {
    let output = command.arg(dir).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn node(parse: &str, dir: &Path) -> Read {
    let code = format!(
        "const fs = require('fs'), dir = process.argv[1], out = {{}}; const parse = {parse};
         for (const f of fs.readdirSync(dir)) out[f] = parse(fs.readFileSync(dir + '/' + f, 'utf8'));
         console.log(JSON.stringify(out))"
    );
    let mut command = Command::new("node");
    command.args(["-e", &code]).current_dir(PathBuf::from(service("UNLEAK_TEST_APPS")).join("express-app"));
    by_program(command, dir)
}

fn python(dir: &Path) -> Read {
    let code = "import sys, os, json, dotenv; d = sys.argv[1]; \
        print(json.dumps({f: dict(dotenv.dotenv_values(os.path.join(d, f))) for f in os.listdir(d)}))";
    let mut command = Command::new(service("UNLEAK_TEST_PYTHON"));
    command.args(["-c", code]);
    by_program(command, dir)
}

fn each(dir: &Path, read: impl Fn(&Path) -> Option<BTreeMap<String, String>>) -> Read {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), read(&file.path()))).collect()
}

fn dotenvy(path: &Path) -> Option<BTreeMap<String, String>> {
    dotenvy::from_path_iter(path).unwrap().collect::<Result<_, _>>().ok()
}

/// The shell, for what it reads without running anything: blanks around `=` and backticks would be commands.
fn shell(path: &Path) -> Option<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    if text.contains(" = ") || text.contains('`') || text.contains('\r') {
        return None;
    }
    let script = "set -a; . \"$1\"; printf %s \"$S\"";
    let output = Command::new("sh").args(["-c", script, "sh", path.to_str().unwrap()]).output().unwrap();
    Some(BTreeMap::from([("S".to_owned(), String::from_utf8(output.stdout).unwrap())]))
}

#[test]
fn every_parser_reads_the_new_value_and_everything_else_as_before() {
    let (dir, state, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), hex_value());
    for (number, text) in files(&old).iter().enumerate() {
        put(&dir.path().join(format!("{number:03}")), text.as_bytes());
    }
    let parsers: [(&str, Parser<'_>); 5] = [
        ("dotenv of node", &|dir| node("require('dotenv').parse", dir)),
        ("node itself", &|dir| node("require('util').parseEnv", dir)),
        ("python-dotenv", &python),
        ("dotenvy", &|dir| each(dir, dotenvy)),
        ("sh", &|dir| each(dir, shell)),
    ];
    let before: Vec<_> = parsers.iter().map(|(_, read)| read(dir.path())).collect();
    let paths: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in &paths {
        rotate(path, state.path());
    }
    for ((name, read), before) in parsers.iter().zip(before) {
        let mut seen = 0;
        for (file, now) in read(dir.path()) {
            let (Some(now), Some(then)) = (now, before[&file].clone()) else { continue };
            // A parser that does not see the old value (backticks, a bare blank) is no reader of this file.
            if then.get("S") != Some(&old) {
                continue;
            }
            let text = std::fs::read_to_string(dir.path().join(&file)).unwrap();
            let mut expected = then;
            let value = now.get("S").cloned().unwrap_or_default();
            assert!(value.len() == 128 && value != old, "{name} reads {value:?} in {text:?}");
            expected.insert("S".to_owned(), value);
            assert_eq!(now, expected, "{name} in {text:?}");
            seen += 1;
        }
        assert!(seen >= paths.len() / 3, "{name} read only {seen} of {} files", paths.len());
    }
}
