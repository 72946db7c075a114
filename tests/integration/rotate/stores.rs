//! Real stores: OpenBao's server and moto's AWS. Needs tests/run, which starts them.

#![expect(clippy::disallowed_methods, reason = "tests/run passes the services in")]

use super::fake::{Fake, Request};
use super::gate::nothing_leaks_in;
use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this test by tests/run"))
}

/// A rotation in a folder of its own, with the credentials of a store in the environment.
struct Run {
    dir: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
    targets: Vec<String>,
}

impl Run {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = unleak(&self.path("state"));
        command.envs(self.env.iter().cloned()).arg("rotate").args(args);
        command
    }

    fn rotate(&self, more: &[&str]) -> Output {
        let mut args: Vec<_> = self.targets.iter().map(|target| format!("--target={target}")).collect();
        args.push("--yes".to_owned());
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        self.command(&args).output().unwrap()
    }

    fn id(&self) -> String {
        let folder = std::fs::read_dir(self.path("state/incidents")).unwrap().next().unwrap().unwrap();
        folder.file_name().into_string().unwrap()
    }

    fn report(&self) -> Value {
        let path = self.path("state/incidents").join(self.id()).join("report.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[track_caller]
    fn verified(&self) {
        let report = self.report();
        assert_eq!(report["checks"][0]["status"], "verified", "{}", report["checks"]);
    }

    /// For the next rotation.
    fn forget(&self) {
        std::fs::remove_dir_all(self.path("state")).unwrap();
    }
}

/// The real server behind a wire on which somebody else writes right before a request that this picks.
struct Wire {
    server: String,
    picks: fn(&Request) -> bool,
    theirs: Option<Box<dyn FnOnce() + Send>>,
}

impl Wire {
    fn start(server: &str, picks: fn(&Request) -> bool, theirs: impl FnOnce() + Send + 'static) -> String {
        let wire = Self { server: server.to_owned(), picks, theirs: Some(Box::new(theirs)) };
        Fake::new(wire, Self::forward).url
    }

    fn forward(&mut self, request: &Request) -> (u16, Value) {
        if (self.picks)(request)
            && let Some(write) = self.theirs.take()
        {
            write();
        }
        let (method, path) = request.line.split_once(' ').unwrap();
        let mut again = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.server));
        let own = ["host", "content-length", "connection", "accept-encoding"];
        for (name, value) in request.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
            again = again.header(name, value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.run(again.body(request.raw.clone()).unwrap()).unwrap();
        let body = answer.body_mut().read_to_vec().unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }
}

mod vault {
    use super::*;

    /// A secret of its own in the running server.
    struct Kv {
        run: Run,
        url: String,
        token: String,
    }

    impl Kv {
        fn new(name: &str) -> Self {
            let service = service("UNLEAK_TEST_VAULT");
            let (address, token) = service.split_once(' ').unwrap();
            let run = Run {
                dir: tempfile::tempdir().unwrap(),
                env: vec![("VAULT_TOKEN", token.to_owned())],
                targets: vec![format!("vault:{address}/secret/apps/{name}#SESSION_SECRET")],
            };
            let url = format!("{address}/v1/secret/data/apps/{name}");
            let kv = Self { run, url, token: token.to_owned() };
            kv.put(&json!({"SESSION_SECRET": hex_value(), "OTHER": "x", "NUMBER": 7}));
            kv
        }

        fn put(&self, data: &Value) {
            let request = ureq::post(&self.url).header("x-vault-token", &self.token);
            request.send(serde_json::to_vec(&json!({"data": data})).unwrap()).unwrap();
        }

        fn data(&self) -> (Value, u64) {
            let mut answer = ureq::get(&self.url).header("x-vault-token", &self.token).call().unwrap();
            let value: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap();
            (value["data"]["data"].clone(), value["data"]["metadata"]["version"].as_u64().unwrap())
        }
    }

    #[test]
    fn a_key_changes_and_its_neighbours_stay() {
        let kv = Kv::new("neighbours");
        let output = kv.run.rotate(&[]);
        ends(&output, 0);
        let (data, version) = kv.data();
        let new = data["SESSION_SECRET"].as_str().unwrap();
        assert!(new.len() == 128 && new != hex_value() && version == 2);
        assert_eq!((&data["OTHER"], &data["NUMBER"]), (&json!("x"), &json!(7)));
        kv.run.verified();
        assert!(kv.run.report()["residual_risks"].to_string().contains("versions=1"));
        nothing_leaks_in(&kv.run.path("state"), &output, &[&hex_value(), new, &kv.token]);
    }

