//! `.unleak.yaml`: what it leaves out is said in every format, and who brings in a secret does not decide about it.

use crate::repo::{Ran, Repo};
use crate::tokens::github;
use std::path::Path;

const JSON: [&str; 2] = ["--format", "json"];
/// A rule file with one rule.
const RULE: &str = "- id: acme-token
  title: ACME token
  severity: high
  confidence: high
  keywords: [acme_]
  pattern: '\\bacme_[0-9a-f]{12}\\b'
  examples: ['k=acme_{{hex:12}}', 'acme_{{hex:12}}']
  counterexamples: ['acme_{{hex:11}}', 'acme_token']
  reference: https://acme.dev/tokens
  advice: Revoke it.
";
const ALLOW_ALL: &str = "allow: {paths: ['**']}\n";

fn scan(repo: &Repo, args: &[&str]) -> Ran {
    repo.scan(&[&JSON, args].concat())
}

fn configuration(ran: &Ran) -> serde_json::Value {
    ran.json()["configuration"].clone()
}

fn leaking() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(1)));
    repo.write("b.txt", format!("token {} unleak:allow\n", github(2)));
    repo.commit("leak");
    repo
}

#[test]
fn what_is_left_out_is_said_in_every_format_and_also_when_quiet() {
    let repo = leaking();
    repo.write(".unleak.yaml", ALLOW_ALL.to_owned() + "disable: [jwt-secret]\n");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let expected = serde_json::json!({
        "file": ".unleak.yaml",
        "disabled": ["jwt-secret"],
        "replaced": [],
        "layers": [{
            "kind": "repository",
            "file": ".unleak.yaml",
            "disabled": ["jwt-secret"],
            "overridden": [],
            "replaced": [],
            "left_out": 1,
        }],
        "left_out": {
            "paths": 1, "values": 0, "rules": 0, "inline": 1, "confidence": 0, "nature": 0,
            "ignore_file": 0, "baseline": 0,
        },
        "ignore_file": null,
        "baseline": null,
    });
    assert_eq!(configuration(&ran), expected);
    for args in [&["--quiet"][..], &[], &["--format", "jsonl"], &["--format", "sarif"]] {
        let ran = repo.scan(args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        for said in ["jwt-secret", "paths", ".unleak.yaml"] {
            assert!(ran.out.contains(said), "{args:?} {said}: {}", ran.out);
        }
        assert!(!ran.out.contains("No secret found.") && !ran.out.contains(&github(1)), "{}", ran.out);
    }
    let without = scan(&repo, &["--no-config"]);
    assert_eq!(without.places(), ["history a.txt:1"]);
    assert_eq!(configuration(&without)["file"], serde_json::Value::Null);
}

#[test]
fn a_secret_that_is_told_of_elsewhere_is_not_left_out() {
    let repo = leaking();
    repo.write("c.txt", format!("token {}\n", github(2)));
    repo.commit("the allowed one again, without a comment");
    let ran = scan(&repo, &[]);
    assert_eq!(ran.json()["findings"].as_array().unwrap().len(), 2);
    assert_eq!(configuration(&ran)["left_out"]["inline"], 0);
}

#[test]
fn a_replaced_built_in_rule_is_named() {
    let repo = leaking();
    repo.write("rules.yaml", RULE.replace("acme-token", "jwt-secret"));
    repo.write(".unleak.yaml", "rules: [rules.yaml]\n");
    let ran = scan(&repo, &[]);
    assert_eq!(configuration(&ran)["replaced"][0], "jwt-secret", "{} {}", ran.out, ran.err);
    assert!(repo.scan(&["-q"]).out.contains("1 rule replaced (jwt-secret)"));
}

#[test]
fn a_pull_request_cannot_allow_its_own_secrets() {
    let repo = Repo::new();
    repo.write("README.md", "app\n");
    let base = repo.commit("base");
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(3)));
    repo.commit("a leak and the permission for it");
    let range = format!("{base}..HEAD");
    let ran = scan(&repo, &["--range", &range]);
    assert_eq!((ran.code, ran.places()), (1, vec!["history a.txt:1".to_owned()]), "{}", ran.err);
    assert_eq!(configuration(&ran)["file"], serde_json::Value::Null);
    // Once it stands in the base, it counts, and the report says from where.
    repo.write("b.txt", format!("token {}\n", github(4)));
    repo.commit("another");
    let later = scan(&repo, &["--range", "HEAD~1..HEAD"]);
    assert_eq!(later.code, 0, "{}", later.err);
    assert_eq!(configuration(&later)["file"], "HEAD~1:.unleak.yaml");
}

