//! Platforms whose servers no package brings: faithful fakes of what their documentation says.

use super::fake::{Fake, Request};
use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

const TOKEN: &str = "a-token-of-the-platform";

struct Run {
    dir: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
    target: String,
}

impl Run {
    fn new(target: &str, env: Vec<(&'static str, String)>) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), env, target: format!("--target={target}") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn rotate(&self, more: &[&str]) -> Output {
        let mut command = unleak(&self.path("state"));
        command.envs(self.env.iter().cloned()).args(["rotate", &self.target, "--yes"]).args(more);
        command.output().unwrap()
    }

    /// A file that holds the old value too.
    fn file(&self) -> String {
        put(&self.path(".env"), format!("KEY={}\n", hex_value()).as_bytes());
        format!("--target=env:{}#KEY", self.path(".env").display())
    }

    fn file_value(&self) -> String {
        let text = std::fs::read_to_string(self.path(".env")).unwrap();
        text.trim_end().strip_prefix("KEY=").unwrap().to_owned()
    }
}

#[test]
fn an_address_with_a_password_is_refused_and_not_shown() {
    const ADDRESS: &str = "http://user:wsx-7hqkz-password@127.0.0.1:9";
    let credentials = [
        ("VAULT_TOKEN", TOKEN),
        ("GH_TOKEN", TOKEN),
        ("VERCEL_TOKEN", TOKEN),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", TOKEN),
    ];
    let addresses = ["GITHUB_API_URL", "VERCEL_API_URL", "AWS_ENDPOINT_URL"].map(|name| (name, ADDRESS));
    for target in
        [&*format!("vault:{ADDRESS}/secret/app#KEY"), "github:acme/web#KEY", "vercel:web#KEY", "aws-sm:app/x"]
    {
        let env = credentials.into_iter().chain(addresses).map(|(name, value)| (name, value.to_owned()));
        let run = Run::new(target, env.collect());
        let output = run.rotate(&[]);
        ends(&output, 2);
        let said = stderr(&output);
        assert!(said.contains("it must hold no user or password"), "{said}");
        assert!(!said.contains("wsx-7hqkz"), "{said}");
    }
}

#[test]
fn two_keys_of_one_secret_are_refused_before_anything_is_asked() {
    let env = [
        ("VAULT_TOKEN", TOKEN),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", TOKEN),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    for (one, other) in [
        ("vault:http://127.0.0.1:9/secret/app#A", "vault:http://127.0.0.1:9/secret/app#B"),
        ("aws-sm:app/x#A", "aws-sm:app/x#B"),
        ("aws-ssm:/app/x", "aws-ssm:/app/x"),
    ] {
        let env = env.map(|(name, value)| (name, value.to_owned()));
        let output = Run::new(one, env.to_vec()).rotate(&[&format!("--target={other}")]);
        ends(&output, 2);
        assert!(stderr(&output).contains("two targets stand in one secret"), "{}", stderr(&output));
    }
}

mod kubernetes; // a Secret through the API of a cluster

mod github {
    use super::*;

    struct Repository {
        public: String,
        sealed: Vec<String>,
    }

    fn handle(repository: &mut Repository, request: &Request) -> (u16, Value) {
        if request.authorization != format!("Bearer {TOKEN}") {
            return (401, json!({"message": "Bad credentials"}));
        }
        match request.line.as_str() {
            "GET /repos/acme/web/actions/secrets/KEY" => {
                (200, json!({"name": "KEY", "updated_at": "2026-01-01T00:00:00Z"}))
            }
            "GET /repos/acme/web/actions/secrets/public-key" => {
                (200, json!({"key_id": "568", "key": repository.public}))
            }
            "PUT /repos/acme/web/actions/secrets/KEY" => {
                assert_eq!(request.body["key_id"], "568");
                repository.sealed.push(request.body["encrypted_value"].as_str().unwrap().to_owned());
                (204, Value::Null)
            }
            _ => (404, json!({"message": "Not Found"})),
        }
    }

