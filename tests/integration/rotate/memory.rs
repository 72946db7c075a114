//! What a rotation leaves in its memory: read from outside, as a core image would hold it, before and after its end.

use super::world::unleak;
use super::{hex_value, put};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A rotation of the file that waits at this point, after it has said this.
fn waiting(dir: &Path, point: &str, says: &str) -> Held {
    put(&dir.join("env"), format!("# mine\nKEY={}\nOTHER=\"a\"\n", hex_value()).as_bytes());
    let mut command = unleak(&dir.join("state"));
    command.current_dir(dir).args([
        "rotate",
        "--yes",
        "--target=env:env#KEY",
        &format!("--fault={point}:wait"),
    ]);
    let mut child = Held(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(says)), "it never said `{says}`");
    std::thread::sleep(Duration::from_millis(500));
    child
}

/// Everything that the process can write to; `None` where only root may look: the process lets nobody else.
fn image(process: &Held) -> Option<Vec<Vec<u8>>> {
    let id = process.0.id();
    let mut memory = std::fs::File::open(format!("/proc/{id}/mem")).ok()?;
    let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    let mut parts = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")))
    {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).ok()?;
        if memory.read_exact(&mut bytes).is_ok() {
            parts.push(bytes);
        }
    }
    Some(parts).filter(|parts| !parts.is_empty())
}

/// The value and every form of it that a program may have made.
fn forms(value: &str) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        ("as it is".to_owned(), value.as_bytes().to_vec()),
        ("upper case".to_owned(), value.to_uppercase().into_bytes()),
        ("raw".to_owned(), hex::decode(value).unwrap()),
        ("hex".to_owned(), hex::encode(value).into_bytes()),
        ("percent".to_owned(), value.bytes().flat_map(|c| format!("%{c:02X}").into_bytes()).collect()),
        ("UTF-16".to_owned(), value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ];
    for bytes in [value.as_bytes().to_vec(), hex::decode(value).unwrap()] {
        for shift in 0..3 {
            let shifted = [&vec![0; shift], &bytes[..]].concat();
            for text in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                let inner = &text[(shift * 8).div_ceil(6)..shifted.len() * 8 / 6];
                forms.push((format!("base64 at {shift}"), inner.as_bytes().to_vec()));
            }
        }
    }
    forms
}

/// The forms that stand in the image.
fn found(image: &[Vec<u8>], value: &str) -> Vec<String> {
    let is_in = |needle: &[u8]| image.iter().any(|part| memchr::memmem::find(part, needle).is_some());
    forms(value).into_iter().filter(|(_, needle)| is_in(needle)).map(|(name, _)| name).collect()
}

/// Runs the test again as somebody who may look; where nobody may, it fails, since nothing was shown.
fn as_root(test: &str) {
    assert!(!rustix::process::geteuid().is_root(), "not even root can read the memory of the process");
    let me = std::env::current_exe().unwrap();
    let again = Command::new("sudo").args(["-n", "--"]).arg(me).args(["--exact", test]).output();
    let again = again.expect("only root can read the memory: run the tests as root, or with sudo");
    let said = String::from_utf8_lossy(&again.stdout).into_owned() + &String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && said.contains("1 passed"), "as root, by `sudo -n`: {said}");
}

#[test]
fn no_form_of_a_value_is_left_when_its_rotation_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let process = waiting(dir.path(), "write:after", ".. write");
    let Some(during) = image(&process) else {
        drop(process);
        return as_root("rotate::memory::no_form_of_a_value_is_left_when_its_rotation_has_ended");
    };
    assert!(!found(&during, &hex_value()).is_empty(), "this reads nothing of use");
    drop(process);
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let process = waiting(dir.path(), "end:before", "Report:");
    let text = std::fs::read_to_string(dir.path().join("env")).unwrap();
    let new = text.lines().find_map(|line| line.strip_prefix("KEY=")).unwrap();
    let after = image(&process).unwrap();
    let left = [("old", &*hex_value()), ("new", new)].map(|(which, value)| (which, found(&after, value)));
    assert!(left.iter().all(|(_, left)| left.is_empty()), "{left:?}");
}
