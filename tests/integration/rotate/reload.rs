//! The kinds of `--reload`: signals to real processes, services by the programs that manage them, a cluster's rollout.
//!
//! No systemd and no Docker run where these tests do: programs of their names stand in for them and keep their
//! arguments. That shows what is asked of them, and nothing of what they do with it.

use super::fake::{Fake, Request};
use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

struct Place {
    dir: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        put(&dir.path().join("env"), format!("KEY={}\n", hex_value()).as_bytes());
        Self { dir, env: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn is_old(&self) -> bool {
        self.text("env") == format!("KEY={}\n", hex_value())
    }

    fn rotate(&self, more: &[&str]) -> Output {
        let mut command = unleak(&self.path("state"));
        command.envs(self.env.iter().cloned()).current_dir(self.dir.path());
        command.args(["rotate", "--yes", "--target=env:env#KEY"]).args(more).output().unwrap()
    }

    fn resume(&self) -> Output {
        let folder = std::fs::read_dir(self.path("state/incidents")).unwrap().next().unwrap().unwrap();
        let mut command = unleak(&self.path("state"));
        command.envs(self.env.iter().cloned());
        command.args(["rotate", "--resume"]).arg(folder.file_name()).output().unwrap()
    }

    /// A program in PATH that keeps its arguments in the file `asked`.
    fn stands_in(&mut self, name: &str, answer: &str) {
        let bin = self.path("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let asked = self.path("asked");
        let text = format!("#!/bin/sh\necho \"$0 $*\" | sed 's,.*/,,' >>'{}'\n{answer}\n", asked.display());
        put(&bin.join(name), text.as_bytes());
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        self.env = vec![("PATH", format!("{}:/usr/bin:/bin", bin.display()))];
    }
}

/// A process that is ended with the test.
struct Process(Child);

impl Process {
    /// Starts it, and waits for the file in which it writes its number.
    fn start(place: &Place, script: &str) -> Self {
        let script = format!("{script}\necho $$ >pid\nwhile :; do sleep 0.02; done");
        let child = Command::new("sh").args(["-c", &script]).current_dir(place.dir.path()).spawn().unwrap();
        until(|| !place.text("pid").is_empty());
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "it never came");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_process_reads_its_file_again_when_it_gets_the_signal() {
    let place = Place::new();
    let process = Process::start(&place, "trap 'cp env seen' USR1");
    let number = format!("--reload=signal:SIGUSR1:{}", process.0.id());
    for reload in ["--reload=signal:USR1:@pid", &number] {
        let output = place.rotate(&[reload]);
        ends(&output, 0);
        assert!(stderr(&output).contains("send USR1 to the process"), "{}", stderr(&output));
        assert!(!place.is_old());
        until(|| place.text("seen") == place.text("env"));
    }
}

#[test]
fn every_replica_gets_its_signal_and_one_that_it_kills_is_noticed() {
    let (place, other) = (Place::new(), Place::new());
    let _first = Process::start(&place, "trap 'cp env seen' USR2");
    let _second = Process::start(&other, "");
    let second = format!("--reload=signal:USR2:@{}", other.path("pid").display());
    let output = place.rotate(&["--reload=signal:USR2:@pid", &second, "--restore-leaked"]);
    ends(&output, 5);
    assert!(stderr(&output).contains("was ended by USR2"), "{}", stderr(&output));
    assert!(place.is_old());
    // The undo told the first one too, although the second is gone.
    until(|| place.text("seen") == place.text("env"));
}

#[test]
fn a_signal_that_ends_a_process_is_waited_for() {
    let place = Place::new();
    let _process = Process::start(&place, "");
    let output = place.rotate(&["--reload=signal:TERM:@pid"]);
    ends(&output, 0);
    assert!(stderr(&output).contains("ended after TERM"), "{}", stderr(&output));

    let place = Place::new();
    let _process = Process::start(&place, "trap '' TERM");
    let output = place.rotate(&["--reload=signal:TERM:@pid", "--reload-timeout=1"]);
    ends(&output, 5);
    assert!(stderr(&output).contains("still runs 1 s after TERM"), "{}", stderr(&output));
}

#[test]
fn what_could_not_be_reloaded_is_refused_before_anything_changes() {
    let mut place = Place::new();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    put(&place.path("nonsense"), b"web\n");
    let dead = format!("--reload=signal:HUP:{}", gone.id());
    for (reload, says) in [
        (&*dead, "no process"),
        ("--reload=signal:HUP:@nonsense", "does not begin with the number of a process"),
        ("--reload=signal:HUP:@missing", "cannot read"),
        ("--reload=signal:KILL:77", "the signals are HUP"),
    ] {
        let output = place.rotate(&[reload]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
    }
    let answer = "case $* in *missing*) echo not-found;; *) exit 1;; esac";
    place.stands_in("systemctl", answer);
    place.stands_in("docker", "case $* in *stopped*) echo false;; *) exit 1;; esac");
    for (reload, says) in [
        ("--reload=systemd:missing.service", "there is no such unit"),
        ("--reload=systemd:web", "systemd does not answer"),
        ("--reload=docker:stopped", "it is not running"),
        ("--reload=docker:web", "Docker does not know it"),
    ] {
        let output = place.rotate(&[reload]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
    }
    place.env = vec![("PATH", "/nowhere".to_owned())];
    let output = place.rotate(&["--reload=docker:web"]);
    ends(&output, 2);
    assert!(stderr(&output).contains("`docker` cannot be started"), "{}", stderr(&output));
    assert!(place.is_old() && !place.path("state").exists());
}

#[test]
fn a_unit_and_a_container_are_restarted_by_their_managers() {
    let mut place = Place::new();
    place.stands_in("systemctl", "case $* in *show*) echo loaded;; esac");
    place.stands_in("docker", "case $* in *inspect*) echo true;; *) echo web;; esac");
    let reloads = ["--reload=systemd:app@1.service", "--reload=systemd-user:worker", "--reload=docker:web"];
    let output = place.rotate(&reloads);
    ends(&output, 0);
    assert!(stderr(&output).contains("does not change its environment"), "{}", stderr(&output));
    let asked = place.text("asked");
    assert_eq!(
        asked.lines().collect::<Vec<_>>(),
        [
            "systemctl --no-ask-password show --property=LoadState --value -- app@1.service",
            "systemctl --user --no-ask-password show --property=LoadState --value -- worker",
            "docker container inspect --format {{.State.Running}} -- web",
            "systemctl --no-ask-password restart -- app@1.service",
            "systemctl --user --no-ask-password restart -- worker",
            "docker restart -- web",
        ]
    );
}

#[test]
fn a_manager_that_fails_is_asked_again_for_the_old_value() {
    let mut place = Place::new();
    let answer =
        "case $* in *show*) echo loaded;; *) test -e once || { touch once; cat env >&2; exit 4; };; esac";
    place.stands_in("systemctl", answer);
    let output = place.rotate(&["--reload=systemd:app", "--restore-leaked"]);
    ends(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("the systemd unit app ended with 4") && said.contains("[REDACTED]"), "{said}");
    assert!(place.is_old());
    nothing_leaks_in(&place.path("state"), &output, &[&hex_value()]);
}

#[test]
fn a_rotation_that_is_killed_between_two_reloads_does_both_again() {
    for point in ["reload.1:before", "reload.1:after", "reload.2:before", "reload.2:after"] {
        let mut place = Place::new();
        place.stands_in("docker", "case $* in *inspect*) echo true;; esac");
        let killed =
            place.rotate(&["--reload=docker:one", "--reload=docker:two", &format!("--fault={point}:kill")]);
        assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
        std::fs::remove_file(place.path("asked")).unwrap();
        ends(&place.resume(), 0);
        assert_eq!(place.text("asked"), "docker restart -- one\ndocker restart -- two\n", "{point}");
        assert!(!place.is_old());
    }
}

/// A deployment of three pods; after a change each answer shows one more new pod.
struct Cluster {
    readonly: bool,
    generation: i64,
    new: i64,
    stuck: bool,
    paused: bool,
}

fn handle(cluster: &mut Cluster, request: &Request) -> (u16, Value) {
    if request.authorization != "Bearer a-token-of-the-cluster" {
        return (401, json!({"kind": "Status", "code": 401}));
    }
    let (line, tried) = match request.line.strip_suffix("?dryRun=All") {
        Some(line) => (line, true),
        None => (request.line.as_str(), false),
    };
    match line {
        "PATCH /apis/apps/v1/namespaces/prod/deployments/web" if cluster.readonly => {
            return (403, json!({"kind": "Status", "code": 403}));
        }
        "PATCH /apis/apps/v1/namespaces/prod/deployments/web" if tried => {}
        "PATCH /apis/apps/v1/namespaces/prod/deployments/web" => {
            assert_eq!(request.kind, "application/merge-patch+json");
            let notes = &request.body["spec"]["template"]["metadata"]["annotations"];
            let at: jiff::Timestamp =
                notes["kubectl.kubernetes.io/restartedAt"].as_str().unwrap().parse().unwrap();
            assert!(at > jiff::Timestamp::UNIX_EPOCH);
            (cluster.generation, cluster.new) = (cluster.generation + 1, -1);
        }
        "GET /apis/apps/v1/namespaces/prod/deployments/web" if cluster.new < 3 && !cluster.stuck => {
            cluster.new += 1;
        }
        "GET /apis/apps/v1/namespaces/prod/deployments/web" => cluster.new = cluster.new.max(0),
        _ => return (404, json!({"kind": "Status", "code": 404})),
    }
    // The controller sees a change only a moment later; until then the status is that of the old pods.
    let seen = if cluster.new < 0 { cluster.generation - 1 } else { cluster.generation };
    let new = if cluster.new < 0 { 3 } else { cluster.new };
    let reason = if cluster.stuck { "ProgressDeadlineExceeded" } else { "ReplicaSetUpdated" };
    let object = json!({
        "metadata": {"name": "web", "generation": cluster.generation},
        "spec": {"replicas": 3, "paused": cluster.paused},
        "status": {"observedGeneration": seen, "replicas": 3, "updatedReplicas": new, "availableReplicas": 3,
            "conditions": [{"type": "Progressing", "reason": reason}]},
    });
    (200, object)
}

fn cluster(stuck: bool, paused: bool) -> (Fake<Cluster>, Place) {
    let fake = Fake::new(Cluster { readonly: false, generation: 4, new: 3, stuck, paused }, handle);
    let mut place = Place::new();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- name: here\n  context: {{cluster: c, user: u}}\n\
         clusters:\n- name: c\n  cluster: {{server: '{}'}}\nusers:\n- name: u\n  user: {{token: a-token-of-the-cluster}}\n",
        fake.url
    );
    put(&place.path("kubeconfig"), config.as_bytes());
    place.env.push(("KUBECONFIG", place.path("kubeconfig").display().to_string()));
    (fake, place)
}

#[test]
fn every_pod_is_replaced_and_waited_for() {
    let (fake, place) = cluster(false, false);
    let output = place.rotate(&["--reload=kubernetes:prod/deployment/web"]);
    ends(&output, 0);
    assert!(stderr(&output).contains("3 new pods"), "{}", stderr(&output));
    let state = fake.state.lock().unwrap();
    assert_eq!((state.generation, state.new), (5, 3));
    nothing_leaks_in(&place.path("state"), &output, &[&hex_value(), "a-token-of-the-cluster"]);
}

#[test]
fn a_rollout_that_cannot_end_is_refused_or_undone() {
    let (_fake, place) = cluster(false, true);
    for (reload, says) in [
        ("--reload=kubernetes:prod/deployment/web", "its rollout is paused"),
        ("--reload=kubernetes:prod/deployment/other", "none of that name (404)"),
        ("--reload=kubernetes:prod/pod/web", "deployment, statefulset and daemonset"),
    ] {
        let output = place.rotate(&[reload]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
    }
    assert!(place.is_old());
    let (fake, place) = cluster(false, false);
    fake.state.lock().unwrap().readonly = true;
    let output = place.rotate(&["--reload=kubernetes:prod/deployment/web"]);
    ends(&output, 2);
    assert!(stderr(&output).contains("does not allow it (403)"), "{}", stderr(&output));
    assert!(place.is_old());
    let (fake, place) = cluster(true, false);
    let slow = ["--reload=kubernetes:prod/deployment/web", "--reload-timeout=3", "--restore-leaked"];
    let output = place.rotate(&slow);
    ends(&output, 5);
    assert!(place.is_old() && stderr(&output).contains("makes no progress"), "{}", stderr(&output));
    assert_eq!(fake.state.lock().unwrap().generation, 6, "the undo rolls out too");
}