    /// PyNaCl makes the key pair and opens the box: another implementation than the one that sealed it.
    #[expect(clippy::disallowed_methods, reason = "tests/run passes the services in")]
    fn nacl(code: &str, args: &[&str]) -> String {
        let python = std::env::var("UNLEAK_TEST_PYTHON")
            .expect("UNLEAK_TEST_PYTHON is not set: run this test by tests/run");
        let code = format!("import sys, base64 as b; from nacl.public import *; a = sys.argv; {code}");
        let output = std::process::Command::new(python).arg("-c").arg(code).args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn start() -> (Fake<Repository>, Run, String) {
        let pair = nacl(
            "k = PrivateKey.generate(); print(b.b64encode(bytes(k)).decode(), b.b64encode(bytes(k.public_key)).decode())",
            &[],
        );
        let (private, public) = pair.split_once(' ').unwrap();
        let fake = Fake::new(Repository { public: public.to_owned(), sealed: Vec::new() }, handle);
        let env = vec![("GITHUB_API_URL", fake.url.clone()), ("GH_TOKEN", TOKEN.to_owned())];
        (fake, Run::new("github:acme/web#KEY", env), private.to_owned())
    }

    fn opened(fake: &Fake<Repository>, private: &str) -> Vec<String> {
        let code = "print(SealedBox(PrivateKey(b.b64decode(a[1]))).decrypt(b.b64decode(a[2])).decode())";
        fake.state.lock().unwrap().sealed.iter().map(|sealed| nacl(code, &[private, sealed])).collect()
    }

    #[test]
    fn the_sealed_value_is_the_one_that_the_file_got() {
        let (fake, run, private) = start();
        let output = run.rotate(&[&run.file()]);
        ends(&output, 0);
        let new = run.file_value();
        assert_eq!(opened(&fake, &private), std::slice::from_ref(&new));
        assert!(stderr(&output).contains("cannot be read"), "{}", stderr(&output));
        nothing_leaks_in(&run.path("state"), &output, &[&hex_value(), &new, TOKEN]);
    }

    #[test]
    fn it_is_written_last_and_put_back_by_what_another_target_held() {
        let (fake, run, private) = start();
        ends(
            &run.rotate(&[
                &run.file(),
                "--health=http://127.0.0.1:9/",
                "--health-timeout=1",
                "--restore-leaked",
            ]),
            4,
        );
        assert_eq!(run.file_value(), hex_value());
        let values = opened(&fake, &private);
        assert_eq!((values.len(), values[1].clone()), (2, hex_value()));
        // What is written first fails: then nothing was sent there.
        let missing = run.rotate(&["--target=exec:cat >/dev/null; exit 1", "--read-back=echo x"]);
        ends(&missing, 4);
        assert_eq!(opened(&fake, &private).len(), 2);
    }
}

/// What the fake of tests/run does not show: it keeps the key of a parameter whether a change names it or not.
mod parameters {
    use super::*;

    /// A parameter as the service documents it, and the key that it is encrypted with.
    struct Parameter {
        value: String,
        version: u64,
        key: &'static str,
        pages: u64,
    }

    const OURS: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";

    fn handle(parameter: &mut Parameter, request: &Request) -> (u16, Value) {
        let entry = json!({"Name": "/app/session", "Type": "SecureString", "KeyId": parameter.key});
        match request.headers["x-amz-target"].as_str() {
            "AmazonSSM.GetParameter" => {
                let (value, version) = (&parameter.value, parameter.version);
                (200, json!({"Parameter": {"Type": "SecureString", "Value": value, "Version": version}}))
            }
            "AmazonSSM.DescribeParameters" if parameter.pages == 0 => {
                (400, json!({"__type": "com.amazonaws#AccessDeniedException"}))
            }
            "AmazonSSM.DescribeParameters" => {
                assert_eq!(request.body["ParameterFilters"][0]["Values"], json!(["/app/session"]));
                parameter.pages -= 1;
                let last = request.body["NextToken"] == "2";
                (
                    200,
                    if last {
                        json!({"Parameters": [entry]})
                    } else {
                        json!({"Parameters": [], "NextToken": "2"})
                    },
                )
            }
            "AmazonSSM.PutParameter" => {
                request.body["Value"].as_str().unwrap().clone_into(&mut parameter.value);
                parameter.key = if request.body["KeyId"] == OURS { OURS } else { "alias/aws/ssm" };
                parameter.version += 1;
                (200, json!({"Version": parameter.version}))
            }
            other => panic!("{other}"),
        }
    }

