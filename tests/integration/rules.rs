//! The built-in rules where people write secrets down, rule files that are wrong, and `unleak rules`.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::process::{Command, Output};
use std::sync::LazyLock;
use unleak::detect::Detector;
use unleak::rule::{self, template};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new(rule::builtin_with_examples()).unwrap());

/// Names under which frameworks and people keep session and signing secrets.
const NAMES: [&str; 26] = [
    "SESSION_SECRET",
    "SESSION_KEY",
    "NEXTAUTH_SECRET",
    "AUTH_SECRET",
    "AUTH_SECRET_2",
    "BETTER_AUTH_SECRET",
    "JWT_SECRET",
    "JWT_SIGNING_KEY",
    "ACCESS_TOKEN_SECRET",
    "REFRESH_TOKEN_SECRET",
    "SECRET_KEY_BASE",
    "DJANGO_SECRET_KEY",
    "SECRET_KEY",
    "COOKIE_SECRET",
    "COOKIE_KEY",
    "IRON_SESSION_PASSWORD",
    "SIGNING_SECRET",
    "ENCRYPTION_KEY",
    "HMAC_SECRET",
    "CSRF_SECRET",
    "RAILS_MASTER_KEY",
    "APP_KEY",
    "sessionSecret",
    "session-secret",
    "auth.secret",
    "jwt.secret-key",
];

/// Where a name and its value stand together; `@` is the name and `%` the value.
const PLACES: [&str; 34] = [
    "@=%",
    "export @=\"%\"",
    "@: %",
    "  @: '%'",
    "\"@\": \"%\",",
    "@ = \"%\"",
    "const @ = '%';",
    "docker run -e @=% acme/app",
    "--@=%",
    "app.set('@', '%')",
    "process.env.@ || '%'",
    "process.env.@ ?? \"%\"",
    "os.environ.get('@', '%')",
    "os.environ['@'] = '%'",
    "the new @ is `%`.",
    "@ was set to `%`",
    "The @ has been rotated to %",
    "| @ | % |",
    "| `@` | `%` |",
    "- **@:** %",
    "- **@**: `%`",
    "**@:** `%`",
    "@:\n```\n%\n```",
    "<td>@</td><td>%</td>",
    "<tr><td><code>@</code></td>\n<td><code>%</code></td>",
    "- name: @\n  value: %",
    "{\"name\": \"@\", \"value\": \"%\"}",
    "<add key=\"@\" value=\"%\" />",
    "${@:-%}",
    "@: str = \"%\"",
    "@ ?= %",
    "ENV @=%",
    "\\\"@\\\": \\\"%\\\"",
    "curl -H x && @=% npm start",
];

/// What stands there when it is no secret.
const STAND_INS: [&str; 20] = [
    "your-secret-here",
    "[REDACTED-128-CHARACTER-HEX-STRING]",
    "<TIMESTAMP>",
    "<your secret>",
    "${SECRET}",
    "$(openssl rand -hex 64)",
    "{{ .Values.secret }}",
    "process.env.SESSION_SECRET",
    "os.environ[\"SESSION_SECRET\"]",
    "import.meta.env.SECRET",
    "crypto.randomBytes(64).toString(\"hex\")",
    "config.get(\"secret\")",
    "changeme",
    "change-me-in-production",
    "xxxxxxxxxxxxxxxxxxxxxxxx",
    "...",
    "string",
    "Option<String>",
    "/run/secrets/session_secret",
    "generateSecret()",
];

/// The values that the built-in rules find in a text.
fn values(text: &str) -> Vec<String> {
    let found = DETECTOR.scan(text.as_bytes()).unwrap();
    found.into_iter().map(|found| text[found.secret].to_owned()).collect()
}

fn write(place: &str, name: &str, value: &str) -> String {
    place.replace('@', "\u{1}").replace('%', value).replace('\u{1}', name)
}

#[test]
fn a_session_secret_is_found_wherever_it_is_written_down() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut missed = Vec::new();
    for place in PLACES {
        for name in NAMES {
            let kinds = ["{{hex:128}}", "{{hex:64}}", "{{base64:44}}", "{{base62:32}}", "{{base64url:43}}"];
            let value = template::expand(kinds[rng.random_range(0..kinds.len())], &mut rng).unwrap();
            let text = write(place, name, &value);
            if values(&text) != [value] {
                missed.push(write(place, name, "%"));
            }
        }
    }
    assert!(missed.is_empty(), "missed:\n{}", missed.join("\n"));
}

