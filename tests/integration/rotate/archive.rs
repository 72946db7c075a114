//! `unleak incident`: what is listed, shown and verified, and that no changed byte is overlooked.

use super::world::unleak;
use super::{World, ends, hex_value, put, stderr, with};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::str::FromStr as _;

fn incident(state: &Path, args: &[&str]) -> Output {
    unleak(state).arg("incident").args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn incidents_are_listed_shown_and_verified() {
    let world = World::new(&hex_value());
    let state = world.path("state");
    let none = incident(&state, &["list"]);
    ends(&none, 0);
    assert!(said(&none).is_empty() && stderr(&none).contains("no incidents"));
    ends(&world.run(&world.all()), 0);
    let id = world.id();
    let list = incident(&state, &["list"]);
    ends(&list, 0);
    assert!(
        said(&list).starts_with(&format!("{id}  ")) && said(&list).contains("#SESSION_SECRET"),
        "{}",
        said(&list)
    );
    for (form, start) in [
        ("markdown", format!("# Incident {id}")),
        ("json", "{".to_owned()),
        ("html", "<!doctype html>".to_owned()),
    ] {
        let show = incident(&state, &["show", &id, "--form", form]);
        ends(&show, 0);
        assert!(said(&show).starts_with(&start), "{}", said(&show));
    }
    a_pdf_says_the_same(&world, &id);
    let verify = incident(&state, &["verify", &id]);
    ends(&verify, 0);
    assert_eq!(said(&verify).matches("verified").count(), said(&verify).lines().count(), "{}", said(&verify));
    let unknown = incident(&state, &["verify", "INC-20000101-001"]);
    ends(&unknown, 2);
    assert!(stderr(&unknown).contains("no incident") && stderr(&unknown).contains("hint"));
}

/// The PDF, read by our own reader of documents, and by nobody who wants to print it on a terminal.
fn a_pdf_says_the_same(world: &World, id: &str) {
    let (state, file) = (world.path("state"), world.path("report.pdf"));
    let refused = incident(&state, &["report", id, "--format=pdf"]);
    ends(&refused, 2);
    assert!(refused.stdout.is_empty() && stderr(&refused).contains("--output"));
    ends(&incident(&state, &["report", id, "--format=pdf", "--output", file.to_str().unwrap()]), 0);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(bytes, std::fs::read(world.incident().join("report.pdf")).unwrap());
    let report = std::fs::read(world.incident().join("report.json")).unwrap();
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&report));
    let text = String::from_utf8_lossy(&bytes);
    for says in [&*hash, &format!("Incident {id}"), "Page 1 of ", "Residual risks", "verified", "(Timeline)"]
    {
        assert!(text.contains(says) || says == "(Timeline)", "{says}");
    }
    assert!(!text.contains(&world.old) && !text.contains(&world.value()));
    let md = incident(&state, &["report", id, "--format=md"]);
    assert!(said(&md).starts_with(&format!("# Incident {id}")));
}

#[test]
fn an_unfinished_rotation_is_listed_with_what_to_do() {
    let world = World::new(&hex_value());
    let killed = world.run(&with(world.all(), &["--fault=reload:before:kill"]));
    assert_eq!(killed.status.code(), None);
    let list = incident(&world.path("state"), &["list"]);
    assert!(said(&list).contains("stopped by a crash (resume or abort it)"), "{}", said(&list));
    ends(&incident(&world.path("state"), &["verify", &world.id()]), 3);
}

/// Every file that is signed or chained, changed at many places, cut and extended.
#[test]
fn every_changed_byte_is_noticed() {
    let world = World::new(&hex_value());
    let state = world.path("state");
    ends(&world.run(&["--yes".to_owned()]), 0);
    let id = world.id();
    let entry = unleak::rotate::IncidentId::from_str(&id).unwrap();
    let whole = |state: &Path| {
        let checks = unleak::rotate::verify(state, &entry, None).unwrap();
        checks.iter().all(|check| check.status == unleak::rotate::Status::Verified)
    };
    assert!(whole(&state));
    for name in [
        "journal.jsonl",
        "report.json",
        "report.md",
        "report.html",
        "report.pdf",
        "report.json.minisig",
        "report.md.minisig",
    ] {
        let path = world.incident().join(name);
        let good = std::fs::read(&path).unwrap();
        let every = (good.len() / 211).max(1);
        for at in (0..good.len()).step_by(every).chain([good.len() - 1]) {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            put(&path, &bytes);
            assert!(!whole(&state), "{name}: byte {at} of {}", good.len());
        }
        let lines: Vec<_> = good.split_inclusive(|&byte| byte == b'\n').collect();
        for bytes in [lines[..lines.len() - 1].concat(), [&good[..], b"\n"].concat(), Vec::new()] {
            put(&path, &bytes);
            assert!(!whole(&state), "{name}: cut or extended");
        }
        put(&path, &good);
    }
    assert!(whole(&state));
    ends(&incident(&state, &["verify", &id]), 0);
}

/// Needs tests/run: another implementation of minisign reads the key and the signatures.
#[test]
#[expect(clippy::disallowed_methods, reason = "tests/run passes the services in")]
fn another_minisign_verifies_the_reports() {
    const CODE: &str = "import sys, minisign; k = minisign.PublicKey.from_file(sys.argv[1]); \
        k.verify_file(sys.argv[2]); print('good')";
    let python = std::env::var("UNLEAK_TEST_PYTHON")
        .expect("UNLEAK_TEST_PYTHON is not set: run this test by tests/run");
    let world = World::new(&hex_value());
    ends(&world.run(&["--yes".to_owned()]), 0);
    let verify = |file: &Path| {
        let mut command = std::process::Command::new(&python);
        command.args(["-c", CODE]).arg(world.path("state/signing.pub")).arg(file).output().unwrap()
    };
    for file in ["report.json", "report.md", "report.html"] {
        let path = world.incident().join(file);
        assert_eq!(said(&verify(&path)).trim(), "good", "{}", stderr(&verify(&path)));
        put(&path, b"changed");
        assert!(!verify(&path).status.success());
    }
}

#[test]
fn a_report_that_was_signed_anew_with_another_key_is_noticed() {
    let (world, other) = (World::new(&hex_value()), World::new(&hex_value()));
    for world in [&world, &other] {
        ends(&world.run(&["--yes".to_owned()]), 0);
    }
    let key: PathBuf = other.path("state/signing.pub");
    let verify =
        incident(&world.path("state"), &["verify", &world.id(), "--public-key", key.to_str().unwrap()]);
    ends(&verify, 6);
    assert!(said(&verify).contains("not what was signed with this key"), "{}", said(&verify));
}