    #[test]
    fn a_version_that_somebody_wrote_meanwhile_stays() {
        let kv = Kv::new("race");
        let mut child = kv.run.command(&[
            &format!("--target={}", kv.run.targets[0]),
            "--yes",
            "--fault=write.1:before:wait",
        ]);
        let child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let begun = || {
            let folder = std::fs::read_dir(kv.run.path("state/incidents")).ok()?.next()?.ok()?;
            std::fs::read_to_string(folder.path().join("journal.jsonl")).ok()
        };
        while !begun().is_some_and(|journal| journal.contains("\"target\":1")) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        kv.put(&json!({"SESSION_SECRET": "theirs-and-newer"}));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        ends(&output, 4);
        assert!(stderr(&output).contains("changed by somebody else"), "{}", stderr(&output));
        assert_eq!(kv.data(), (json!({"SESSION_SECRET": "theirs-and-newer"}), 2));
    }

    /// Right before our write, after every look at it: what the server's check-and-set is for.
    #[test]
    fn a_version_that_comes_between_our_look_and_our_write_stays() {
        let mut kv = Kv::new("between");
        let target = &mut kv.run.targets[0];
        let (server, path) = target["vault:".len()..].split_once("/secret/").unwrap();
        let (server, path) = (server.to_owned(), path.to_owned());
        let theirs = (kv.url.clone(), kv.token.clone());
        let wire = Wire::start(
            &server,
            |request| request.line.starts_with("POST"),
            move || {
                let body =
                    serde_json::to_vec(&json!({"data": {"SESSION_SECRET": "theirs-and-newer"}})).unwrap();
                ureq::post(&theirs.0).header("x-vault-token", &theirs.1).send(body).unwrap();
            },
        );
        *target = format!("vault:{wire}/secret/{path}");
        let output = kv.run.rotate(&[]);
        ends(&output, 4);
        assert!(stderr(&output).contains("changed by somebody else"), "{}", stderr(&output));
        assert_eq!(kv.data(), (json!({"SESSION_SECRET": "theirs-and-newer"}), 2));
    }

    #[test]
    fn a_failure_or_a_crash_is_taken_back_together_with_a_file() {
        let mut kv = Kv::new("back");
        let env = kv.run.path(".env");
        let text = format!("SESSION_SECRET={}\n", hex_value());
        put(&env, text.as_bytes());
        kv.run.targets.push(format!("env:{}#SESSION_SECRET", env.display()));
        let before = kv.data().0;
        ends(&kv.run.rotate(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]), 4);
        assert_eq!((kv.data().0, std::fs::read_to_string(&env).unwrap()), (before.clone(), text.clone()));
        for point in ["write.1:before", "write.1:after", "write.2:before", "write.2:after", "write:after"] {
            for way in ["--abort", "--resume"] {
                kv.run.forget();
                let killed = kv.run.rotate(&[&format!("--fault={point}:kill")]);
                assert_eq!(killed.status.code(), None, "{point}");
                ends(&kv.run.command(&[way, &kv.run.id(), "--yes"]).output().unwrap(), 0);
                let (data, file) = (kv.data().0, std::fs::read_to_string(&env).unwrap());
                let new = data["SESSION_SECRET"].as_str().unwrap();
                assert_eq!(file, text.replace(&hex_value(), new), "{way} after {point}");
                assert_eq!(new == hex_value(), way == "--abort", "{way} after {point}");
                kv.put(&before);
                put(&env, text.as_bytes());
            }
        }
    }

    #[test]
    fn what_is_missing_is_said_with_the_next_step() {
        let kv = Kv::new("missing");
        let target = |from: &str, to: &str| format!("--target={}", kv.run.targets[0].replace(from, to));
        for (target, says) in [
            (target("#SESSION_SECRET", "#NONE"), "no such key"),
            (target("#SESSION_SECRET", "#NUMBER"), "no string"),
            (target("apps/missing", "apps/nothing"), "no such secret (404)"),
            (target("http://127.0.0.1:", "http://127.0.0.1:1"), "vault:"),
        ] {
            let output = kv.run.command(&[&target, "--yes"]).output().unwrap();
            ends(&output, 2);
            assert!(
                stderr(&output).contains(says) && stderr(&output).contains("hint"),
                "{}",
                stderr(&output)
            );
        }
        let target = target("", "");
        let output = unleak(&kv.run.path("state")).args(["rotate", &target, "--yes"]).output().unwrap();
        ends(&output, 2);
        assert!(stderr(&output).contains("VAULT_TOKEN"), "{}", stderr(&output));
        let output = kv.run.command(&[&target, "--yes"]).env("VAULT_TOKEN", "wrong").output().unwrap();
        ends(&output, 2);
        assert!(stderr(&output).contains("may not read it (403)"), "{}", stderr(&output));
    }
}