#[test]
fn staged_files_are_judged_by_the_configuration_of_head_if_there_is_one() {
    let repo = Repo::new();
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(5)));
    repo.git(&["add", "a.txt"]);
    let first = scan(&repo, &["--staged"]);
    assert_eq!((first.code, configuration(&first)["file"].as_str()), (0, Some(".unleak.yaml")));
    repo.write(".unleak.yaml", "allow: {paths: ['docs/**']}\n");
    repo.commit("configured");
    repo.write(".unleak.yaml", ALLOW_ALL);
    repo.write("a.txt", format!("token {}\n", github(6)));
    repo.git(&["add", "-A"]);
    let ran = scan(&repo, &["--staged"]);
    assert_eq!((ran.code, configuration(&ran)["file"].as_str()), (1, Some("HEAD:.unleak.yaml")));
}

#[test]
fn a_bare_repository_is_scanned_by_the_configuration_and_rules_of_its_head() {
    let repo = leaking();
    repo.write("security/acme.yaml", RULE);
    repo.write(".unleak.yaml", "rules: [./security]\nallow: {paths: [a.txt]}\n");
    repo.write("c.txt", format!("acme_{}\n", &crate::tokens::hex128(1)[..12]));
    repo.commit("configured");
    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let ran = scan(&repo, &[bare.to_str().unwrap()]);
    assert_eq!(ran.places(), ["history c.txt:1"], "{}", ran.err);
    assert_eq!(configuration(&ran)["file"], "HEAD:.unleak.yaml");
    for (config, said) in [
        ("rules: [../outside.yaml]\n", "outside the repository"),
        ("rules: [missing.yaml]\n", "HEAD:missing.yaml"),
        ("disabel: [x]\n", "HEAD:.unleak.yaml"),
    ] {
        repo.write(".unleak.yaml", config);
        repo.commit("broken");
        repo.git(&["push", "-q", bare.to_str().unwrap(), "main"]);
        let ran = scan(&repo, &[bare.to_str().unwrap()]);
        assert!(ran.code == 2 && ran.err.contains(said), "{config} {}", ran.err);
    }
}

#[test]
fn a_configuration_above_what_is_scanned_does_not_count() {
    let repo = leaking();
    let above = |folder: &Path| folder.parent().unwrap().join(".unleak.yaml");
    repo.write("../.unleak.yaml", ALLOW_ALL);
    assert!(above(repo.path()).is_file());
    assert_eq!(scan(&repo, &[]).code, 1);
    repo.write("docs/a.txt", format!("token {}\n", github(7)));
    repo.write(".unleak.yaml", ALLOW_ALL);
    assert_eq!(scan(&repo, &["--no-git", "docs"]).code, 1);
    assert_eq!(scan(&repo, &["--no-git", "docs/a.txt"]).code, 1);
    assert_eq!(scan(&repo, &["--no-git", "."]).code, 0);
}

#[test]
fn the_confidence_that_was_asked_for_is_counted_but_hides_nothing() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(8)));
    repo.write("b.env", format!("SESSION_SECRET={}\n", "correct-horse-7!"));
    repo.commit("a");
    let all = scan(&repo, &["--min-confidence", "low"]).json()["findings"].as_array().unwrap().len();
    let high = scan(&repo, &["--min-confidence", "high"]);
    let told = high.json()["findings"].as_array().unwrap().len();
    assert_eq!(configuration(&high)["left_out"]["confidence"], all - told);
    assert!(!repo.scan(&["-q", "--min-confidence", "high"]).out.contains("Left out"));
}

#[test]
fn a_configuration_that_leaves_no_rule_is_an_error() {
    let repo = leaking();
    repo.write(".unleak.yaml", "disable: [jwt-secret]\n");
    let ran = scan(&repo, &["--rule", "jwt-secret"]);
    assert!(ran.code == 2 && ran.err.contains("no rule is left"), "{} {}", ran.out, ran.err);
}

/// Runs `unleak scan` with an organisation's configuration in the environment.
fn scan_in_organisation(repo: &Repo, config: &str, args: &[&str]) -> Ran {
    let file = repo.beside("organisation.yaml");
    repo.write("../organisation.yaml", config);
    let mut command = crate::repo::unleak(repo.path(), &repo.beside("."));
    Ran::of(command.arg("scan").args(JSON).args(args).env("UNLEAK_CONFIG", file))
}