    fn start(pages: u64) -> (Fake<Parameter>, Run) {
        let fake = Fake::new(Parameter { value: hex_value(), version: 3, key: OURS, pages }, handle);
        let env = [
            ("AWS_ENDPOINT_URL", &*fake.url),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDOFATEST"),
            ("AWS_SECRET_ACCESS_KEY", "key/of+a-test"),
        ];
        let env = env.map(|(name, value)| (name, value.to_owned())).to_vec();
        (fake, Run::new("aws-ssm:/app/session", env))
    }

    #[test]
    fn it_stays_encrypted_with_the_key_that_it_had_and_so_does_what_is_put_back() {
        let (fake, run) = start(2);
        ends(&run.rotate(&[]), 0);
        let state = fake.state.lock().unwrap();
        assert!(state.value != hex_value() && state.version == 4);
        assert_eq!(state.key, OURS);
        drop(state);
        let (fake, run) = start(2);
        ends(&run.rotate(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]), 4);
        let state = fake.state.lock().unwrap();
        assert_eq!((&state.value, state.version, state.key), (&hex_value(), 5, OURS));
    }

    #[test]
    fn one_whose_key_is_not_shown_is_left_as_it_is() {
        let (fake, run) = start(0);
        let output = run.rotate(&[]);
        ends(&output, 2);
        assert!(stderr(&output).contains("AccessDeniedException"), "{}", stderr(&output));
        assert_eq!(fake.state.lock().unwrap().version, 3);
    }
}

mod vercel {
    use super::*;

    /// Entries of one key: id, type, value.
    type Project = Vec<(&'static str, &'static str, String)>;

    fn handle(project: &mut Project, request: &Request) -> (u16, Value) {
        if request.authorization != format!("Bearer {TOKEN}") {
            return (403, json!({"error": {"code": "forbidden"}}));
        }
        let (line, query) = request.line.split_once('?').unwrap();
        assert_eq!(query, "teamId=team_1");
        if line == "GET /v10/projects/web/env" {
            let mut envs: Vec<_> = project
                .iter()
                .map(|(id, kind, _)| json!({"id": id, "key": "KEY", "type": kind, "value": "ciphertext"}))
                .collect();
            envs.push(json!({"id": "zz", "key": "OTHER", "type": "plain", "value": "x"}));
            // A page of this fake holds three entries of the key.
            let next = if project.len() > 3 { json!(1) } else { Value::Null };
            return (200, json!({"envs": envs, "pagination": {"count": envs.len(), "next": next}}));
        }
        let id = line.rsplit('/').next().unwrap();
        let entry = project.iter_mut().find(|(known, ..)| *known == id).unwrap();
        if line == format!("GET /v1/projects/web/env/{id}") {
            (200, json!({"id": id, "key": "KEY", "value": entry.2}))
        } else {
            assert_eq!(line, format!("PATCH /v9/projects/web/env/{id}"));
            request.body["value"].as_str().unwrap().clone_into(&mut entry.2);
            (200, json!({"id": id}))
        }
    }

    fn start(kinds: &[(&'static str, &'static str)]) -> (Fake<Project>, Run) {
        let project = kinds.iter().map(|(id, kind)| (*id, *kind, hex_value())).collect();
        let fake = Fake::new(project, handle);
        let env = [
            ("VERCEL_API_URL", fake.url.clone()),
            ("VERCEL_TOKEN", TOKEN.to_owned()),
            ("VERCEL_TEAM_ID", "team_1".to_owned()),
        ];
        (fake, Run::new("vercel:web#KEY", env.to_vec()))
    }

