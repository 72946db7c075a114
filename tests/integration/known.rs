//! `scan --known-from`: live values in every encoding and place, under the names of their variables, and never shown.

#![expect(clippy::disallowed_methods, reason = "files of a test need not survive a crash")]

use crate::repo::{Ran, Repo, unleak};
use crate::tokens::{github, hex128};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use unleak::detect::{Detector, Known};
use unleak::secret::{Redactor, Secret};

/// A value with signs that every encoding treats in its own way, and without a form that any rule knows.
fn value(number: u64) -> String {
    let hex = hex128(number);
    format!("{}+/<{}>&\"{}'\\=~{}", &hex[..9], &hex[9..18], &hex[18..25], &hex[25..36])
}

fn each(text: &[u8], form: impl Fn(u8) -> String) -> String {
    text.iter().map(|byte| form(*byte)).collect()
}

fn wrapped(text: &str, width: usize, before: &str) -> String {
    text.as_bytes().chunks(width).fold(String::new(), |mut lines, line| {
        writeln!(lines, "{before}{}", String::from_utf8_lossy(line)).unwrap();
        lines
    })
}

fn in_address(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

fn in_page(byte: u8) -> String {
    match byte {
        b'&' => "&amp;".to_owned(),
        b'<' => "&lt;".to_owned(),
        b'>' => "&gt;".to_owned(),
        b'"' => "&quot;".to_owned(),
        b'\'' => "&#39;".to_owned(),
        byte => char::from(byte).to_string(),
    }
}

/// The value in each form, with the encoding's name.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let behind = |count: usize| STANDARD_NO_PAD.encode(["~".repeat(count).as_bytes(), bytes, b"??"].concat());
    let behind_url = |count: usize| URL_SAFE_NO_PAD.encode(["~".repeat(count).as_bytes(), bytes].concat());
    let utf_16 = |order: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let long = STANDARD.encode(format!("{}{value}{}", "x y".repeat(20), " z".repeat(20)));
    let mut forms: Vec<(&'static str, Vec<u8>)> = vec![
        ("", value.into()),
        ("hex", hex::encode(bytes).into()),
        ("hex", hex::encode_upper(bytes).into()),
        ("percent", each(bytes, in_address).into()),
        ("percent", each(bytes, |byte| format!("%{byte:02x}")).into()),
        ("escape", serde_json::to_string(value).unwrap().into()),
        ("escape", each(bytes, |byte| format!("\\u{byte:04X}")).into()),
        ("escape", each(bytes, |byte| format!("\\x{byte:02x}")).into()),
        ("entity", each(bytes, in_page).into()),
        ("entity", each(bytes, |byte| format!("&#{byte};")).into()),
        ("entity", each(bytes, |byte| format!("&#x{byte:x};")).into()),
        ("utf-16le", utf_16(u16::to_le_bytes)),
        ("utf-16be", utf_16(u16::to_be_bytes)),
        ("reversed", value.chars().rev().collect::<String>().into()),
        ("wrapped", wrapped(value, 20, "    ").into()),
        ("wrapped", wrapped(value, 20, "# ").into()),
        ("base64", wrapped(&long, 76, "").into()),
        ("base64", wrapped(&long, 64, "  ").into()),
        ("prefix", format!("{}...", &value[..=value.len() * 3 / 4]).into()),
    ];
    forms.extend((0..3).map(|count| ("base64", behind(count).into_bytes())));
    forms.extend((0..3).map(|count| ("base64", behind_url(count).into_bytes())));
    forms
}