#[test]
fn what_stands_for_a_secret_is_none() {
    let mut alarms = Vec::new();
    for place in PLACES {
        for name in NAMES {
            for value in STAND_INS {
                let text = write(place, name, value);
                if !values(&text).is_empty() {
                    alarms.push(text);
                }
            }
        }
    }
    assert!(alarms.is_empty(), "{} false alarms:\n{}", alarms.len(), alarms.join("\n"));
}

#[test]
fn ids_are_unique_and_every_pattern_keeps_the_promises_of_rule_files() {
    let rules = rule::from_path("rules".as_ref()).unwrap();
    let mut ids: Vec<&str> = rules.iter().map(|rule| &*rule.id).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(count >= 180, "{count} rules");
}

#[test]
fn what_is_embedded_is_what_the_files_hold() {
    let expanded = |rule: rule::Rule| {
        let not = rule.filters.not.iter().map(|not| rule::expanded(not).into()).collect();
        let filters = rule::Filters { not, ..rule.filters };
        rule::Rule { pattern: rule::expanded(&rule.pattern).into(), filters, ..rule }
    };
    let embedded: Vec<_> = rule::builtin_with_examples().into_iter().map(expanded).collect();
    assert_eq!(embedded, rule::from_path("rules".as_ref()).unwrap());
    let without = rule::Rule { examples: vec![], counterexamples: vec![], ..embedded[0].clone() };
    assert_eq!(expanded(rule::builtin().swap_remove(0)), without);
}

/// Rules whose secret starts with fixed characters, so that it is none without them.
fn prefixed() -> Vec<usize> {
    let starts = |pattern: &str| {
        let rest = pattern.strip_prefix(r"\b(?P<secret>")?.as_bytes();
        let literal = rest.first()?.is_ascii_alphanumeric() && !matches!(rest.get(1)?, b'{' | b'?' | b'*');
        literal.then_some(())
    };
    let rules = DETECTOR.rules().iter().enumerate();
    rules.filter(|(_, rule)| starts(&rule.pattern).is_some()).map(|(index, _)| index).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A random token is found, and is no token any more without its first character.
    #[test]
    fn a_token_is_found_only_with_its_prefix(pick: prop::sample::Index, seed: u64) {
        let candidates = prefixed();
        prop_assert!(candidates.len() > 100);
        let index = *pick.get(&candidates);
        let rule = &DETECTOR.rules()[index];
        let text = template::expand(&rule.examples[0], &mut StdRng::seed_from_u64(seed)).unwrap();
        let found = DETECTOR.scan(text.as_bytes()).unwrap();
        prop_assert_eq!(found.len(), 1, "{}", rule.id);
        prop_assert_eq!(found[0].rule, index, "{}", rule.id);
        let cut = format!("{}{}", &text[..found[0].secret.start], &text[found[0].secret.start + 1..]);
        let again = DETECTOR.scan(cut.as_bytes()).unwrap();
        prop_assert!(again.iter().all(|found| found.rule != index), "{} finds a token without its prefix", rule.id);
    }

}

#[test]
fn random_text_holds_hardly_any_secret() {
    // Always the same texts: sooner or later chance writes `pw:` and a good password.
    let mut runner = TestRunner::deterministic();
    let text = proptest::string::string_regex("[ -~\\n]{0,400}").unwrap();
    let found = (0..1000).filter(|_| !values(&text.new_tree(&mut runner).unwrap().current()).is_empty());
    assert!(found.count() <= 2);
}

const GOOD: &str = "- id: acme-token
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

