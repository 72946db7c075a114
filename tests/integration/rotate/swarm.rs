//! The target `swarm:`: a faithful fake of Docker Engine's documented interface on a Unix socket. As the real one, it shows
//! no secret's content, refuses a change of a service on an old version, and the removal of a secret that is in use.

use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, stderr};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Output;
use std::sync::{Arc, Mutex};

struct Swarm {
    /// Id, name, labels, content.
    secrets: Vec<(String, String, Value, String)>,
    services: Vec<Value>,
    made: usize,
    /// Whether new tasks fail, so that Docker rolls the service back.
    broken: bool,
}

impl Swarm {
    fn service(id: &str, secrets: &[(&str, &str, &str)]) -> Value {
        let list: Vec<_> = secrets
            .iter()
            .map(|(id, name, file)| json!({"SecretID": id, "SecretName": name, "File": {"Name": file, "UID": "0", "GID": "0", "Mode": 292}}))
            .collect();
        json!({"ID": id, "Version": {"Index": 10}, "Spec": {"Name": id, "Labels": {"kept": "yes"}, "Mode": {"Replicated": {"Replicas": 2}},
            "TaskTemplate": {"ContainerSpec": {"Image": "app", "Secrets": list}, "ForceUpdate": 0}}})
    }

    fn uses(&self, id: &str) -> bool {
        let text = |service: &Value| service["Spec"].to_string().contains(&format!("\"SecretID\":\"{id}\""));
        self.services.iter().any(text)
    }

    fn answer(&mut self, line: &str, body: &Value) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["secrets"]) => {
                let list = self.secrets.iter().map(|(id, name, labels, _)| json!({"ID": id, "Version": {"Index": 1}, "Spec": {"Name": name, "Labels": labels}}));
                (200, list.collect())
            }
            ("POST", ["secrets", "create"]) => {
                let name = body["Name"].as_str().unwrap();
                if self.secrets.iter().any(|(_, taken, ..)| taken == name) {
                    return (409, json!({"message": "rpc error: code = AlreadyExists"}));
                }
                let content = STANDARD.decode(body["Data"].as_str().unwrap()).unwrap();
                self.made += 1;
                let id = format!("made{}", self.made);
                self.secrets.push((
                    id.clone(),
                    name.to_owned(),
                    body["Labels"].clone(),
                    String::from_utf8(content).unwrap(),
                ));
                (201, json!({"ID": id}))
            }
            ("DELETE", ["secrets", id]) if self.uses(id) => (400, json!({"message": "secret is in use"})),
            ("DELETE", ["secrets", id]) => {
                let before = self.secrets.len();
                self.secrets.retain(|(other, ..)| other != id);
                (if self.secrets.len() == before { 404 } else { 204 }, Value::Null)
            }
            ("GET", ["services"]) => (200, Value::from(self.services.clone())),
            ("GET", ["services", id]) => match self.services.iter().find(|service| service["ID"] == *id) {
                Some(service) => (200, service.clone()),
                None => (404, json!({"message": "no such service"})),
            },
            ("POST", ["services", id, "update"]) => {
                let broken = self.broken;
                let service = self.services.iter_mut().find(|service| service["ID"] == *id).unwrap();
                if query != format!("version={}", service["Version"]["Index"]) {
                    return (500, json!({"message": "update out of sequence"}));
                }
                service["Version"]["Index"] = json!(service["Version"]["Index"].as_u64().unwrap() + 1);
                if broken {
                    service["UpdateStatus"] =
                        json!({"State": "rollback_completed", "Message": "rollback completed"});
                } else {
                    service["Spec"] = body.clone();
                    service["UpdateStatus"] = json!({"State": "completed", "Message": "update completed"});
                }
                (200, json!({"Warnings": null}))
            }
            ("GET", ["tasks"]) => {
                let mut tasks = Vec::new();
                for service in &self.services {
                    if query.contains(service["ID"].as_str().unwrap()) {
                        let task = json!({"Spec": service["Spec"]["TaskTemplate"], "Status": {"State": "running"}, "DesiredState": "running"});
                        tasks.extend([task.clone(), task]);
                    }
                }
                (200, tasks.into())
            }
            _ => (404, json!({"message": "page not found"})),
        }
    }
}

struct Run {
    dir: tempfile::TempDir,
    swarm: Arc<Mutex<Swarm>>,
}

