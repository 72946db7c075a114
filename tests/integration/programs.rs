//! The files in which programs keep their passwords: every line that holds one is told, and the files that only look like
//! them are not.

use crate::repo::Repo;
use crate::tokens::hex128;

/// Files by path. `{p}` is a password, `{h}` hexadecimal digits, `{a}` letters and digits; each stands on a line at risk.
const FILES: [(&str, &str); 37] = [
    (".offlineimaprc", "[Repository r]\nremoteuser = ada\nremotepass = {p}\n"),
    ("irc.conf", "[server]\nacme.password = \"{p}\"\nacme.command = \"/msg NickServ IDENTIFY {p}\"\n"),
    ("unattend.xml", "<AdministratorPassword>\n  <Value>{p}</Value>\n</AdministratorPassword>\n"),
    ("standalone.xml", "<security><password>{p}</password></security>\n"),
    ("jenkins.xml", "<password>{AQAAABAAAAA{a}{a}=}</password>\n"),
    ("deploy.rb", "set :password, '{p}'\nset :scm_passphrase, \"{p}\"\n"),
    ("vars.erl", "{password, \"{p}\"}.\n-define(PASSWORD, \"{p}\").\n"),
    ("main.tfvars", "vm_passwords = [\"{p}\"]\ndb_pass = \"{p}\"\n"),
    ("knife.rb", "knife[:vsphere_pass] = \"{p}\"\n"),
    ("app.ino", "char pass[] = \"{p}\";\n#define STAPSK \"{p}\"\n"),
    ("legacy.php", "$conf['db']['pw'] = '{p}';\n$ok = ftp_login($link, 'ada', '{p}');\n"),
    ("db.py", "db = driver.connect('db1', 'sa', '{p}', 'shop')\n"),
    ("main.go", "sql.Open(\"mysql\", \"root:{p}@tcp(db1:3306)/shop\")\n"),
    ("sip.conf", "[100]\ntype=friend\nsecret={p}\n"),
    ("xl2tpd.conf", "[lac office]\n  name = ada\n  secret = {p}\n"),
    ("ipsec.secrets", "ada : EAP \"{p}\"\nada : XAUTH \"{p}\"\n"),
    ("uci/wireless", "config wifi-iface\n\toption encryption 'psk2'\n\toption key '{p}'\n"),
    ("switch.cfg", "username ada secret {p}\nntp authentication-key 1 md5 {p}\n"),
    ("haproxy.cfg", "  stats auth admin:{p}\n"),
    ("monitrc", "  allow ada:{p}\n"),
    ("upsmon.conf", "MONITOR ups@localhost 1 mon {p} master\n"),
    ("up.ftp", "open files.acme.dev\nuser ada {p}\nput a.tgz\n"),
    (".lftprc", "open -u ada,{p} files.acme.dev\n"),
    ("svn.simple", "K 8\npassword\nV 13\n{p}\nK 15\n"),
    ("jwt.json", "{\"Jwt\": {\"Key\": \"{a}{a}\", \"Issuer\": \"acme\"}}\n"),
    (
        "ops.sh",
        "sudo useradd -p {p} ada\nipmitool -H 10.0.0.1 -U ADMIN -P {p} power status\nmongo -u root -p {p} admin\n",
    ),
    ("win.bat", "schtasks /create /ru ada /rp {p}\nosql -U sa -P {p}\nsigntool sign /f a.pfx /p {p} a.exe\n"),
    ("mac.sh", "security unlock-keychain -p {p} build.keychain\nsudo -S <<< '{p}' ls\n"),
    ("AppDelegate.m", "[Client startWithKey:@\"{a}{a}\"];\n"),
    ("notes.txt", "wifi office: {p}\nadmin:{p}\nlogin ada pass {p}\n"),
    ("mails.txt", "Importer token: {spaced}\n"),
    ("openvpn/auth.txt", "ada\n{p}\n"),
    ("etc/ppp/chap-secrets", "# client server secret\n\"ada\" * \"{p}\" *\n"),
    (".davfs2/secrets", "https://cloud.acme.dev/dav ada \"{p}\"\n"),
    ("rsyncd.secrets", "backup:{p}\n"),
    ("secrets/quoted_password.txt", "\n\"{p}\"\n"),
    ("smbpasswd", "ada:1000:{H}:{H}:[U          ]:LCT-5841A308:\n"),
];