    #[test]
    fn every_environment_and_branch_of_the_key_changes() {
        let (fake, run) = start(&[("b", "encrypted"), ("a", "plain")]);
        let output = run.rotate(&[]);
        ends(&output, 0);
        let project = fake.state.lock().unwrap().clone();
        let new = &project[0].2;
        assert!(new.len() == 128 && *new != hex_value() && project[1].2 == *new);
        nothing_leaks_in(&run.path("state"), &output, &[&hex_value(), new, TOKEN]);
    }

    #[test]
    fn an_answer_that_shows_half_or_leads_elsewhere_is_refused_before_anything_changes() {
        for (ids, says) in [
            (&["a", "b", "c", "d"][..], "several pages"),
            (&["a/../../other/env/b"], "an id that is none"),
            (&["a?teamId=other"], "an id that is none"),
        ] {
            let kinds: Vec<_> = ids.iter().map(|&id| (id, "plain")).collect();
            let (fake, run) = start(&kinds);
            let output = run.rotate(&[]);
            ends(&output, 2);
            assert!(stderr(&output).contains(says), "{}", stderr(&output));
            assert!(values(&fake).iter().all(|value| *value == hex_value()));
        }
    }

    fn values(fake: &Fake<Project>) -> Vec<String> {
        fake.state.lock().unwrap().iter().map(|entry| entry.2.clone()).collect()
    }

    #[test]
    fn entries_that_differ_go_back_to_their_own_value_and_what_nobody_could_read_does_not() {
        let (fake, run) = start(&[("a", "encrypted"), ("b", "sensitive"), ("c", "plain")]);
        let other: String = hex_value().chars().rev().collect();
        other.clone_into(&mut fake.state.lock().unwrap()[2].2);
        let output = run.rotate(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]);
        ends(&output, 5);
        let now = values(&fake);
        assert_eq!((&now[0], &now[2]), (&hex_value(), &other));
        assert!(now[1] != now[0] && now[1] != now[2], "it got a value that it never had");
        let said = stderr(&output);
        assert!(said.contains("since the values that can be read differ"), "{said}");
        assert!(said.contains("nobody could read what it held"), "{said}");
    }

    /// `a` comes before `b`, so that what is readable is seen after what is not.
    #[test]
    fn a_readable_entry_is_looked_at_even_where_another_cannot_be_read() {
        let (fake, run) = start(&[("a", "sensitive"), ("b", "encrypted")]);
        assert_eq!(run.rotate(&["--fault=write.1:after:kill"]).status.code(), None);
        "theirs-and-newer".clone_into(&mut fake.state.lock().unwrap()[1].2);
        let folder = std::fs::read_dir(run.path("state/incidents")).unwrap().next().unwrap().unwrap();
        let id = folder.file_name().into_string().unwrap();
        let output = run.rotate(&[&format!("--resume={id}")]);
        ends(&output, 2);
        assert!(stderr(&output).contains("changed by somebody else"), "{}", stderr(&output));
        assert_eq!(values(&fake)[1], "theirs-and-newer");
        // What is changed while the application reloads is noticed when the targets are read again.
        let (fake, run) = start(&[("a", "sensitive"), ("b", "encrypted")]);
        let mark = run.path("reloading");
        let reload =
            format!("--reload=touch '{0}'; while test -e '{0}'; do sleep 0.05; done", mark.display());
        std::thread::scope(|scope| {
            let rotation = scope.spawn(|| run.rotate(&[&reload]));
            while !mark.exists() && !rotation.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            "theirs-and-newer".clone_into(&mut fake.state.lock().unwrap()[1].2);
            std::fs::remove_file(&mark).unwrap();
            ends(&rotation.join().unwrap(), 6);
        });
    }

    #[test]
    fn every_entry_is_put_back_even_one_that_cannot_be_read() {
        let (fake, run) = start(&[("a", "encrypted"), ("b", "sensitive")]);
        ends(
            &run.rotate(&[
                &run.file(),
                "--health=http://127.0.0.1:9/",
                "--health-timeout=1",
                "--restore-leaked",
            ]),
            4,
        );
        assert!(fake.state.lock().unwrap().iter().all(|entry| entry.2 == hex_value()));
        assert_eq!(run.rotate(&[&run.file(), "--fault=write.1:before:kill"]).status.code(), None);
    }
}
