//! What a name leads to may change between a crash and its resume: another cluster, engine or process is refused.

use super::fake::{Fake, Request};
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Output};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        put(&dir.path().join("env"), format!("KEY={}\n", hex_value()).as_bytes());
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path("env")).unwrap()
    }

    fn run(&self, env: &[(&str, &str)], args: &[&str]) -> Output {
        let mut command = unleak(&self.path("state"));
        command.envs(env.iter().copied()).current_dir(self.0.path()).arg("rotate").args(args);
        command.output().unwrap()
    }

    /// Killed when the target has the new value.
    fn killed(&self, env: &[(&str, &str)], args: &[&str]) {
        let more = ["--yes", "--incident-id=INC-20260101-001", "--fault=write:after:kill"];
        let killed = self.run(env, &[args, &more].concat());
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
    }

    fn is_refused(&self, env: &[(&str, &str)]) {
        let before = self.text();
        for way in ["--resume", "--abort"] {
            let output = self.run(env, &[way, "INC-20260101-001", "--yes"]);
            ends(&output, 2);
            let said = stderr(&output);
            assert!(said.contains("is another one than when the rotation was planned"), "{said}");
            assert!(said.contains("say with --target or --reload what is meant now"), "{said}");
        }
        assert_eq!(self.text(), before);
    }
}

fn handle(asked: &mut Vec<String>, request: &Request) -> (u16, Value) {
    asked.push(request.line.clone());
    (
        200,
        json!({"metadata": {"name": "web", "generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}}),
    )
}

#[test]
fn another_cluster_is_not_the_one_that_the_rotation_began_with() {
    let place = Place::new();
    let clusters = [Fake::new(Vec::new(), handle), Fake::new(Vec::new(), handle)];
    for (name, fake) in ["one", "other"].iter().zip(&clusters) {
        let config = format!(
            "current-context: c\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\nclusters:\n- name: c\n  cluster: {{server: '{}'}}\nusers:\n- name: u\n  user: {{token: a-token-of-it}}\n",
            fake.url
        );
        put(&place.path(name), config.as_bytes());
    }
    let (one, other) = (place.path("one"), place.path("other"));
    let [one, other] = [&one, &other].map(|path| [("KUBECONFIG", path.to_str().unwrap())]);
    place.killed(&one, &["--target=env:env#KEY", "--reload=kubernetes:prod/deployment/web"]);
    place.is_refused(&other);
    assert!(clusters[1].state.lock().unwrap().is_empty(), "the other cluster was asked");
    ends(&place.run(&one, &["--resume", "INC-20260101-001"]), 0);
    assert!(!place.text().contains(&hex_value()));
}

#[test]
fn another_engine_is_not_the_one_either() {
    let place = Place::new();
    let bin = place.path("bin");
    std::fs::create_dir(&bin).unwrap();
    put(&bin.join("docker"), b"#!/bin/sh\necho true\n");
    Command::new("chmod").arg("+x").arg(bin.join("docker")).status().unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    place.killed(
        &[("PATH", &path), ("DOCKER_HOST", "unix:///a")],
        &["--target=env:env#KEY", "--reload=docker:web"],
    );
    place.is_refused(&[("PATH", &path), ("DOCKER_HOST", "unix:///b")]);
    place.is_refused(&[("PATH", &path), ("DOCKER_CONTEXT", "b")]);
    ends(&place.run(&[("PATH", &path), ("DOCKER_HOST", "unix:///a")], &["--resume", "INC-20260101-001"]), 0);
}

struct Process(Child);

impl Process {
    fn start() -> Self {
        Self(Command::new("sh").args(["-c", "trap : HUP; while :; do sleep 0.05; done"]).spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A number that is given out again means another process; only a system that lets the test choose numbers shows it.
#[cfg(target_os = "linux")]
#[test]
fn a_number_that_was_given_out_again_is_another_process() {
    let place = Place::new();
    let process = Process::start();
    let id = process.0.id();
    place.killed(&[], &["--target=env:env#KEY", &format!("--reload=signal:HUP:{id}")]);
    drop(process);
    let again = (0..200).find_map(|_| {
        put_number(id - 1)?;
        Some(Process::start()).filter(|process| process.0.id() == id)
    });
    let Some(_again) = again else { return };
    place.is_refused(&[]);
    ends(&place.run(&[], &["--resume", "INC-20260101-001", "--yes", "--reload=true"]), 0);
}

/// Tells the kernel which number it gave out last; `None` where that is not allowed.
#[cfg(target_os = "linux")]
fn put_number(last: u32) -> Option<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::options().write(true).open("/proc/sys/kernel/ns_last_pid").ok()?;
    file.write_all(last.to_string().as_bytes()).ok()
}
