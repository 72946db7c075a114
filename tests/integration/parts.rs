//! Credentials of several parts are one finding, and files of one value are read by their names.

use crate::repo::{Ran, Repo};
use crate::tokens::hex128;

/// A key id and a secret key as AWS gives them, and what a random secret key is made of.
fn key_pair() -> (String, String) {
    let letters: String = hex128(3).bytes().map(|byte| char::from(b'A' + byte % 25)).collect();
    let mixed = ["Qz7/", &hex128(4)[..32], "+Kx9"].concat();
    (["AK", "IA", &letters[..15], "7"].concat(), mixed)
}

fn rules(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let findings = json["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_key_and_its_id_are_one_finding_with_both_places() {
    let repo = Repo::new();
    let (id, secret) = key_pair();
    repo.write(
        "aws/credentials",
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    repo.commit("add");
    let ran = repo.scan(&["--format", "json"]);
    assert_eq!(rules(&ran), ["aws-secret-access-key"], "{}", ran.out);
    let lines: Vec<u64> = ran.occurrences().iter().map(|place| place["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn of_two_keys_each_has_its_own_id_and_no_id_is_shown() {
    let repo = Repo::new();
    let (id, secret) = key_pair();
    let other = (id.replace("AKIA", "AKIAZ")[..20].to_owned(), secret.replace("Qz7", "Wx4"));
    let lines = [
        format!("AWS_ACCESS_KEY_ID_A={id}"),
        format!("AWS_SECRET_ACCESS_KEY_A={secret}"),
        format!("AWS_ACCESS_KEY_ID_B={}", other.0),
        format!("AWS_SECRET_ACCESS_KEY_B={}", other.1),
    ];
    repo.write(&format!("backup of {id}.env"), lines.join("\n") + "\n");
    repo.commit("add");
    let ran = repo.scan(&["--format", "json"]);
    let mut places: Vec<Vec<u64>> = Vec::new();
    for finding in ran.json()["findings"].as_array().unwrap() {
        let lines = finding["occurrences"].as_array().unwrap().iter();
        places.push(
            lines
                .filter(|place| place["where"] == "history")
                .map(|place| place["line"].as_u64().unwrap())
                .collect(),
        );
    }
    places.retain(|lines| lines.len() == 2);
    places.sort();
    assert_eq!(places, [[1, 2], [3, 4]], "{}", ran.out);
    assert!(!ran.out.contains(&id), "{}", ran.out);
}

#[test]
fn an_id_without_its_key_is_a_finding_of_its_own() {
    let repo = Repo::new();
    let (id, secret) = key_pair();
    repo.write("one.env", format!("AWS_ACCESS_KEY_ID={id}\n"));
    let far = "# nothing to see\n".repeat(60);
    repo.write("two.env", format!("AWS_ACCESS_KEY_ID={id}\n{far}AWS_SECRET_ACCESS_KEY={secret}\n"));
    repo.commit("add");
    let mut found = rules(&repo.scan(&["--format", "json"]));
    found.sort();
    assert_eq!(found, ["aws-access-key-id", "aws-secret-access-key"]);
}

#[test]
fn a_secret_takes_one_id_and_the_other_id_is_told_itself() {
    let repo = Repo::new();
    let (id, secret) = key_pair();
    let other = id.replace("AKIA", "AKIAZ")[..20].to_owned();
    let lines = [
        format!("AWS_ACCESS_KEY_ID_OLD={other}"),
        "# the new one".to_owned(),
        format!("AWS_ACCESS_KEY_ID={id}"),
        format!("AWS_SECRET_ACCESS_KEY={secret}"),
    ];
    repo.write("shop.env", lines.join("\n") + "\n");
    repo.commit("add");
    let ran = repo.scan(&["--format", "json"]);
    let mut found: Vec<(String, Vec<u64>)> = Vec::new();
    for finding in ran.json()["findings"].as_array().unwrap() {
        let places = finding["occurrences"].as_array().unwrap().iter();
        let lines = places.map(|place| place["line"].as_u64().unwrap()).collect();
        found.push((finding["rule"].as_str().unwrap().to_owned(), lines));
    }
    found.sort();
    let expected =
        [("aws-access-key-id".to_owned(), vec![1]), ("aws-secret-access-key".to_owned(), vec![3, 4])];
    assert_eq!(found, expected, "{}", ran.out);
}

#[test]
fn an_id_that_is_added_later_does_not_make_the_secret_new() {
    let repo = Repo::new();
    let (id, secret) = key_pair();
    repo.write("shop.env", format!("# shop\nAWS_SECRET_ACCESS_KEY={secret}\n"));
    repo.commit("add the key");
    repo.write("shop.env", format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\n"));
    repo.commit("add its id");
    let ran = repo.scan(&["--format", "json"]);
    let lines: Vec<u64> = ran.occurrences().iter().map(|place| place["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 1], "{}", ran.out);
}

#[test]
fn what_a_file_of_one_value_holds_is_explained() {
    let repo = Repo::new();
    repo.write("secrets/db_password.txt", "changeme\n");
    let ran = repo.scan(&["--no-git", "--explain", "--format", "json"]);
    let refused = &ran.json()["explained"]["refused"][0];
    assert_eq!(refused["path"], "secrets/db_password.txt", "{}", ran.out);
    assert_eq!(refused["reason"], "a stand-in for a secret", "{}", ran.out);
}

#[test]
fn every_rule_that_is_a_part_names_rules_that_are() {
    let rules = unleak::rule::builtin();
    for rule in rules.iter().filter(|rule| !rule.part_of.is_empty()) {
        for whole in &rule.part_of {
            let known = rules.iter().find(|other| other.id == *whole);
            assert!(known.is_some_and(|known| known.part_of.is_empty()), "{}: {whole}", rule.id);
        }
    }
}

#[test]
fn a_file_of_one_value_is_told_by_its_name() {
    let repo = Repo::new();
    let password = |number: u64| format!("w8!{}", &hex128(number)[..12]);
    let files = [
        ("secrets/db_password.txt", password(1) + "\n"),
        ("run/secrets/shop", password(2)),
        ("config/master.key", hex128(5)[..32].to_owned()),
        ("api_token", hex128(6)[..40].to_owned() + "\n"),
        ("secrets/windows_password.txt", format!("\u{feff}{}\r\n", password(8))),
    ];
    for (path, content) in &files {
        repo.write(path, content);
    }
    repo.commit("add");
    let ran = repo.scan(&["--format", "json"]);
    let mut paths: Vec<String> = ran
        .occurrences()
        .iter()
        .filter(|place| place["line"] == 1 && place["column"] == 1)
        .map(|place| place["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    let mut expected: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    expected.sort_unstable();
    assert_eq!(paths, expected, "{}", ran.out);
    // What a scan keeps for the next one must not make that one forget.
    assert_eq!(repo.scan(&["--format", "json"]).json()["findings"], ran.json()["findings"]);
    // On disk alone, and what is about to be committed.
    assert_eq!(rules(&repo.scan(&["--no-git", "--format", "json"])).len(), files.len());
    repo.write("secrets/smtp_password", password(7));
    repo.git(&["add", "."]);
    assert_eq!(rules(&repo.scan(&["--staged", "--format", "json"])), ["generic-password"]);
}

#[test]
fn a_file_of_one_value_whose_name_says_nothing_is_none() {
    let repo = Repo::new();
    let value = |number: u64| hex128(number)[..40].to_owned();
    for (number, path) in
        ["VERSION", "data/checksum", "HEAD", ".nvmrc", "secret-sharing.md5", "password_hash"]
            .into_iter()
            .enumerate()
    {
        repo.write(path, value(number as u64));
    }
    repo.write("secrets/name", "orders\n");
    repo.write("secrets/README", "Put the files here.\n");
    repo.write("db_password.txt", "changeme\n");
    repo.commit("add");
    assert_eq!(rules(&repo.scan(&["--format", "json"])), Vec::<String>::new());
}
