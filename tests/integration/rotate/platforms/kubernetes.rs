//! A Secret in a cluster: read, changed on the version that was read, put back, and left where somebody else was first.

use super::*;

/// A Secret with its version, as the interface of a cluster keeps it.
struct Cluster {
    version: u64,
    data: Value,
    immutable: bool,
    /// Whether the account may read and not change.
    readonly: bool,
    /// Whether somebody else changes it right before the next change.
    raced: bool,
}

fn handle(cluster: &mut Cluster, request: &Request) -> (u16, Value) {
    if request.authorization != format!("Bearer {TOKEN}") {
        return (401, json!({"kind": "Status", "code": 401}));
    }
    let object = |cluster: &Cluster| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": cluster.data, "immutable": cluster.immutable,
            "metadata": {"name": "web", "namespace": "prod", "resourceVersion": cluster.version.to_string()}})
    };
    // A change that is only tried is checked like any other and not kept.
    let (line, tried) = match request.line.strip_suffix("?dryRun=All") {
        Some(line) => (line, true),
        None => (request.line.as_str(), false),
    };
    match line {
        "GET /api/v1/namespaces/prod/secrets/web" => (200, object(cluster)),
        "PATCH /api/v1/namespaces/prod/secrets/web" if cluster.readonly => {
            (403, json!({"kind": "Status", "reason": "Forbidden", "code": 403}))
        }
        "PATCH /api/v1/namespaces/prod/secrets/web" => {
            assert_eq!(request.kind, "application/json-patch+json");
            if !tried && std::mem::take(&mut cluster.raced) {
                cluster.data["OTHER"] = json!("eQ==");
                cluster.version += 1;
            }
            for operation in request.body.as_array().unwrap() {
                let (path, value) = (operation["path"].as_str().unwrap(), &operation["value"]);
                match operation["op"].as_str().unwrap() {
                    "test" if path == "/metadata/resourceVersion" => {
                        if *value != json!(cluster.version.to_string()) {
                            return (422, json!({"kind": "Status", "reason": "Invalid"}));
                        }
                    }
                    "replace" if tried => {}
                    "replace" => cluster.data[path.strip_prefix("/data/").unwrap()] = value.clone(),
                    other => panic!("{other} {path}"),
                }
            }
            cluster.version += u64::from(!tried);
            (200, object(cluster))
        }
        _ => (404, json!({"kind": "Status", "code": 404})),
    }
}

fn start(immutable: bool) -> (Fake<Cluster>, Run) {
    let data = json!({"KEY": STANDARD.encode(hex_value()), "OTHER": "eA=="});
    let fake = Fake::new(Cluster { version: 7, data, immutable, readonly: false, raced: false }, handle);
    let mut run = Run::new("kubernetes:prod/web#KEY", Vec::new());
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- name: here\n  context: {{cluster: c, user: u}}\n\
         clusters:\n- name: c\n  cluster: {{server: '{}'}}\nusers:\n- name: u\n  user: {{token: {TOKEN}}}\n",
        fake.url
    );
    put(&run.path("kubeconfig"), config.as_bytes());
    run.env.push(("KUBECONFIG", run.path("kubeconfig").display().to_string()));
    (fake, run)
}

#[test]
fn a_key_changes_on_the_version_that_was_read() {
    let (fake, run) = start(false);
    let output = run.rotate(&[]);
    ends(&output, 0);
    let cluster = fake.state.lock().unwrap();
    let new = STANDARD.decode(cluster.data["KEY"].as_str().unwrap()).unwrap();
    assert_eq!((new.len(), cluster.version, &cluster.data["OTHER"]), (128, 8, &json!("eA==")));
    let new = String::from_utf8(new).unwrap();
    nothing_leaks_in(&run.path("state"), &output, &[&hex_value(), &new, TOKEN]);
}

#[test]
fn a_change_that_comes_between_our_look_and_our_write_stays() {
    let (fake, run) = start(false);
    fake.state.lock().unwrap().raced = true;
    let output = run.rotate(&[]);
    ends(&output, 4);
    assert!(stderr(&output).contains("changed by somebody else"), "{}", stderr(&output));
    let cluster = fake.state.lock().unwrap();
    assert_eq!((cluster.version, &cluster.data["OTHER"]), (8, &json!("eQ==")));
    assert_eq!(cluster.data["KEY"], json!(STANDARD.encode(hex_value())));
}

#[test]
fn it_is_put_back_and_what_cannot_be_changed_is_said() {
    let (fake, run) = start(false);
    ends(&run.rotate(&["--health=http://127.0.0.1:9/", "--health-timeout=1", "--restore-leaked"]), 4);
    assert_eq!(fake.state.lock().unwrap().data["KEY"], json!(STANDARD.encode(hex_value())));
    fake.state.lock().unwrap().readonly = true;
    let output = run.rotate(&["--incident-id=INC-20260101-001"]);
    ends(&output, 2);
    assert!(stderr(&output).contains("does not let you change it (403)"), "{}", stderr(&output));
    assert!(!run.path("state/incidents/INC-20260101-001").exists(), "it began what it cannot do");
    let (_fake, run) = start(true);
    let output = run.rotate(&[]);
    ends(&output, 2);
    assert!(stderr(&output).contains("immutable"), "{}", stderr(&output));
}
