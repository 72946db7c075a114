//! Weak passwords: told where accounts are kept, and nowhere else.

use crate::repo::{Repo, git};
use crate::tokens::github;
use std::io::Write as _;
use std::process::Stdio;

/// Files that keep accounts, with the lines at risk. `{w}` is a word, `{b}` the base64 of a user and one.
const KEPT: [(&str, &str, &[u64]); 23] = [
    ("home/.pgpass", "example.acme.dev:5432:shop:ada:{w}\n", &[1]),
    (".netrc", "machine git.acme.dev\n  login ada\n  password {w}\n", &[3]),
    (".mbsyncrc", "IMAPAccount work\nHost imap.acme.dev\nUser ada\nPass {w}\n", &[4]),
    (".fetchmailrc", "poll mail.acme.dev proto IMAP\n  user 'ada' there with password '{w}'\n", &[2]),
    (".pgpass", "db.acme.dev:5432:shop:ada:{w}\n", &[1]),
    (".bash_history", "passwd ada\nsshpass -p {w} ssh ada@db1\n", &[2]),
    (".docker/config.json", "{\"auths\": {\"r.acme.dev\": {\"auth\": \"{b}\"}}}\n", &[1]),
    (".git-credentials", "https://ada:{w}@git.acme.dev\n", &[1]),
    (".hgrc", "[auth]\nx.username = ada\nx.password = {w}\n", &[3]),
    ("sitemanager.xml", "<Server>\n<User>ada</User>\n<Pass>{w}</Pass>\n</Server>\n", &[3]),
    ("etc/ppp/chap-secrets", "ada * {w} 10.0.0.4\n", &[1]),
    ("etc/postfix/sasl_passwd", "relay.acme.dev ada:{w}\n", &[1]),
    ("etc/ipsec.secrets", "10.0.0.1 10.0.0.2 : PSK \"{w}\"\n", &[1]),
    ("etc/snmp/snmpd.conf", "rocommunity {w} 10.0.0.0/8\nrocommunity public\n", &[1]),
    ("etc/fstab", "//nas/share /mnt cifs username=ada,password={w} 0 0\n", &[1]),
    ("config/database.yml", "production:\n  username: ada\n  password: {w}\n", &[3]),
    ("wp-config.php", "define('DB_USER', 'ada');\ndefine('DB_PASSWORD', '{w}');\n", &[2]),
    ("configuration.php", "class C {\n  public $user = 'ada';\n  public $password = '{w}';\n}\n", &[3]),
    ("application.properties", "db.user=ada\ndb.password={w}\n# db.password=lantern\n", &[2]),
    ("Vagrantfile", "config.ssh.username = \"ada\"\nconfig.ssh.password = \"{w}\"\n", &[2]),
    ("router.cfg", "username ada privilege 15 password 0 {w}\nenable password {w}\n", &[1, 2]),
    ("old/my.cnf.bak", "[client]\nuser=ada\npassword={w}\n", &[3]),
    ("users.conf", "SQLConnectInfo shop@localhost ada {w}\n", &[1]),
];

fn filled(text: &str) -> String {
    use base64::Engine as _;
    let word = ["vel", "vet"].concat();
    let login = base64::engine::general_purpose::STANDARD.encode(format!("ada:{word}"));
    text.replace("{w}", &word).replace("{b}", &login)
}

#[test]
fn a_word_is_told_where_accounts_are_kept() {
    let repo = Repo::new();
    let mut expected = Vec::new();
    for (path, text, lines) in KEPT {
        repo.write(path, filled(text));
        expected.extend(lines.iter().map(|line| (path.to_owned(), *line)));
    }
    let ran = repo.scan(&["--no-git", "--format", "json"]);
    let places = ran.occurrences();
    let told: Vec<(String, u64)> = places
        .iter()
        .map(|place| (place["path"].as_str().unwrap().to_owned(), place["line"].as_u64().unwrap()))
        .collect();
    let missed: Vec<_> = expected.iter().filter(|place| !told.contains(place)).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
    let other: Vec<_> = told.iter().filter(|place| !expected.contains(place)).collect();
    assert!(other.is_empty(), "told too: {other:?}");
}

#[test]
fn a_word_is_told_in_history_too_and_says_why() {
    let repo = Repo::new();
    repo.write(".netrc", filled("machine git.acme.dev login ada password {w}\n"));
    repo.commit("add");
    repo.write(".netrc", "machine git.acme.dev login ada\n");
    repo.commit("remove");
    let ran = repo.scan(&["--format", "json"]);
    assert_eq!(ran.occurrences().len(), 1, "{}", ran.out);
    assert!(ran.out.contains("a file that keeps accounts"), "{}", ran.out);
}