#[test]
fn a_wrong_rule_file_is_told_by_file_line_and_column() {
    let twice = format!("{GOOD}\n{GOOD}");
    let cases = [
        ("id: acme-token", "id: Acme Token", "f.yaml:1:3: rule `Acme Token`: the id must be"),
        ("severity: high", "severity: hgih", "f.yaml:3:13: "),
        ("title: ACME token", "titel: ACME token", "f.yaml:2:3: "),
        ("[acme_]", "[ac]", "f.yaml:5:3: rule `acme-token`: keyword `ac`"),
        ("[acme_]", "[]", "f.yaml:5:3: rule `acme-token`: `keywords` is empty"),
        ("{12}\\b'", "{12'", "f.yaml:6:3: rule `acme-token`: `pattern` does not compile"),
        ("{12}\\b'", "+'", "f.yaml:6:3: rule `acme-token`: a match of `pattern` may span any number of"),
        ("{12}\\b'", "{12000}'", "f.yaml:6:3: rule `acme-token`: a match of `pattern` may span 12005"),
        ("{12}\\b'", "{{nope}}'", "f.yaml:6:3: rule `acme-token`: `pattern` does not compile: there is no"),
        (
            "'\\bacme",
            "'(?u:\\b)acme",
            "f.yaml:6:3: rule `acme-token`: `pattern` does not compile: a word boundary",
        ),
        (", 'acme_{{hex:12}}']", "]", "f.yaml:7:3: rule `acme-token`: `examples` needs at least two"),
        (", 'acme_token']", "]", "f.yaml:8:3: rule `acme-token`: `counterexamples` needs at least two"),
        ("https://acme.dev/tokens", "see the wiki", "f.yaml:9:3: rule `acme-token`: `reference`"),
        ("Revoke it.", "''", "f.yaml:10:3: rule `acme-token`: `advice` is empty"),
        (GOOD, twice.as_str(), "f.yaml:12:3: rule `acme-token`: the id is taken by f.yaml:1"),
        ("keywords: [acme_]", "keywords: [acme_", "f.yaml:"),
    ];
    assert_eq!(rule::from_yaml("f.yaml", GOOD).unwrap().len(), 1);
    for (old, new, expected) in cases {
        let text = GOOD.replacen(old, new, 1);
        let error = rule::from_yaml("f.yaml", &text).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}\nshould start with\n{expected}");
    }
}

fn unleak(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unleak")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn rules_are_listed_shown_and_checked() {
    let list = unleak(&["rules", "list"]);
    assert_eq!(list.status.code(), Some(0));
    let line =
        text(&list.stdout).lines().find(|line| line.starts_with("session-secret ")).unwrap().to_owned();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["session-secret", "critical", "high", "Session", "secret"]
    );

    let json = unleak(&["rules", "list", "--format", "json"]);
    let rules: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(rules.as_array().unwrap().len(), rule::builtin().len());

    let show = text(&unleak(&["rules", "show", "session-secret"]).stdout);
    assert!(show.contains("unleak rotate") && show.contains("SESSION_SECRET={{hex:128}}"), "{show}");

    let check = unleak(&["rules", "check"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
}

#[test]
fn an_unknown_rule_is_answered_with_the_nearest_one() {
    for (typed, meant) in [
        ("sesion-secret", "session-secret"),
        ("jwt", "jwt-secret"),
        ("stripe-live-key", "stripe-live-secret-key"),
    ] {
        let show = unleak(&["rules", "show", typed]);
        assert_eq!(show.status.code(), Some(2));
        let message = text(&show.stderr);
        assert!(message.contains(&format!("did you mean `{meant}`")), "{message}");
    }
}

#[test]
fn rule_files_and_folders_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let empty = unleak(&["rules", "check", path]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(text(&empty.stderr).contains("holds no rule file"));

    write_file(folder.path(), "good.yml", GOOD);
    let good = unleak(&["rules", "check", path]);
    assert_eq!(good.status.code(), Some(0));
    assert!(text(&good.stdout).contains("1 rule with 2 examples and 2 counterexamples: all in order"));

    write_file(
        folder.path(),
        "more.yaml",
        &GOOD.replace("acme", "other").replace("_{{hex:11}}", "_{{hex:12}}"),
    );
    let alarm = unleak(&["rules", "check", path]);
    assert_eq!(alarm.status.code(), Some(2));
    assert!(text(&alarm.stdout).contains("finds a secret in its counterexample"), "{}", text(&alarm.stdout));

    let said = text(&alarm.stdout);
    assert!(said.contains("more.yaml:8:3: rule `other-token`: finds a secret"), "{said}");
    assert!(said.contains("hint: narrow the pattern"), "{said}");

    let foreign = GOOD.replace("[acme_]", "[acme_, akme_]").replace("acme-token", "more-token");
    write_file(folder.path(), "more.yaml", &foreign.replace("acme_", "zcme_"));
    let warned = unleak(&["rules", "check", path]);
    let said = text(&warned.stdout);
    assert_eq!(warned.status.code(), Some(0), "{said}");
    assert!(
        said.contains("warning: ") && said.contains("more.yaml:5:3: rule `more-token`: no match"),
        "{said}"
    );
    assert!(said.contains("2 rules with 4 examples and 4 counterexamples: 1 warning"), "{said}");

    let missing = unleak(&["rules", "check", "no-such-file.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("cannot read the rules in no-such-file.yaml"));
}

fn write_file(folder: &std::path::Path, name: &str, content: &str) {
    use std::io::Write as _;
    std::fs::File::create(folder.join(name)).unwrap().write_all(content.as_bytes()).unwrap();
}