mod aws {
    use super::*;

    fn run(targets: &[&str]) -> Run {
        let env = [
            ("AWS_ENDPOINT_URL", service("UNLEAK_TEST_AWS")),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing-key-of-the-fake".to_owned()),
        ];
        let targets = targets.iter().map(|&target| target.to_owned()).collect();
        Run { dir: tempfile::tempdir().unwrap(), env: env.to_vec(), targets }
    }

    /// Calls the service by boto3, the second client; prints its answer as JSON.
    fn boto(service_name: &str, action: &str, arguments: &Value) -> Value {
        const CODE: &str = "import boto3, json, sys; s, a, k, e = sys.argv[1:]; \
            c = boto3.client(s, region_name='eu-west-1', endpoint_url=e, aws_access_key_id='x', aws_secret_access_key='x'); \
            print(json.dumps(getattr(c, a)(**json.loads(k)), default=str))";
        let mut command = Command::new(service("UNLEAK_TEST_PYTHON"));
        command.args(["-c", CODE, service_name, action, &arguments.to_string(), &service("UNLEAK_TEST_AWS")]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn secret(name: &str, stage: &str) -> String {
        let answer =
            boto("secretsmanager", "get_secret_value", &json!({"SecretId": name, "VersionStage": stage}));
        answer["SecretString"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_secret_goes_through_its_stages() {
        boto("secretsmanager", "create_secret", &json!({"Name": "app/plain", "SecretString": hex_value()}));
        let run = run(&["aws-sm:app/plain"]);
        let output = run.rotate(&[]);
        ends(&output, 0);
        run.verified();
        let new = secret("app/plain", "AWSCURRENT");
        assert!(new.len() == 128 && new != hex_value());
        assert_eq!(secret("app/plain", "AWSPREVIOUS"), hex_value());
        assert!(run.report()["residual_risks"].to_string().contains("AWSPREVIOUS"));
        let known = [&*hex_value(), &new, "testing-key-of-the-fake"];
        nothing_leaks_in(&run.path("state"), &output, &known);
    }

    /// The version that was read is no longer the current one when ours should take its place.
    #[test]
    fn a_version_that_comes_between_stays_and_ours_does_not_stay_pending() {
        boto("secretsmanager", "create_secret", &json!({"Name": "app/between", "SecretString": hex_value()}));
        let moves = |request: &Request| {
            request.headers.get("x-amz-target").is_some_and(|to| to.ends_with("UpdateSecretVersionStage"))
        };
        let wire = Wire::start(&service("UNLEAK_TEST_AWS"), moves, || {
            let theirs = json!({"SecretId": "app/between", "SecretString": "theirs-and-newer"});
            boto("secretsmanager", "put_secret_value", &theirs);
        });
        let mut run = run(&["aws-sm:app/between"]);
        run.env[0].1 = wire;
        let output = run.rotate(&[]);
        ends(&output, 4);
        assert!(stderr(&output).contains("changed by somebody else"), "{}", stderr(&output));
        assert_eq!(secret("app/between", "AWSCURRENT"), "theirs-and-newer");
        let stages = boto("secretsmanager", "describe_secret", &json!({"SecretId": "app/between"}));
        assert!(!stages["VersionIdsToStages"].to_string().contains("AWSPENDING"), "{stages}");
    }

    /// The fake checks no signature, so another implementation signs the same request again.
    #[test]
    fn requests_are_signed_as_the_official_client_signs_them() {
        const CODE: &str = "import sys, json; from botocore.auth import SigV4Auth; from botocore.awsrequest import AWSRequest; \
            from botocore.credentials import Credentials; h = json.loads(sys.argv[1]); \
            keep = {k: v for k, v in h.items() if k in ('content-type', 'x-amz-date', 'x-amz-target', 'x-amz-security-token')}; \
            r = AWSRequest('POST', sys.argv[3], data=sys.argv[2], headers=keep); r.context['timestamp'] = h['x-amz-date']; \
            a = SigV4Auth(Credentials('AKIDOFATEST', 'key/of+a-test', 'session/token=='), 'secretsmanager', 'eu-west-1'); \
            print(a.signature(a.string_to_sign(r, a.canonical_request(r)), r))";
        let fake = Fake::new(Vec::new(), |seen: &mut Vec<(Value, String)>, request| {
            seen.push((json!(request.headers), request.raw.clone()));
            (200, json!({"SecretString": hex_value(), "VersionId": "1"}))
        });
        let mut run = run(&["aws-sm:app/x"]);
        run.env = [
            ("AWS_ENDPOINT_URL", &*fake.url),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDOFATEST"),
            ("AWS_SECRET_ACCESS_KEY", "key/of+a-test"),
            ("AWS_SESSION_TOKEN", "session/token=="),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
        ends(&run.rotate(&["--dry-run"]), 0);
        let seen = fake.state.lock().unwrap();
        let (headers, body) = &seen[0];
        let mut command = Command::new(service("UNLEAK_TEST_PYTHON"));
        command.args(["-c", CODE, &headers.to_string(), body, &format!("{}/", fake.url)]);
        let output = command.output().unwrap();
        let theirs = String::from_utf8(output.stdout.clone()).unwrap();
        let ours = headers["authorization"].as_str().unwrap();
        assert!(theirs.len() > 60 && ours.ends_with(theirs.trim()), "{ours} {theirs} {}", stderr(&output));
    }

    #[test]
    fn a_key_of_a_secret_and_a_parameter_are_taken_back_together() {
        let object = json!({"SESSION_SECRET": hex_value(), "other": "x"}).to_string();
        boto("secretsmanager", "create_secret", &json!({"Name": "app/object", "SecretString": object}));
        let parameter = json!({"Name": "/app/session", "Value": hex_value(), "Type": "SecureString"});
        boto("ssm", "put_parameter", &parameter);
        let read = || {
            let arguments = json!({"Name": "/app/session", "WithDecryption": true});
            let parameter = boto("ssm", "get_parameter", &arguments)["Parameter"].clone();
            assert_eq!(parameter["Type"], "SecureString");
            let secret: Value = serde_json::from_str(&secret("app/object", "AWSCURRENT")).unwrap();
            assert_eq!(secret["other"], "x");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&secret["SESSION_SECRET"]), text(&parameter["Value"]))
        };
        let run = run(&["aws-sm:app/object#SESSION_SECRET", "aws-ssm:/app/session"]);
        ends(&run.rotate(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]), 4);
        assert_eq!(read(), (hex_value(), hex_value()));
        for way in ["--abort", "--resume"] {
            run.forget();
            assert_eq!(run.rotate(&["--fault=write.1:after:kill"]).status.code(), None);
            ends(&run.command(&[way, &run.id(), "--yes"]).output().unwrap(), 0);
            let (secret, parameter) = read();
            assert_eq!((&secret, secret == hex_value()), (&parameter, way == "--abort"));
        }
    }

    #[test]
    fn what_is_missing_is_said_with_the_next_step() {
        let run = run(&["aws-sm:app/nothing"]);
        let output = run.rotate(&[]);
        ends(&output, 2);
        assert!(stderr(&output).contains("ResourceNotFoundException"), "{}", stderr(&output));
        let bare =
            unleak(&run.path("state")).args(["rotate", "--target=aws-ssm:x", "--yes"]).output().unwrap();
        ends(&bare, 2);
        assert!(stderr(&bare).contains("AWS_REGION"), "{}", stderr(&bare));
    }
}
