//! The systemd unit that is printed: systemd finds nothing wrong with it, it is as closed as its text says, and it forbids
//! nothing that the server does.

use super::world::{World, put};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

fn analyze(args: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = Command::new("systemd-analyze").args(args).output().unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// The text of the unit, and a file with it that starts this program.
fn unit(world: &World) -> (String, String) {
    let text = String::from_utf8(world.output(&["serve", "--example", "systemd"]).stdout).unwrap();
    let installed = "ExecStart=/usr/local/bin/unleak ";
    assert!(text.contains(installed), "{text}");
    let path = world.dir.path().join("unleak.service");
    put(&path, &text.replace(installed, &format!("ExecStart={} ", env!("CARGO_BIN_EXE_unleak"))));
    (text, path.to_str().unwrap().to_owned())
}

#[test]
fn systemd_takes_the_unit_and_finds_it_as_closed_as_it_says() {
    let world = World::sqlite();
    let (text, path) = unit(&world);
    let (taken, said) = analyze(&["verify", "--man=no", &path]);
    assert!(taken && !said.contains("unleak"), "{said}");
    for (line, told, threshold) in
        [("", "gives 1.1 of 10", "11"), ("IPAddress", "0.9 with the two lines", "9")]
    {
        assert!(text.contains(told), "{text}");
        put(path.as_ref(), &text.replace(&format!("# {line}"), line));
        let (closed, said) =
            analyze(&["security", "--offline=yes", "--no-pager", &format!("--threshold={threshold}"), &path]);
        assert!(closed, "{said}");
    }
}

/// The system calls behind a name of systemd's.
fn calls(set: &str) -> BTreeSet<String> {
    let (known, said) = analyze(&["syscall-filter", "--no-pager", set]);
    assert!(known, "{said}");
    let names = said.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    names
        .flat_map(|name| if name.starts_with('@') { calls(name) } else { [name.to_owned()].into() })
        .collect()
}

#[test]
fn the_unit_allows_every_system_call_of_a_server_that_is_used() {
    let world = World::sqlite();
    let (text, _) = unit(&world);
    let lines = || text.lines().filter_map(|line| line.strip_prefix("SystemCallFilter="));
    let mut allowed: BTreeSet<String> = { lines() }
        .filter(|line| !line.starts_with('~'))
        .flat_map(|line| line.split(' ').flat_map(calls).collect::<Vec<_>>())
        .collect();
    for taken in lines().filter_map(|line| line.strip_prefix('~')).flat_map(|line| line.split(' ')) {
        allowed = &allowed - &calls(taken);
    }
    let token = world.token("ops", "write");
    let file = world.dir.path().join("trace");
    let mut server = world.serve_by(&["strace", "-D", "-f", "-q", "-o", file.to_str().unwrap()]);
    for path in ["/admin/sessions", "/admin/check", "/metrics", "/admin/incidents", "/admin/audit"] {
        assert_eq!(server.get(&token, path).0, 200, "{path}");
    }
    let purge = serde_json::json!({"action": "purge"});
    assert_eq!(server.ask("POST", &token, "/admin/sessions", Some(&purge)).0, 200);
    assert!(server.stop().success());
    let trace = whole(&file, "+++ exited with 0 +++");
    let called: BTreeSet<String> = trace.lines().filter_map(call).collect();
    assert!(called.len() > 20 && called.contains("accept4"), "{called:?}");
    // systemd starts the program before the filter holds; and root alone gives files to others, as SQLite does with its own.
    let elsewhere = ["execve", "fchown"];
    let refused: Vec<_> = called.difference(&allowed).filter(|name| !elsewhere.contains(&&***name)).collect();
    assert!(refused.is_empty(), "the unit forbids {refused:?}");
    let writable = trace.lines().find(|line| line.contains("PROT_WRITE|PROT_EXEC"));
    assert_eq!(writable, None, "MemoryDenyWriteExecute= forbids this");
    let families = { trace.lines() }.filter_map(|line| line.split_once(" socket(")?.1.split(',').next());
    for family in families {
        assert!(["AF_INET", "AF_INET6", "AF_UNIX"].contains(&family), "{family}");
    }
}

/// A file that somebody else still writes to, once the last line is there.
fn whole(file: &Path, last: &str) -> String {
    for _ in 0..600 {
        let text = std::fs::read_to_string(file).unwrap();
        if text.trim_end().ends_with(last) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} has no end", file.display());
}

/// The system call of a line of strace's: `123 name(…`.
fn call(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(' ')?;
    let name = rest.trim_start().split('(').next()?;
    let fits =
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
    fits.then(|| name.to_owned())
}