fn layers(ran: &Ran) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let layers = configuration(ran)["layers"].as_array().unwrap().clone();
    let shown = |layer: &serde_json::Value| {
        let file = text(&layer["file"]);
        let name = file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let name = if layer["kind"] == "organisation" { name } else { file };
        format!("{} {name} {}", text(&layer["kind"]), layer["left_out"])
    };
    layers.iter().map(shown).collect()
}

#[test]
fn layers_build_on_each_other_and_each_is_told_with_what_it_did() {
    let repo = Repo::new();
    for (number, path) in
        (10..).zip(["a.txt", "gen/b.txt", "api/c.txt", "api/samples/d.txt", "samples/e.txt"])
    {
        repo.write(path, format!("token {}\n", github(number)));
    }
    repo.write(".unleak.yaml", "allow: {paths: [a.txt]}\ndisable: [jwt-secret]\n");
    repo.write("api/.unleak.yaml", "allow: {paths: ['samples/**']}\n");
    repo.commit("leaks");
    let organisation = "allow: {paths: ['gen/**']}\noverride: {generic-password: {severity: low}}\n";
    let ran = scan_in_organisation(&repo, organisation, &[]);
    assert_eq!(ran.places(), ["history api/c.txt:1", "history samples/e.txt:1"], "{}", ran.err);
    assert_eq!(
        layers(&ran),
        ["organisation organisation.yaml 1", "repository .unleak.yaml 1", "folder api/.unleak.yaml 1"]
    );
    assert_eq!(configuration(&ran)["left_out"]["paths"], 3);
    assert_eq!(configuration(&ran)["layers"][0]["overridden"][0], "generic-password");
    assert_eq!(configuration(&ran)["layers"][1]["disabled"][0], "jwt-secret");
    // What the repository says can be left out; what the organisation says stays.
    let without = scan_in_organisation(&repo, organisation, &["--no-config"]);
    assert_eq!(layers(&without), ["organisation organisation.yaml 1"]);
    assert_eq!(without.places().len(), 4);
    // An option wins over the variable.
    repo.write("../other.yaml", "{}");
    let other = scan_in_organisation(&repo, organisation, &["--config", "../other.yaml"]);
    assert_eq!(layers(&other)[0], "organisation other.yaml 0");
    assert_eq!(other.places().len(), 3);
    let human = repo.scan(&["--config", "../organisation.yaml"]);
    for said in
        ["Organisation's configuration ../organisation.yaml", "1 rule called otherwise", "1 secret left out"]
    {
        assert!(human.out.contains(said), "{said}: {}", human.out);
    }
}

#[test]
fn a_rule_is_called_otherwise_by_id() {
    let repo = Repo::new();
    // No word before it by which another rule would take it.
    repo.write("a.txt", format!("see {}\n", github(1)));
    repo.commit("leak");
    let plain = scan(&repo, &[]).json()["findings"][0].clone();
    let id = plain["rule"].as_str().unwrap();
    repo.write(".unleak.yaml", format!("override: {{{id}: {{severity: low, title: Forge token}}}}\n"));
    let ran = scan(&repo, &[]);
    let found = &ran.json()["findings"][0];
    assert_eq!((&found["severity"], &found["title"]), (&"low".into(), &"Forge token".into()), "{}", ran.err);
    assert_eq!(found["confidence"], plain["confidence"]);
    repo.write(".unleak.yaml", format!("override: {{{id}: {{confidence: low}}}}\n"));
    let ran = scan(&repo, &[]);
    assert_eq!((ran.code, &configuration(&ran)["left_out"]["confidence"]), (0, &1.into()), "{}", ran.err);
    assert!(!repo.scan(&["-q"]).out.is_empty(), "who lowers a rule hides something");
}

#[test]
fn a_rule_is_turned_off_in_paths_and_in_a_folder_only_there() {
    let repo = Repo::new();
    for (number, path) in (20..).zip(["a.txt", "test/b.txt", "old/c.txt"]) {
        repo.write(path, format!("token {}\n", github(number)));
    }
    repo.commit("leaks");
    let id = scan(&repo, &[]).json()["findings"][0]["rule"].as_str().unwrap().to_owned();
    repo.write(".unleak.yaml", format!("disable: [{{rule: {id}, paths: ['test/**']}}]\n"));
    repo.write("old/.unleak.yaml", format!("disable: [{id}]\n"));
    let ran = scan(&repo, &[]);
    assert_eq!(ran.places(), ["history a.txt:1"], "{}", ran.err);
    assert_eq!(configuration(&ran)["left_out"]["rules"], 2);
}