/// A text with random values, and the lines that hold one.
fn filled(text: &str, seed: &mut u64) -> (String, Vec<u64>) {
    let mut lines = Vec::new();
    let mut out = String::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let mut line = line.to_owned();
        for mark in ["{p}", "{h}", "{H}", "{a}", "{spaced}"] {
            while let Some(at) = line.find(mark) {
                *seed += 1;
                let hex = hex128(*seed);
                let mixed: String = hex.bytes().zip(b"QwZxKvPm".iter().cycle()).take(16).map(mix).collect();
                let value = match mark {
                    "{p}" => format!("Vq7!{}", &mixed[..8]),
                    "{h}" => hex[..32].to_owned(),
                    "{H}" => hex[..32].to_ascii_uppercase(),
                    "{a}" => mixed,
                    _ => format!("{mixed}{}", &hex[..8]).chars().flat_map(|sign| [sign, ' ']).collect(),
                };
                line.replace_range(at..at + mark.len(), &value);
                lines.push(number as u64 + 1);
            }
        }
        out.push_str(&line);
    }
    lines.dedup();
    (out, lines)
}

/// A digit, or a letter of the pattern.
fn mix((digit, letter): (u8, &u8)) -> char {
    char::from(if digit.is_ascii_digit() { digit } else { letter ^ (digit & 1) << 5 })
}

#[test]
fn what_programs_keep_in_their_files_is_found() {
    let repo = Repo::new();
    let (mut seed, mut expected) = (900, Vec::new());
    for (path, text) in FILES {
        let (text, lines) = filled(text, &mut seed);
        repo.write(path, text);
        expected.extend(lines.into_iter().map(|line| (path.to_owned(), line)));
    }
    let ran = repo.scan(&["--no-git", "--format", "json"]);
    let found: Vec<(String, u64)> = ran
        .occurrences()
        .iter()
        .map(|place| (place["path"].as_str().unwrap().to_owned(), place["line"].as_u64().unwrap()))
        .collect();
    let missed: Vec<_> = expected.iter().filter(|place| !found.contains(place)).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn a_value_with_blanks_between_its_signs_is_told_as_it_is_meant() {
    let repo = Repo::new();
    let value = format!("{}xK9w", &hex128(77)[..28]);
    let spaced: String = value.chars().flat_map(|sign| [sign, ' ']).collect();
    repo.write("notes.txt", format!("Importer token: {}\n", spaced.trim_end()));
    let ran = repo.scan(&["--no-git", "--format", "json", "--show-secrets"]);
    assert!(ran.out.contains(&value), "{}", ran.out);
    assert_eq!(ran.occurrences()[0]["encoding"], "spaced", "{}", ran.out);
}

#[test]
fn files_that_only_look_like_them_are_clean() {
    let repo = Repo::new();
    for (path, text) in [
        ("sip.conf", "[100]\nsecret=changeme\nsecret = ${SIP_SECRET}\n"),
        ("auth.txt", "ada\n<password>\n"),
        ("credentials.txt", "Ask the operator of the day for the password of this host.\n"),
        ("notes.txt", "wifi: WPA2-Enterprise\nroot: ./src/app2\nlogin with GitHub and OAuth2\n"),
        ("app.erl", "{password, Password}.\n-define(PASSWORD, os:getenv(\"PASSWORD\")).\n"),
        ("deploy.rb", "set :password, ENV['DEPLOY_PASSWORD']\n"),
        ("main.tf", "vm_passwords = [var.first_password, var.second_password]\n"),
        ("jwt.yaml", "jwt:\n  issuer: acme\n  key: ${JWT_KEY}\n"),
        ("passwd", "root:x:0:0:root:/root:/bin/bash\nada:*:1000:1000::/home/ada:/bin/sh\n"),
        ("list.txt", "tokens: a b c d e f g h i j k l m n\n"),
    ] {
        repo.write(path, text);
    }
    let ran = repo.scan(&["--no-git", "--format", "json"]);
    assert_eq!(ran.json()["findings"], serde_json::json!([]), "{}", ran.out);
}