/// A `.env` file outside the repository.
fn live(repo: &Repo, text: &str) -> String {
    let path = repo.beside("live.env");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The path and encoding of every place of a live value of that name.
fn places(ran: &Ran, name: &str) -> BTreeSet<(String, String)> {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .filter(|finding| finding["live_in"].as_array().unwrap().contains(&name.into()))
        .flat_map(|finding| finding["occurrences"].as_array().unwrap().clone())
        .map(|place| (text(&place["path"]), text(&place["encoding"])))
        .collect()
}

#[test]
fn every_encoding_in_history_is_found_and_no_output_shows_it() {
    let repo = Repo::new();
    let secret = value(1);
    let mut expected = BTreeSet::new();
    for (number, (encoding, text)) in forms(&secret).into_iter().enumerate() {
        let name = format!("deep/{number:02}.txt");
        repo.write(&name, [b"first line\nhere: ", text.as_slice(), b"\nlast line\n"].concat());
        expected.insert((name, encoding.to_owned()));
    }
    repo.commit("leak");
    repo.git(&["rm", "-q", "-r", "deep"]);
    repo.commit("remove");
    repo.git(&["repack", "-q", "-a", "-d"]);
    let env = live(&repo, &format!("OTHER=1\nAPP_SECRET='{}'\n", secret.replace('\'', "\\'")));
    // Quotes inside quotes are read differently by parsers; a line of standard input is what it is.
    let run = |format: &str| {
        let mut command = unleak(repo.path(), repo.path());
        command.args(["scan", "--only-known", "--known-from", "-", "--format", format]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "APP_SECRET={secret}").unwrap();
        Ran::from(child.wait_with_output().unwrap())
    };
    let ran = run("json");
    assert_eq!(ran.code, 1, "{}", ran.err);
    let found = places(&ran, "APP_SECRET");
    assert_eq!(found, expected);
    let report = ran.json();
    let finding = &report["findings"][0];
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!(finding["rule"], "known-value");
    assert_eq!(finding["title"], "Live value of APP_SECRET");
    assert_eq!((&finding["severity"], &finding["confidence"]), (&"critical".into(), &"high".into()));
    assert_eq!(finding["reason"], "it equals a live value");
    assert_eq!(finding["secret"]["length"], secret.len());
    let redactor = Redactor::new([&Secret::from(secret.clone())]);
    for format in ["human", "json", "jsonl", "sarif"] {
        let ran = run(format);
        assert_eq!(ran.code, 1);
        assert!(ran.out.contains("APP_SECRET"), "{format} names the variable");
        for text in [&ran.out, &ran.err] {
            assert!(redactor.is_clean(text.as_bytes()), "{format} shows a value: {text}");
        }
    }
    drop(env);
}

#[test]
fn raw_bytes_of_digits_are_the_value_too() {
    let repo = Repo::new();
    let secret = hex128(2);
    let raw = hex::decode(&secret).unwrap();
    repo.write("a.bin", [b"key", raw.as_slice(), b"end"].concat());
    repo.write("b.txt", format!("k: {}\n", STANDARD.encode(&raw)));
    repo.write("c.txt", format!("k: {}\n", secret.to_uppercase()));
    repo.commit("leak");
    let ran = repo.scan(&[
        "--format",
        "json",
        "--only-known",
        "--known-from",
        &live(&repo, &format!("A={secret}\n")),
    ]);
    let expected = [("a.bin", "raw-bytes"), ("b.txt", "base64+raw-bytes"), ("c.txt", "hex+raw-bytes")];
    assert_eq!(places(&ran, "A"), expected.map(|(path, form)| (path.to_owned(), form.to_owned())).into());
}

#[test]
fn what_a_rule_finds_too_is_one_finding_wherever_it_stands() {
    let repo = Repo::new();
    let token = github(3);
    repo.write("config.env", format!("GITHUB_TOKEN={token}\n"));
    repo.commit("leak");
    repo.write("config.env", "GITHUB_TOKEN=\n");
    repo.commit(&format!("rotate\n\nwas {token}"));
    repo.write(&format!("{token}.txt"), "named after it\n");
    repo.write("allowed.txt", format!("{token} # unleak:allow\n"));
    repo.commit("name");
    let env = live(&repo, &format!("CI_TOKEN={token}\nDEPLOY_TOKEN=\"{token}\"\n"));
    let ran = repo.scan(&["--format", "json", "--known-from", &env]);
    let report = ran.json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{}", ran.out);
    assert_eq!(report["findings"][0]["live_in"], serde_json::json!(["CI_TOKEN", "DEPLOY_TOKEN"]));
    assert_eq!(report["findings"][0]["rule"], "known-value");
    let kinds: BTreeSet<String> = ran.places().into_iter().collect();
    assert!(kinds.contains("history config.env:1") && kinds.contains("message -:3"), "{kinds:?}");
    assert!(kinds.contains("history allowed.txt:1"), "a comment hides no live value: {kinds:?}");
    assert!(!ran.out.contains(&token) && !ran.err.contains(&token));
}

#[test]
fn the_password_of_an_address_is_looked_for_alone() {
    let repo = Repo::new();
    let password = &hex128(4)[..14];
    repo.write("a.txt", format!("the password is {password}, do not tell\n"));
    repo.write("b.txt", format!("url: postgres://app:{password}@db.internal/shop\n"));
    repo.commit("leak");
    let env = live(
        &repo,
        &format!("DATABASE_URL=postgres://app:{password}@db.internal/shop\nNODE_ENV=production\n"),
    );
    let ran = repo.scan(&["--format", "json", "--only-known", "--known-from", &env]);
    let paths: Vec<_> = places(&ran, "DATABASE_URL").into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a.txt", "b.txt"]);
    assert_eq!(ran.occurrences().len(), 2, "{}", ran.out);
    assert!(ran.err.contains("NODE_ENV (words that stand in many texts)"), "{}", ran.err);
}

#[test]
fn a_cache_neither_hides_a_live_value_nor_learns_of_it() {
    let repo = Repo::new();
    let secret = hex128(8)[..20].to_owned();
    repo.write("a.txt", format!("said {secret} once\n"));
    repo.commit("a");
    repo.git(&["repack", "-q", "-a", "-d"]);
    let cache = repo.beside("cache");
    let plain = ["--cache", cache.to_str().unwrap()];
    assert_eq!(repo.scan(&plain).code, 0);
    let env = live(&repo, &format!("A_NAME={secret}\n"));
    for _ in 0..2 {
        assert_eq!(repo.scan(&[&plain[..], &["--known-from", &env]].concat()).code, 1);
        assert_eq!(repo.scan(&plain).code, 0);
    }
}

#[test]
fn what_is_refused_is_named_and_nothing_left_is_an_error() {
    let repo = Repo::new();
    repo.write("a.txt", "production and changeme\n");
    repo.commit("a");
    let env = live(
        &repo,
        "PORT=3000\nMODE=production\nHOST=db.internal\nURL=https://api.company.net/v1\nX=changeme123\n",
    );
    let ran = repo.scan(&["--known-from", &env]);
    assert_eq!(ran.code, 2);
    for part in
        ["PORT (shorter than 8 bytes)", "MODE (words", "HOST (a host", "URL (an address", "X (a placeholder)"]
    {
        assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
    }
    assert!(!ran.err.contains("changeme123") && !ran.err.contains("3000"), "{}", ran.err);
    let missing = repo.scan(&["--known-from", "/no/such.env"]);
    assert!(missing.code == 2 && missing.err.contains("/no/such.env"), "{}", missing.err);
    let unset = repo.scan(&["--known-from", "env:NO_SUCH_NAME"]);
    assert!(unset.code == 2 && unset.err.contains("NO_SUCH_NAME"), "{}", unset.err);
    assert_eq!(repo.scan(&["--known-from", "-", "-"]).code, 2);
    assert_eq!(repo.scan(&["--only-known"]).code, 2);
}

#[test]
fn variables_are_values_in_every_kind_of_scan() {
    let repo = Repo::new();
    let secret = value(5);
    repo.write("old.txt", "fine\n");
    let base = repo.commit("base");
    let run = |args: &[&str]| {
        let mut command = unleak(repo.path(), repo.path());
        let command = command.env("LIVE_TEST_KEY", &secret).env("LIVE_TEST_MODE", "production");
        Ran::of(command.args(["scan", "--format", "json", "--known-from"]).args(args))
    };
    repo.write("new.txt", format!("x {secret}\n"));
    repo.git(&["add", "-A"]);
    assert_eq!(run(&["env:LIVE_TEST_KEY", "--staged"]).places(), ["index new.txt:1"]);
    repo.commit("new");
    let range = format!("{base}..HEAD");
    assert_eq!(run(&["env:LIVE_TEST_*", "--range", &range]).places(), ["history new.txt:1"]);
    assert_eq!(run(&["env:LIVE_TEST_KEY", "--no-git", "."]).places(), ["worktree new.txt:1"]);
    let mut command = unleak(repo.path(), repo.path());
    command.env("LIVE_TEST_KEY", &secret).args([
        "scan",
        "--format",
        "json",
        "--known-from",
        "env:LIVE_TEST_KEY",
        "-",
    ]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "one\ntwo {secret}").unwrap();
    assert_eq!(Ran::from(child.wait_with_output().unwrap()).places(), ["stdin -:2"]);
}

/// Over many versions, deltas and all, each blob is told that a plain search finds the value in.
#[test]
fn agrees_with_a_plain_search_of_all_blobs() {
    let repo = Repo::new();
    let secrets = [value(6), format!("q{}", &hex128(7)[..11])];
    let lines: Vec<String> =
        (0..400).map(|number| format!("{number} {}", &hex128(number + 100)[..40])).collect();
    for version in 0..24_usize {
        let mut text = lines.clone();
        text.rotate_left(version * 7 % 60);
        text[version * 13 % 400] = format!("{}{}", &secrets[version % 2], version % 3);
        if version % 5 == 0 {
            text[200] = format!("and {} again {}", secrets[0], secrets[0]);
        }
        repo.write(&format!("file-{}.txt", version % 4), text.join("\n"));
        repo.commit("version");
    }
    repo.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=20"]);
    let mut expected = BTreeSet::new();
    for line in repo.git(&["cat-file", "--batch-all-objects", "--batch-check"]).lines() {
        if let [id, "blob", _] = line.split(' ').collect::<Vec<_>>()[..] {
            let text = repo.git_bytes(&["cat-file", "blob", id]);
            for (number, secret) in secrets.iter().enumerate() {
                let count = String::from_utf8_lossy(&text).matches(secret.as_str()).count();
                if count > 0 {
                    expected.insert((number, id.to_owned(), count));
                }
            }
        }
    }
    // The detector on each blob, and the engine's own count of versions.
    let named =
        secrets.iter().enumerate().map(|(number, secret)| (number.to_string(), secret.clone().into()));
    let detector = Detector::with_known(vec![], Known::new(named)).unwrap();
    let mut found = BTreeSet::new();
    for (_, id, _) in &expected {
        let text = repo.git_bytes(&["cat-file", "blob", id]);
        let matches = detector.scan(&text).unwrap();
        for (number, secret) in secrets.iter().enumerate() {
            let count = matches.iter().filter(|found| found.value(&text) == secret.as_bytes()).count();
            if count > 0 {
                found.insert((number, id.clone(), count));
            }
        }
    }
    assert_eq!(found, expected);
    let env = live(&repo, &format!("SECOND={}\n", secrets[1]));
    let ran = repo.scan(&["--format", "json", "--only-known", "--known-from", &env]);
    let versions: u64 = {
        let mut paths = BTreeSet::new();
        let places = ran.occurrences();
        let history = places.iter().filter(|place| place["where"] == "history");
        history.for_each(|place| {
            paths.insert((place["path"].to_string(), place["versions"].as_u64().unwrap()));
        });
        paths.iter().map(|(_, versions)| versions).sum()
    };
    let blobs = expected.iter().filter(|(number, ..)| *number == 1).count();
    assert_eq!(versions, blobs as u64, "{}", ran.out);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any value in any encoding between any texts is found, as that value and nothing else.
    #[test]
    fn any_value_in_any_encoding_is_found(
        secret in "[ -~]{24,90}".prop_filter("a value has no spaces around it", |value| value.trim() == value),
        before in "[ -~]{0,40}",
        after in "( [ -~]{0,40})?",
        choice in any::<prop::sample::Index>(),
    ) {
        let forms = forms(&secret);
        let (encoding, text) = &forms[choice.index(forms.len())];
        // Where a line was broken, a value's own blanks cannot be told from the text's.
        prop_assume!(*encoding != "wrapped" || !secret.contains(' '));
        let text = [before.as_bytes(), b"\n", text, after.as_bytes()].concat();
        let known = Known::new([("NAME".to_owned(), Secret::from(secret.clone()))]);
        let found = Detector::with_known(vec![], known).unwrap().scan(&text).unwrap();
        prop_assert!(!found.is_empty(), "{encoding} of {secret:?} in {:?}", String::from_utf8_lossy(&text));
        prop_assert!(found.iter().all(|found| found.value(&text) == secret.as_bytes()));
    }

    /// Nothing is found where the value is not.
    #[test]
    fn what_is_like_a_value_is_none(secret in "[0-9a-zA-Z]{12,40}", at in any::<prop::sample::Index>(), choice in any::<prop::sample::Index>()) {
        let mut other = secret.clone().into_bytes();
        let at = at.index(other.len());
        other[at] = if other[at] == b'x' { b'y' } else { b'x' };
        let forms = forms(std::str::from_utf8(&other).unwrap());
        let known = Known::new([("NAME".to_owned(), Secret::from(secret))]);
        let found = Detector::with_known(vec![], known).unwrap().scan(&forms[choice.index(forms.len())].1).unwrap();
        let is_cut = |encoding: &str| encoding.split('+').any(|name| name == "prefix");
        prop_assert!(found.iter().all(|found| found.decoded.as_ref().is_some_and(|decoded| is_cut(&decoded.encoding))));
    }
}