impl Run {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secret = |id: &str, name: &str, content: &str| {
            (id.to_owned(), name.to_owned(), json!({}), content.to_owned())
        };
        let swarm = Swarm {
            secrets: vec![secret("old1", "app.v3", "the old content"), secret("db", "db", "another")],
            services: vec![
                Swarm::service("web", &[("old1", "app.v3", "session_secret"), ("db", "db", "db")]),
                Swarm::service("worker", &[("old1", "app.v3", "key")]),
                Swarm::service("idle", &[("db", "db", "db")]),
            ],
            made: 0,
            broken: false,
        };
        let swarm = Arc::new(Mutex::new(swarm));
        let (listener, shared) = (UnixListener::bind(dir.path().join("sock")).unwrap(), Arc::clone(&swarm));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &shared);
            }
        });
        Self { dir, swarm }
    }

    fn rotate(&self, more: &[&str]) -> Output {
        let mut command = unleak(&self.dir.path().join("state"));
        command.env("DOCKER_HOST", format!("unix://{}", self.dir.path().join("sock").display()));
        command.arg("rotate").args(more).output().unwrap()
    }

    fn start(&self, more: &[&str]) -> Output {
        self.rotate(&[&["--target=swarm:app", "--yes", "--incident-id=INC-20260101-001"], more].concat())
    }

    /// The secrets that services use, in their order, and all names that there are.
    fn used(&self) -> (Vec<String>, Vec<String>) {
        let swarm = self.swarm.lock().unwrap();
        let pointer = "/Spec/TaskTemplate/ContainerSpec/Secrets";
        let lists =
            swarm.services.iter().flat_map(|service| service.pointer(pointer).unwrap().as_array().unwrap());
        let used = lists.map(|one| {
            format!("{} as {}", one["SecretName"].as_str().unwrap(), one["File"]["Name"].as_str().unwrap())
        });
        (used.collect(), swarm.secrets.iter().map(|(_, name, ..)| name.clone()).collect())
    }
}

fn serve(mut stream: UnixStream, swarm: &Mutex<Swarm>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, value) = swarm.lock().unwrap().answer(first.rsplit_once(' ').unwrap().0, &body);
    let text = if status == 204 { String::new() } else { value.to_string() };
    write!(stream, "HTTP/1.0 {status} x\r\nContent-Length: {}\r\n\r\n{text}", text.len()).unwrap();
}

fn before() -> (Vec<String>, Vec<String>) {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    (names(&["app.v3 as session_secret", "db as db", "app.v3 as key", "db as db"]), names(&["app.v3", "db"]))
}

#[test]
fn every_service_changes_over_and_the_old_secret_goes_last() {
    let run = Run::new();
    let plan = run.rotate(&["--target=swarm:app", "--dry-run"]);
    ends(&plan, 0);
    let said = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(said.contains("swarm:app, now app.v3, in 2 services"), "{said}");
    assert_eq!(run.used(), before());
    let output = run.start(&[]);
    ends(&output, 0);
    let (used, names) = run.used();
    assert_eq!(used, ["app.v2 as session_secret", "db as db", "app.v2 as key", "db as db"]);
    assert_eq!(names, ["db", "app.v2"]);
    let swarm = run.swarm.lock().unwrap();
    let new = swarm.secrets[1].3.clone();
    assert_eq!((new.len(), &swarm.services[0]["Spec"]["Labels"]["kept"]), (128, &json!("yes")));
    assert_eq!(swarm.services[2]["Version"]["Index"], 10, "a service that does not use it was touched");
    nothing_leaks_in(&run.dir.path().join("state"), &output, &[&new]);
}

#[test]
fn whatever_fails_leaves_every_service_with_the_old_secret() {
    let run = Run::new();
    ends(&run.start(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]), 4);
    assert_eq!(run.used(), before());
    let run = Run::new();
    run.swarm.lock().unwrap().broken = true;
    let output = run.start(&[]);
    assert!(
        stderr(&output).contains("could not replace its tasks: rollback completed"),
        "{}",
        stderr(&output)
    );
    assert!(run.used().0 == before().0);
}

#[test]
fn a_killed_change_is_resumed_or_aborted() {
    for point in ["write.1:before", "write.1:after", "write:after"] {
        for way in ["--resume", "--abort"] {
            let run = Run::new();
            let killed = run.start(&[&format!("--fault={point}:kill")]);
            assert_eq!(killed.status.code(), None, "{}", stderr(&killed));
            ends(&run.rotate(&[way, "INC-20260101-001", "--yes"]), 0);
            if way == "--abort" {
                assert_eq!(run.used(), before(), "{point}");
            } else {
                assert_eq!(run.used().1, ["db", "app.v2"], "{point}");
            }
        }
    }
}

#[test]
fn what_no_service_uses_or_no_engine_knows_is_refused() {
    let run = Run::new();
    for (target, says) in [("swarm:nothing", "there is no such secret"), ("swarm:a/b", "hint")] {
        let output = run.rotate(&[&format!("--target={target}"), "--yes"]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let mut far = unleak(&run.dir.path().join("state"));
    far.env("DOCKER_HOST", "tcp://127.0.0.1:2375").args(["rotate", "--target=swarm:app", "--yes"]);
    let output = far.output().unwrap();
    ends(&output, 2);
    assert!(stderr(&output).contains("DOCKER_HOST is no unix:// address"), "{}", stderr(&output));
}