#[test]
fn a_value_is_allowed_by_text_or_pattern_and_turns_off_no_rule() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(30)));
    repo.write("b.txt", format!("token {}\n", github(31)));
    repo.write("c.txt", format!("token {}\n", github(32)));
    repo.commit("leaks");
    let prefix = &github(31)[..12];
    repo.write(".unleak.yaml", format!("allow: {{values: ['{}', {{pattern: '^{prefix}'}}]}}\n", github(30)));
    let ran = scan(&repo, &[]);
    assert_eq!(ran.places(), ["history c.txt:1"], "{}", ran.err);
    assert_eq!(configuration(&ran)["left_out"]["values"], 2);
    assert_eq!(configuration(&ran)["disabled"], serde_json::json!([]));
    // A part of a value is not the value.
    repo.write(".unleak.yaml", format!("allow: {{values: ['{prefix}']}}\n"));
    assert_eq!(scan(&repo, &[]).places().len(), 3);
}

#[test]
fn a_folder_of_the_history_that_is_a_link_today_configures_nothing() {
    let repo = Repo::new();
    repo.write("api/a.txt", format!("token {}\n", github(40)));
    repo.commit("leak");
    repo.remove("api/a.txt");
    repo.write("../outside/.unleak.yaml", ALLOW_ALL);
    std::fs::remove_dir(repo.path().join("api")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(repo.beside("outside"), repo.path().join("api")).unwrap();
    assert_eq!(scan(&repo, &[]).places(), ["history api/a.txt:1"]);
}

#[test]
fn a_pull_request_cannot_allow_its_own_secrets_by_a_folder() {
    let repo = Repo::new();
    repo.write("README.md", "app\n");
    repo.commit("base");
    repo.write("api/.unleak.yaml", ALLOW_ALL);
    repo.write("api/a.txt", format!("token {}\n", github(50)));
    repo.commit("a leak and the permission for it");
    assert_eq!(scan(&repo, &["--range", "HEAD~1..HEAD"]).code, 1);
    repo.write("api/b.txt", format!("token {}\n", github(51)));
    repo.commit("another");
    let later = scan(&repo, &["--range", "HEAD~1..HEAD"]);
    assert_eq!((later.code, layers(&later)), (0, vec!["folder HEAD~1:api/.unleak.yaml 1".to_owned()]));
}

#[test]
fn a_mistake_is_told_by_file_line_and_column() {
    let repo = leaking();
    for (config, said) in [
        ("disable:\n  - no-such-rule\n", ".unleak.yaml:2:5: there is no rule `no-such-rule`"),
        ("override:\n  no-such: {severity: low}\n", ".unleak.yaml:2:12: there is no rule `no-such`"),
        ("override:\n  generic-secret: {severity: hgih}\n", ".unleak.yaml:2:"),
        ("override:\n  generic-secret: {}\n", ".unleak.yaml:2:19: the override of `generic-secret` changes"),
        ("allow:\n  paths: [a, '[']\n", ".unleak.yaml:2:14: "),
        (
            "allow:\n  values:\n    - {pattern: 'x*'}\n",
            ".unleak.yaml:3:7: `pattern`: it matches the empty text",
        ),
        ("allow:\n  values:\n    - {pattern: '('}\n", ".unleak.yaml:3:7: `pattern`: unclosed group"),
        ("allow: {path: [a]}\n", ".unleak.yaml:1:9: "),
        ("disable: [{rule: generic-secret, paths: []}]\n", ".unleak.yaml:1:11: `paths` of rule"),
    ] {
        repo.write(".unleak.yaml", config);
        let ran = scan(&repo, &[]);
        assert!(ran.code == 2 && ran.err.contains(said) && ran.err.contains("hint"), "{config} {}", ran.err);
    }
    repo.remove(".unleak.yaml");
    repo.write("api/a.txt", format!("token {}\n", github(60)));
    repo.write("rules.yaml", RULE);
    repo.write("api/.unleak.yaml", "rules: [../rules.yaml]\n");
    let ran = scan(&repo, &[]);
    assert!(ran.code == 2 && ran.err.contains("api") && ran.err.contains("names rule files"), "{}", ran.err);
}

#[test]
fn no_file_outside_is_opened_for_a_configuration_in_what_is_scanned() {
    let repo = leaking();
    repo.write("../private.yaml", "'the word of somebody else'\n");
    repo.write("rules.yaml", RULE);
    let private = repo.beside("private.yaml");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&private, repo.path().join("link.yaml")).unwrap();
    for name in ["../private.yaml", &private.display().to_string(), "link.yaml"] {
        repo.write(".unleak.yaml", format!("rules: ['{name}']\n"));
        let ran = scan(&repo, &[]);
        assert!(ran.code == 2 && ran.err.contains("stands outside of"), "{name}: {}", ran.err);
        assert!(!ran.err.contains("somebody"), "{}", ran.err);
    }
    repo.write(".unleak.yaml", "rules: [./rules.yaml]\n");
    assert_eq!(scan(&repo, &[]).code, 1);
    // A folder's does not even tell whether a file is there.
    repo.write("api/a.txt", format!("token {}\n", github(61)));
    repo.write("api/.unleak.yaml", "rules: [/no/such/file]\n");
    let ran = scan(&repo, &[]);
    assert!(ran.code == 2 && ran.err.contains("names rule files"), "{}", ran.err);
}