#[test]
fn the_same_words_elsewhere_are_none() {
    let repo = Repo::new();
    for (path, text) in [
        ("README.md", "The password is {w}.\n\n    password: {w}\n    user: ada\n"),
        ("docs/config.yml", "username: ada\npassword: {w}\n"),
        ("config.example.yml", "username: ada\npassword: {w}\n"),
        ("tests/.netrc", "machine git.acme.dev login ada password {w}\n"),
        ("src/login.ts", "const password = '{w}';\n"),
        ("config/locales/de.yml", "de:\n  password: Kennwort\n"),
        ("config/ldap.yml", "password: plain\nauth_password_type: bcrypt\npassword_store: keyring\n"),
        ("compose.yml", "DB_USER: {w}\nDB_NAME: {w}\nDB_PASSWORD: {w}\n"),
        ("app.properties", "db.password=secret\ndb2.password=changeme\n#db3.password={w}\n"),
        (
            "config/routes.js",
            "['signIn', 'resetPwd', 'forgotMine', 'askFor',\n 'password', '{w}', 'other']\n",
        ),
        ("api/config.yaml", "password:\n  type: string\n  example: {w}\n"),
        ("sql/init.sql", "SET PASSWORD FOR 'root'@'{w}' = PASSWORD('');\n"),
        (
            "chart/secrets.yaml",
            "password: {{ include \"passwords\" (dict \"key\" \"password\" \"{w}\" $) }}\n",
        ),
        ("complete.sh", "--@(user|basic-auth-password|{w}-file|{w})\n"),
    ] {
        repo.write(path, filled(text));
    }
    let ran = repo.scan(&["--no-git", "--format", "json"]);
    assert_eq!(ran.json()["findings"], serde_json::json!([]), "{}", ran.out);
}

#[test]
fn a_file_in_an_archive_is_what_its_path_there_says() {
    let mut builder = tar::Builder::new(Vec::new());
    let word = filled("machine git.acme.dev login ada password {w}\n");
    let value = format!("Quartz-{}-lantern\n", 41);
    for (path, text) in [
        ("home/ada/.netrc", &word),
        ("run/secrets/shop", &value),
        ("src/login.js", &word),
        ("src/shop", &value),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    let repo = Repo::new();
    repo.write("backup.tar", builder.into_inner().unwrap());
    repo.commit("add");
    let expected = ["archive:home/ada/.netrc backup.tar:1", "archive:run/secrets/shop backup.tar:1"];
    for args in [&["--format", "json"][..], &["--format", "json", "--no-git"]] {
        let mut places = repo.scan(args).places();
        places.sort();
        places.dedup();
        assert_eq!(places, expected, "{args:?}");
    }
}

/// The name of the tree of these lines, as `git mktree` takes them.
fn tree(repo: &Repo, lines: &str) -> String {
    let mut made =
        git(repo.path(), 0).arg("mktree").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    made.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    String::from_utf8(made.wait_with_output().unwrap().stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_weak_password_in_very_many_places_hides_no_place_of_a_secret() {
    let repo = Repo::new();
    repo.write("netrc", filled("machine git.acme.dev login ada password {w}\n"));
    let weak = repo.git(&["hash-object", "-w", "netrc"]);
    repo.write("netrc", format!("token {}\n", github(31)));
    let secret = repo.git(&["hash-object", "-w", "netrc"]);
    repo.remove("netrc");
    // A million paths to one file, in a few trees.
    let mut folders = tree(&repo, &format!("100644 blob {weak}\t.netrc\n"));
    for _ in 0..6 {
        let lines: Vec<String> =
            (0..10).map(|number| format!("040000 tree {folders}\tfolder{number}\n")).collect();
        folders = tree(&repo, &lines.concat());
    }
    let first = repo.git(&["commit-tree", "-m", "many", &folders]);
    let both = tree(&repo, &format!("040000 tree {folders}\tmany\n100644 blob {secret}\tkey.txt\n"));
    let commit = repo.git(&["commit-tree", "-p", &first, "-m", "secret", &both]);
    repo.git(&["update-ref", "refs/heads/main", &commit]);
    let ran = repo.scan(&["--format", "json"]);
    let places = ran.occurrences();
    let of_secret: Vec<_> = places.iter().filter(|place| place["path"] == "key.txt").collect();
    assert_eq!(of_secret.len(), 1, "{}", ran.err);
    assert_eq!((&of_secret[0]["where"], &of_secret[0]["commit"]), (&"history".into(), &commit.into()));
    assert!(places.len() > 1000, "the weak one is told too, where there was time for it");
    assert_eq!(ran.json()["coverage"]["complete"], false);
    assert!(ran.out.contains("where accounts and secrets are kept"), "{}", ran.err);
}
