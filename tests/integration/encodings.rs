//! Secrets that do not stand in plain text: each encoding, in every place that a scan reads.

use crate::repo::{Ran, Repo, unleak};
use crate::tokens::github;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::LazyLock;
use unleak::detect::Detector;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new(unleak::rule::builtin()).unwrap());

/// A text that holds the token in some encoding, the encoding's name, and the line it stands in.
struct Case {
    encoding: &'static str,
    text: Vec<u8>,
    line: u64,
}

fn case(encoding: &'static str, line: u64, text: impl Into<Vec<u8>>) -> Case {
    Case { encoding, text: text.into(), line }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn utf_32(text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().flat_map(|character| bytes(character.into())).collect()
}

/// As `xxd` shows it: an offset, groups of so many bytes, and the characters.
fn dumped(text: &str, group: usize) -> String {
    let mut lines = String::new();
    for (number, line) in text.as_bytes().chunks(16).enumerate() {
        let groups: Vec<String> = line.chunks(group).map(hex::encode).collect();
        writeln!(lines, "{:08x}: {}  {}", number * 16, groups.join(" "), String::from_utf8_lossy(line))
            .unwrap();
    }
    lines
}

/// Every character of the text in a form of its own.
fn each(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

/// Broken into lines.
fn wrapped(text: &str, width: usize, indent: &str) -> String {
    text.as_bytes().chunks(width).fold(String::new(), |mut lines, line| {
        writeln!(lines, "{indent}{}", String::from_utf8_lossy(line)).unwrap();
        lines
    })
}

fn prose() -> String {
    (0..12).fold(String::new(), |text, number| text + &format!("Line {number} of a file that says little. "))
}

fn cases(token: &str) -> Vec<Case> {
    let note = format!("{}export TOKEN={token}\nand more", prose());
    let (head, tail) = token.split_at(17);
    let packed = STANDARD.encode(gzip(note.as_bytes()));
    vec![
        case("base64", 2, format!("# a secret\ndata: {}\n", STANDARD.encode(token))),
        case("base64", 1, format!("{{\"auth\":\"{}\"}}", STANDARD_NO_PAD.encode(format!("user:{token}")))),
        case("base64", 1, format!("u={}&v=1", URL_SAFE.encode(format!("???>>>{token}")))),
        case("base64", 1, format!("u={}&v=1", URL_SAFE_NO_PAD.encode(format!("~~~???>>>{token}")))),
        case("base64", 10, format!("MIME\n\n{}", wrapped(&STANDARD.encode(&note), 76, ""))),
        case("base64", 10, format!("data:\n  .env: |\n{}", wrapped(&STANDARD.encode(&note), 76, "    "))),
        case("base64", 1, format!("https://example.org/invite/by/link/{}", URL_SAFE_NO_PAD.encode(token))),
        case("base64+base64", 2, format!("x\n{}\n", STANDARD.encode(STANDARD.encode(token)))),
        case("base64+gzip", 1, format!("release: {packed}\n")),
        case("base64+base64+gzip", 1, format!("release: {}\n", STANDARD.encode(&packed))),
        case("base64+zlib", 1, format!("state = \"{}\"\n", STANDARD.encode(zlib(note.as_bytes())))),
        case(
            "base64+utf-16le",
            1,
            format!("powershell -e {}\n", STANDARD.encode(utf_16(&note, u16::to_le_bytes))),
        ),
        case("hex", 2, format!("\n{}\n", hex::encode(token))),
        case("hex", 1, format!("SELECT 0x{} FROM t", hex::encode_upper(token))),
        case(
            "percent",
            1,
            format!("https://example.org/?next={}&x=1", each(token, |byte| format!("%{byte:02X}"))),
        ),
        case("percent", 1, format!("?a=%7B%22t%22%3A%22{}%22%7D", token.replace('_', "%5F"))),
        case(
            "percent+base64",
            1,
            format!(
                "auth={}",
                STANDARD.encode(format!("{token}:")).replace('=', "%3D").replacen('Z', "%5A", 1)
            ),
        ),
        case("escape", 1, format!("t = \"{}\";", each(token, |byte| format!("\\u{byte:04x}")))),
        case("escape", 1, format!("t = \"{}\";", each(token, |byte| format!("\\x{byte:02x}")))),
        case("escape", 1, format!("t = \"{}\";", each(token, |byte| format!("\\{byte:03o}")))),
        case("entity", 1, format!("<p>{}</p>", each(token, |byte| format!("&#{byte};")))),
        case("entity", 1, format!("<p>{}</p>", each(token, |byte| format!("&#x{byte:x};")))),
        case(
            "utf-16le",
            2,
            [b"\xff\xfe".to_vec(), utf_16(&format!("a first line\r\nt={token}\r\n"), u16::to_le_bytes)]
                .concat(),
        ),
        case(
            "utf-16be",
            2,
            [b"\xfe\xff".to_vec(), utf_16(&format!("a first line\r\nt={token}\r\n"), u16::to_be_bytes)]
                .concat(),
        ),
        case("utf-16le", 2, utf_16(&format!("a first line\nt={token}\n"), u16::to_le_bytes)),
        case("utf-32le", 2, utf_32(&format!("a first line\nt={token}\n"), u32::to_le_bytes)),
        case("utf-32be", 2, utf_32(&format!("\u{feff}a first line\nt={token}\n"), u32::to_be_bytes)),
        case(
            "base64+zstd",
            1,
            format!(
                "release: {}\n",
                STANDARD.encode(ruzstd::encoding::compress_to_vec(
                    note.as_bytes(),
                    ruzstd::encoding::CompressionLevel::Fastest
                ))
            ),
        ),
        case("hexdump", 1, dumped(&format!("token {token} and some more text"), 2)),
        case("hexdump", 1, dumped(&format!("token {token} and some more text"), 1)),
        case("hexdump", 2, format!("x\n{}\n", each(token, |byte| format!("{byte:02x} ")))),
        case(
            "quoted-printable",
            1,
            format!("Hello, this is a line that a relay breaks since it is long: token=3D{head}=\n{tail}\n"),
        ),
        case("colour", 1, format!("token: \x1b[1;32m{head}\x1b[0m\x1b[33m{tail}\x1b[0m\n")),
        case("escape", 1, format!("The token {} is old.\n", token.replace('_', "\\_"))),
        case("split", 1, format!("let t = ['{head}', '{tail}'].join('');\n")),
        case("split", 1, format!("t = \"\".join([\"{head}\", \"{tail}\"])\n")),
        case("split", 1, format!("t = \"%s%s\" % (\"{head}\", \"{tail}\")\n")),
        case("split", 1, format!("t = \"{head}\" & _\n    \"{tail}\"\n")),
        case("split", 1, format!("t = \"{head}\" + \"{tail}\";\n")),
        case("split", 1, format!("$t = '{head}' . '{tail}';\n")),
        case("split", 2, format!("x = 1\nt = (\"{head}\"\n     \"{tail}\")\n")),
        case("split", 1, format!("char *t = \"{head}\\\n{tail}\";\n")),
        case(
            "wrapped",
            3,
            format!(
                "---\nnote: >-\n  {0}{head}\n  {tail}\n",
                &"abcdefghijklmnopqrstuvwxyz.".replace('.', "-")
            ),
        ),
    ]
}

fn stdin(repo: &Repo, bytes: &[u8]) -> Ran {
    let mut command = unleak(repo.path(), repo.path());
    let mut child = command
        .args(["scan", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

/// `where path:line encoding` of every occurrence.
fn told(ran: &Ran) -> Vec<String> {
    let places = ran.occurrences();
    ran.places()
        .iter()
        .zip(&places)
        .map(|(place, all)| format!("{place} {}", all["encoding"].as_str().unwrap_or("plain")))
        .collect()
}

#[test]
fn every_encoding_is_found_on_standard_input() {
    let repo = Repo::new();
    for (number, case) in cases(&github(70)).iter().enumerate() {
        let ran = stdin(&repo, &case.text);
        let shown = String::from_utf8_lossy(&case.text).replace(&github(70), "TOKEN");
        assert_eq!(
            told(&ran),
            [format!("stdin -:{} {}", case.line, case.encoding)],
            "case {number}: {shown} {}",
            ran.err
        );
        let finding = &ran.json()["findings"][0];
        assert_eq!(finding["rule"], "github-personal-access-token", "case {number}");
        assert_eq!(finding["secret"]["length"], 40, "case {number}");
    }
}

#[test]
fn every_encoding_is_found_in_files_in_the_index_and_in_deltas() {
    let repo = Repo::new();
    let mut expected = Vec::new();
    for (number, case) in cases(&github(71)).iter().enumerate() {
        let name = format!("{number:02}.txt");
        let filler = prose().repeat(9).replace(". ", ".\n");
        let is_wide = case.encoding.starts_with("utf-16");
        let before = if is_wide {
            utf_16(&filler, if case.encoding == "utf-16le" { u16::to_le_bytes } else { u16::to_be_bytes })
        } else {
            filler.into_bytes()
        };
        // The secret comes with the second version, and the third, made from it, has more text before and behind it.
        repo.write(&name, &before);
        let second = [before.clone(), b"\n".to_vec().repeat(2), case.text.clone(), b"\n\n".to_vec()].concat();
        expected.push((name, case.encoding, before, second));
    }
    repo.commit("first");
    for (name, _, _, second) in &expected {
        repo.write(name, second);
    }
    let staged = {
        repo.git(&["add", "-A"]);
        repo.scan(&["--staged", "--format", "json"])
    };
    let came = repo.commit("second");
    for (name, _, before, second) in &expected {
        repo.write(name, [&before[..400], second, &before[..700]].concat());
    }
    repo.commit("third");
    repo.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50"]);
    let history = repo.scan(&["--format", "json"]);
    let folder = repo.scan(&["--no-git", "--format", "json"]);
    for (ran, place) in [(&staged, "index"), (&history, "history"), (&folder, "worktree")] {
        assert_eq!(ran.json()["findings"].as_array().unwrap().len(), 1, "one secret, {place}");
        let places = ran.occurrences();
        for (name, encoding, ..) in &expected {
            let here: Vec<_> = places.iter().filter(|one| one["path"] == name.as_str()).collect();
            assert_eq!(here.len(), 1, "{name} {encoding} {place}: {here:?}");
            assert_eq!(
                (&here[0]["encoding"], &here[0]["where"]),
                (&(*encoding).into(), &place.into()),
                "{name}"
            );
            if place == "history" {
                assert_eq!(here[0]["commit"], came.as_str(), "{name}");
            }
        }
    }
}

#[test]
fn a_plain_and_an_encoded_occurrence_are_one_finding() {
    let repo = Repo::new();
    let token = github(72);
    let encoded = STANDARD.encode(format!("t:{token}"));
    let ran = stdin(&repo, format!("plain {token}\n# base64: {encoded}\n").as_bytes());
    assert_eq!(told(&ran), ["stdin -:1 plain", "stdin -:2 base64"]);
    let place = &ran.occurrences()[1];
    assert_eq!(
        (&place["column"], &place["end_column"]),
        (&13.into(), &(11 + encoded.len()).into()),
        "from the third byte on"
    );
    repo.write("a.txt", &encoded);
    for format in ["human", "json", "jsonl", "sarif"] {
        let ran = repo.scan(&["--no-git", "--format", format]);
        assert_eq!(ran.code, 1);
        assert!(ran.out.contains("base64"), "{format} tells the encoding: {}", ran.out);
        assert!(!ran.out.contains(&token) && !ran.out.contains(&encoded), "{format} shows no secret");
    }
}

#[test]
fn a_name_before_an_encoded_value_makes_it_a_secret() {
    let repo = Repo::new();
    let secret = crate::tokens::hex128(73);
    let text = format!(
        "apiVersion: v1\nkind: Secret\ndata:\n  SESSION_SECRET: {}\n",
        STANDARD.encode(format!("s-{}", &secret[..40]))
    );
    let ran = stdin(&repo, text.as_bytes());
    assert_eq!(told(&ran), ["stdin -:4 base64"]);
    assert_eq!(ran.json()["findings"][0]["secret"]["length"], 42, "the value, not its encoding");
}

#[test]
fn decoding_can_be_turned_off() {
    let repo = Repo::new();
    repo.write("secret.yaml", STANDARD.encode(github(74)));
    assert_eq!(repo.scan(&["--no-git"]).code, 1);
    assert_eq!(repo.scan(&["--no-git", "--no-decode"]).code, 0);
}

#[test]
fn a_marker_inside_the_encoding_allows_it() {
    let repo = Repo::new();
    repo.write("a.ps1", utf_16(&format!("$t = '{}' # unleak:allow\r\n", github(75)), u16::to_le_bytes));
    assert_eq!(repo.scan(&["--no-git"]).code, 0);
}

#[test]
fn a_bomb_ends_quickly_and_is_told() {
    let repo = Repo::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..1024 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    repo.write("bomb.txt", STANDARD.encode(encoder.finish().unwrap()));
    let ran = repo.scan(&["--no-git", "--format", "json"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let skip = &ran.json()["coverage"]["skipped"][0];
    assert_eq!(skip["what"], "bomb.txt");
    assert!(skip["reason"].as_str().unwrap().contains("8 MiB"), "{skip}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// What is random says nothing in any encoding.
    #[test]
    fn random_bytes_say_nothing(bytes in proptest::collection::vec(any::<u8>(), 16..3000), width in 40..100usize) {
        for encoded in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes), hex::encode(&bytes), wrapped(&STANDARD.encode(&bytes), width, "  ")] {
            for text in [format!("data: \"{encoded}\"\n"), format!("SESSION_SECRET_DATA: {encoded}\n")] {
                let found = DETECTOR.scan(text.as_bytes()).unwrap();
                prop_assert!(found.iter().all(|found| found.decoded.is_none()), "{} in {}", found.len(), text);
            }
        }
    }
}
