//! The secret in every form of file: only the value changes, and another parser reads it back.

use super::world::unleak;
use super::{ends, hex_value, put, stderr};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Output;

struct File {
    dir: tempfile::TempDir,
    path: PathBuf,
    before: String,
    old: String,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let old = hex_value();
        let before = text.replace("@@64", &base64(&old)).replace("@@", &old);
        put(&path, before.as_bytes());
        Self { dir, path, before, old }
    }

    fn rotate(&self, kind: &str, part: &str, more: &[&str]) -> Output {
        let target = format!("--target={kind}:{}{part}", self.path.display());
        let mut command = unleak(&self.dir.path().join("state"));
        command.arg("rotate").args([&target, "--yes"]).args(more).output().unwrap()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    fn report(&self) -> serde_json::Value {
        let incidents = self.dir.path().join("state/incidents");
        let folder = std::fs::read_dir(incidents).unwrap().next().unwrap().unwrap().path();
        serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Rotates, finds the new value with another parser, and expects that nothing else was changed.
#[track_caller]
fn only_the_value_changes(name: &str, target: (&str, &str), text: &str, read: impl Fn(&Path) -> String) {
    let file = File::new(name, text);
    let output = file.rotate(target.0, target.1, &[]);
    ends(&output, 0);
    let new = read(&file.path);
    assert!(new != file.old && new.len() == 128, "{}", stderr(&output));
    let expected = text.replace("@@64", &base64(&new)).replace("@@", &new);
    assert_eq!(file.text(), expected);
    assert_eq!(file.report()["checks"][0]["status"], "verified");
    super::gate::nothing_leaks_in(&file.dir.path().join("state"), &output, &[&file.old, &new]);
}

fn at(value: &serde_json::Value, pointer: &str) -> String {
    value.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

fn yaml(path: &Path) -> serde_json::Value {
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_key_of_yaml_in_each_quoting() {
    for text in [
        "# c\r\na:\r\n  other: 1 # x\r\n  key: \"@@\" # signs\r\n  list: [a, b]\r\n",
        "a: {other: x, key: '@@'}\nz: \"\u{e4}\u{1f600}\"\n",
        "\u{e4}: 1\na:\n    key: @@\n    # key: no\n",
        "---\na:\n  key: !!str \"@@\"\n  other: &x y",
    ] {
        only_the_value_changes("app.yml", ("yaml", "#a.key"), text, |path| at(&yaml(path), "/a/key"));
    }
    let text = "list:\n  - name: x\n  - name: y\n    'dotted.key': \"@@\"\n";
    only_the_value_changes("app.yml", ("yaml", "#list.1.dotted\\.key"), text, |path| {
        at(&yaml(path), "/list/1/dotted.key")
    });
}

#[test]
fn a_key_of_json() {
    let text = "{\r\n\t\"a/b\": [{\"x\": 1.50, \"key\":\"@@\"}, null],\n  \"\u{e4}\": \"\\u00e4\\/\" }";
    only_the_value_changes("app.json", ("json", "#/a~1b/0/key"), text, |path| {
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        at(&value, "/a~1b/0/key")
    });
}

#[test]
fn a_key_of_toml_in_each_quoting() {
    for (value, written) in [("\"@@\"", "\"@@\""), ("'@@'", "\"@@\""), ("\"\"\"\n@@\"\"\"", "\"@@\"")] {
        let text = |value: &str| {
            format!(
                "# c\n[a]\nother = 1\n\n[a.b] # table\nkey   = {value}  # signs\nz = {{ key = \"no\" }}\n"
            )
        };
        let file = File::new("app.toml", &text(value));
        ends(&file.rotate("toml", "#a.b.key", &[]), 0);
        let now = toml_edit::Document::parse(file.text()).unwrap();
        let new = now["a"]["b"]["key"].as_str().unwrap().to_owned();
        assert!(new != file.old && new.len() == 128);
        assert_eq!(file.text(), text(written).replace("@@", &new));
    }
}

#[test]
fn a_whole_file_keeps_its_line_end_and_its_owner_and_mode() {
    for text in ["@@", "@@\n", "@@\r\n"] {
        let file = File::new("session_secret", text);
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let link = file.dir.path().join("link");
        std::os::unix::fs::symlink("session_secret", &link).unwrap();
        let owner = std::fs::metadata(&file.path).unwrap();
        let target = format!("--target=file:{}", link.display());
        let mut command = unleak(&file.dir.path().join("state"));
        ends(&command.args(["rotate", "--yes", &target]).output().unwrap(), 0);
        let new = file.text().trim_end().to_owned();
        assert!(new != file.old && new.len() == 128 && file.text() == text.replace("@@", &new));
        let now = std::fs::metadata(&file.path).unwrap();
        assert_eq!((now.mode(), now.uid(), now.gid()), (owner.mode(), owner.uid(), owner.gid()));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[test]
fn a_kubernetes_manifest_of_several_documents() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  KEY: untouched\n---\n\
                # the secret\napiVersion: v1\nkind: Secret\nmetadata:\n  name: web\ndata:\n  KEY: @@64\n  OTHER: eA==\n---\n\
                apiVersion: v1\nkind: Secret\nmetadata:\n  name: job\nstringData:\n  KEY: \"x\"\n";
    let file = File::new("app.yaml", text);
    let twice = file.rotate("k8s", "#KEY", &[]);
    ends(&twice, 2);
    assert!(stderr(&twice).contains("several Secrets") && stderr(&twice).contains("NAME/KEY"));
    only_the_value_changes("app.yaml", ("k8s", "#web/KEY"), text, |path| {
        use base64::Engine as _;
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with("  KEY: ") && line.len() > 40).unwrap();
        let value = line.split(": ").nth(1).unwrap().trim_matches('"');
        let bytes = base64::engine::general_purpose::STANDARD.decode(value).unwrap();
        String::from_utf8(bytes).unwrap()
    });
    let text = "kind: Secret\nstringData: {KEY: '@@'}\n";
    only_the_value_changes("one.yaml", ("k8s", "#KEY"), text, |path| at(&yaml(path), "/stringData/KEY"));
}

#[test]
fn what_is_no_plain_value_is_refused_and_said() {
    for (name, kind, part, text, says) in [
        ("a.yml", "yaml", "#a", "a: |\n  @@\n", "block of lines"),
        ("a.yml", "yaml", "#b", "a: &x @@\nb: *x\n", "reference"),
        ("a.yml", "yaml", "#a", "a: !vault x\n", "tag"),
        ("a.yml", "yaml", "#a", "a: ENC[AES256_GCM,data:abc]\n", "SOPS"),
        ("a.yml", "yaml", "#a", "a: \"{{ .Values.secret }}\"\n", "template"),
        ("a.yml", "yaml", "#a.b", "a: x\n", "no key a.b"),
        ("a.yml", "yaml", "#a", "a: [@@\n", "no valid YAML"),
        ("a.json", "json", "#/a", "{\"a\": 5}", "no string"),
        ("a.json", "json", "#/a", "{\"a\": \"@@\", // c\n}", "no valid JSON"),
        ("a.toml", "toml", "#a", "a = 5\n", "no string"),
        ("a.toml", "toml", "#a", "a = \"@@\"\na = \"@@\"\n", "no valid TOML"),
        ("a.yml", "k8s", "#KEY", "kind: Secret\ndata: {KEY: '%%'}\n", "not in base64"),
        ("a.env", "env", "#A", "A=encrypted:abc\n", "dotenvx"),
    ] {
        let file = File::new(name, text);
        let output = file.rotate(kind, part, &[]);
        ends(&output, 2);
        assert!(stderr(&output).contains(says) && stderr(&output).contains("hint"), "{}", stderr(&output));
        assert_eq!(file.text(), file.before);
        assert!(!stderr(&output).contains(&file.old));
    }
}

#[test]
fn hostile_files_are_bounded() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (kind, text) in [
        ("yaml", deep.clone()),
        ("json", deep.clone()),
        ("toml", format!("a = {deep}\n")),
        ("yaml", "x".repeat(5 * 1024 * 1024)),
    ] {
        let file = File::new("hostile", &text);
        let part = if kind == "json" { "#/a" } else { "#a" };
        ends(&file.rotate(kind, part, &["--dry-run"]), 2);
    }
}

#[test]
fn an_old_value_in_another_key_is_told() {
    let file = File::new("a.yml", "a: @@\nb: redis://:@@@h\n# was @@\n");
    let output = file.rotate("yaml", "#a", &[]);
    ends(&output, 6);
    let said = stderr(&output);
    assert!(said.contains("b (line 2)") && said.contains("a comment (line 3)"), "{said}");
}

#[test]
fn a_rotation_of_all_kinds_at_once_is_taken_back_when_one_of_them_fails() {
    let file = File::new("a.yml", "key: @@\n");
    let path = |name: &str| file.dir.path().join(name);
    let others = [
        ("json", "b.json", "#/k", format!("{{\"k\": \"{}\"}}", file.old)),
        ("toml", "c.toml", "#k", format!("k = \"{}\"", file.old)),
        ("file", "d", "", format!("{}\n", file.old)),
        ("env-docker", "e.env", "#K", format!("K={}\n", file.old)),
    ];
    let mut args = Vec::new();
    for (kind, name, part, text) in &others {
        put(&path(name), text.as_bytes());
        args.push(format!("--target={kind}:{}{part}", path(name).display()));
    }
    let with =
        |reload| args.iter().map(String::as_str).chain([reload, "--restore-leaked"]).collect::<Vec<_>>();
    let once = path("once");
    let fails = format!("--reload=test -e '{0}' || {{ touch '{0}'; exit 1; }}", once.display());
    let output = file.rotate("yaml", "#key", &with(&fails));
    ends(&output, 4);
    assert_eq!(file.text(), file.before);
    for (_, name, _, text) in &others {
        assert_eq!(std::fs::read_to_string(path(name)).unwrap(), *text, "{name}");
    }
    ends(&file.rotate("yaml", "#key", &with("--reload=true")), 0);
    let new = file.text().trim_start_matches("key: ").trim().to_owned();
    assert_eq!(new.len(), 128);
    for (_, name, _, text) in &others {
        assert_eq!(std::fs::read_to_string(path(name)).unwrap(), text.replace(&file.old, &new), "{name}");
    }
}