#[test]
fn a_rule_of_a_wider_configuration_that_is_replaced_is_told() {
    let repo = Repo::new();
    repo.write("a.txt", format!("k=acme_{}\n", "1f".repeat(6)));
    repo.write("../rules.yaml", RULE);
    repo.write(
        "rules.yaml",
        RULE.replace("acme_[0-9a-f]{12}", "acme_[0-9a-f]{13}").replace("hex:12", "hex:13"),
    );
    repo.commit("leak");
    let organisation = "rules: [rules.yaml]\n";
    assert_eq!(scan_in_organisation(&repo, organisation, &["--rule", "acme-token"]).places().len(), 1);
    repo.write(".unleak.yaml", "rules: [rules.yaml]\n");
    let ran = scan_in_organisation(&repo, organisation, &["--rule", "acme-token"]);
    assert_eq!(
        (ran.code, &configuration(&ran)["layers"][1]["replaced"][0]),
        (0, &"acme-token".into()),
        "{}",
        ran.err
    );
    assert_eq!(configuration(&ran)["replaced"], serde_json::json!(["acme-token"]));
}

#[test]
fn a_configuration_may_name_a_rule_of_the_command_line() {
    let repo = Repo::new();
    repo.write("a.txt", format!("k=acme_{}\n", "1f".repeat(6)));
    repo.write("rules.yaml", RULE);
    repo.commit("leak");
    let id = |ran: &Ran| ran.json()["findings"][0]["severity"].clone();
    let args = ["--rules", "rules.yaml", "--rule", "acme-token"];
    assert_eq!(id(&scan(&repo, &args)), "high");
    repo.write(".unleak.yaml", "override: {acme-token: {severity: low}}\n");
    assert_eq!(id(&scan(&repo, &args)), "low");
    repo.write(".unleak.yaml", "disable: [acme-token]\n");
    assert_eq!(configuration(&scan(&repo, &["--rules", "rules.yaml"]))["disabled"][0], "acme-token");
}

#[test]
fn a_value_that_is_left_out_shows_nowhere_else() {
    let repo = Repo::new();
    repo.write("a.txt", format!("token {}\n", github(70)));
    repo.write(&format!("of {}.txt", github(70)), format!("token {}\n", github(71)));
    repo.commit("leaks");
    repo.write(".unleak.yaml", format!("allow: {{values: [{{pattern: '^{}'}}]}}\n", &github(70)[..12]));
    for args in [&JSON[..], &["--explain"], &["--format", "sarif"], &["--format", "jsonl"]] {
        let ran = repo.scan(args);
        assert!(ran.code == 1 && !ran.out.contains(&github(70)[12..]), "{args:?} {}", ran.out);
    }
}

#[test]
fn what_the_name_of_a_file_makes_less_sure_is_counted_and_never_clean() {
    let repo = Repo::new();
    let value: String = github(80).chars().skip(4).collect();
    repo.write("deploy.lock", format!("api_secret = \"{value}\"\n"));
    repo.commit("leak");
    let ran = scan(&repo, &[]);
    assert_eq!((ran.code, &configuration(&ran)["left_out"]["nature"]), (0, &1.into()), "{}", ran.out);
    let human = repo.scan(&[]);
    assert!(
        human.out.contains("1 secret only in lock files") && !human.out.contains("No secret found."),
        "{}",
        human.out
    );
    assert_eq!(scan(&repo, &["--min-confidence", "low"]).code, 1);
}
