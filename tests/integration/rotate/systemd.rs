//! The target `systemd-creds:`: with systemd's own program where it is installed, as Debian's package brings it.

use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

struct Machine {
    dir: tempfile::TempDir,
    path: String,
}

impl Machine {
    /// With the real program, or without where it cannot make a key of this machine: then one that keeps its rules stands in,
    /// which are that the name is bound to the content and that nothing is an argument.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut path = "/usr/bin:/bin".to_owned();
        let try_it = Command::new("sh")
            .args([
                "-c",
                "printf x | systemd-creds encrypt --name=a -- - - | systemd-creds decrypt --name=a -- - -",
            ])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        if try_it.stdout != b"x" {
            let bin = dir.path().join("bin");
            std::fs::create_dir(&bin).unwrap();
            let script = "#!/bin/sh\nverb=$1 name=${2#--name=}\ncase $verb in\nencrypt) { printf '%s\\n' \"$name\"; cat; } | base64;;\n\
                decrypt) base64 -d 2>/dev/null | { read -r is; test \"$is\" = \"$name\" || { echo refusing >&2; exit 1; }; cat; };;\nesac\n";
            put(&bin.join("systemd-creds"), script.as_bytes());
            std::fs::set_permissions(bin.join("systemd-creds"), std::fs::Permissions::from_mode(0o755))
                .unwrap();
            path = format!("{}:{path}", bin.display());
        }
        Self { dir, path }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn creds(&self, verb: &str, name: &str, input: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut child = Command::new("systemd-creds")
            .args([verb, &format!("--name={name}"), "--", "-", "-"])
            .env("PATH", &self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    }

    fn encrypted(&self, file: &Path, name: &str, value: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        put(file, &self.creds("encrypt", name, value.as_bytes()));
    }

    fn rotate(&self, target: &str, more: &[&str]) -> Output {
        let mut command = unleak(&self.path("state"));
        command.env("PATH", &self.path).current_dir(self.dir.path());
        command
            .args(["rotate", "--yes", &format!("--target=systemd-creds:{target}")])
            .args(more)
            .output()
            .unwrap()
    }
}

#[test]
fn an_encrypted_credential_gets_the_new_value_and_keeps_its_name() {
    let machine = Machine::new();
    for (file, name, target) in [
        ("session.cred", "session", "session.cred"),
        ("credstore.encrypted/session", "session", "credstore.encrypted/session"),
        ("other.cred", "session", "other.cred#session"),
    ] {
        let file = machine.path(file);
        machine.encrypted(&file, name, &hex_value());
        let output = machine.rotate(target, &[]);
        ends(&output, 0);
        let new = machine.creds("decrypt", name, &std::fs::read(&file).unwrap());
        assert_eq!(new.len(), 128, "{target}");
        let new = String::from_utf8(new).unwrap();
        assert!(new != hex_value());
        nothing_leaks_in(&machine.path("state"), &output, &[&hex_value(), &new]);
    }
}

#[test]
fn a_plain_credential_that_only_its_owner_may_read_stays_so() {
    let machine = Machine::new();
    let file = machine.path("session");
    put(&file, hex_value().as_bytes());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o400)).unwrap();
    ends(&machine.rotate("session", &[]), 0);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
    let new = std::fs::read_to_string(&file).unwrap();
    assert!(new.len() == 128 && new != hex_value());
}

#[test]
fn a_failure_or_an_abort_brings_the_old_file_back_byte_for_byte() {
    let machine = Machine::new();
    let file = machine.path("session.cred");
    machine.encrypted(&file, "session", &hex_value());
    let before = std::fs::read(&file).unwrap();
    ends(
        &machine.rotate(
            "session.cred",
            &["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"],
        ),
        4,
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);
    for point in ["write.1:before", "write.1:after", "write:after"] {
        let killed = machine
            .rotate("session.cred", &["--incident-id=INC-20260101-001", &format!("--fault={point}:kill")]);
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
        let mut abort = unleak(&machine.path("state"));
        abort.env("PATH", &machine.path).args(["rotate", "--abort", "INC-20260101-001", "--yes"]);
        ends(&abort.output().unwrap(), 0);
        assert_eq!(std::fs::read(&file).unwrap(), before, "{point}");
        std::fs::remove_dir_all(machine.path("state")).unwrap();
    }
}

#[test]
fn what_cannot_be_opened_or_made_is_refused() {
    let mut machine = Machine::new();
    let file = machine.path("session.cred");
    machine.encrypted(&file, "another", &hex_value());
    let output = machine.rotate("session.cred", &[]);
    ends(&output, 2);
    assert!(stderr(&output).contains("`systemd-creds decrypt`"), "{}", stderr(&output));
    let missing = machine.rotate("missing.cred", &[]);
    ends(&missing, 2);
    assert!(stderr(&missing).contains("there is no such file"), "{}", stderr(&missing));
    machine.path = "/nowhere".to_owned();
    let without = machine.rotate("session.cred", &[]);
    ends(&without, 2);
    assert!(
        stderr(&without).contains("`systemd-creds`, which encrypts such credentials, cannot be started"),
        "{}",
        stderr(&without)
    );
}
