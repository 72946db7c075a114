//! Archives in history, in the index, on disk and in standard input: their members are found by line, nested ones too,
//! and what is not read to its end is said.

use crate::repo::{Ran, Repo, unleak};
use crate::tokens::github;
use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::process::Stdio;
use zip::unstable::write::FileOptionsExt as _;
use zip::write::{SimpleFileOptions, ZipWriter};

const JSON: [&str; 2] = ["--format", "json"];

fn line(number: u64) -> Vec<u8> {
    format!("first line\ntoken {}\n", github(number)).into_bytes()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Archives by the name of their file, and where in them the token is.
fn every_form() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let nested = zip(&[("b/c.tgz", &gz(&tar(&[("d.env", &line(9))])))]);
    vec![
        ("app.jar", zip(&[("empty", b""), ("conf/app.properties", &line(1))]), "conf/app.properties"),
        ("plain.tar", tar(&[("a/b.env", &line(2))]), "a/b.env"),
        ("a.tgz", gz(&tar(&[("x", b"x"), ("a.env", &line(3))])), "a.env"),
        ("dump.sql.gz", gz(&line(4)), "content"),
        ("a.tar.bz2", bz2(&tar(&[("a.env", &line(5))])), "a.env"),
        ("a.tar.xz", xz(&tar(&[("a.env", &line(6))])), "a.env"),
        ("a.tar.zst", [zst(b""), zst(&tar(&[("a.env", &line(7))]))].concat(), "a.env"),
        ("no-ending", zip(&[("word/document.xml", &line(8))]), "word/document.xml"),
        ("nested.zip", tar(&[("a.zip", &nested)]), "a.zip!b/c.tgz!d.env"),
    ]
}

fn expected(place: &str) -> BTreeSet<String> {
    let forms = every_form().into_iter();
    // A file that is only compressed has the name that its own without the ending is, where that is known.
    let member = |name: &'static str, member| {
        if name == "dump.sql.gz" && place == "disk" { "dump.sql" } else { member }
    };
    forms.map(|(name, _, inside)| format!("archive:{} {name}:2", member(name, inside))).collect()
}

fn places(ran: &Ran) -> BTreeSet<String> {
    ran.places().into_iter().collect()
}

#[test]
fn every_form_is_opened_wherever_it_is() {
    let repo = Repo::new();
    repo.commit("start");
    for (name, bytes, _) in every_form() {
        repo.write(name, bytes);
    }
    assert_eq!(places(&repo.scan(&[&JSON[..], &["--no-git", "."]].concat())), expected("disk"));
    repo.git(&["add", "-A"]);
    assert_eq!(places(&repo.scan(&[&JSON[..], &["--staged"]].concat())), expected("disk"));
    let commit = repo.commit("archives");
    let all = repo.scan(&JSON);
    assert_eq!((places(&all), all.code), (expected("history"), 1), "{}", all.err);
    assert!(
        all.occurrences().iter().all(|place| place["commit"] == commit.as_str() && place["at_head"] == true)
    );
    assert!(all.json()["coverage"]["complete"].as_bool().unwrap(), "{}", all.out);
    let range = repo.scan(&[&JSON[..], &["--range", "HEAD~1..HEAD"]].concat());
    assert_eq!(places(&range), expected("disk"));
    repo.git(&["repack", "-q", "-a", "-d"]);
    assert_eq!(places(&repo.scan(&JSON)), expected("history"));
}

#[test]
fn an_archive_that_is_a_delta_is_opened_whole() {
    let repo = Repo::new();
    let filler: Vec<u8> =
        (0..60_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    repo.write("a.tar", tar(&[("filler", &filler), ("a.env", b"nothing\n")]));
    repo.commit("one");
    repo.write("a.tar", tar(&[("filler", &filler), ("a.env", &line(20))]));
    repo.commit("two");
    repo.git(&["repack", "-q", "-a", "-d", "-f"]);
    let ran = repo.scan(&JSON);
    assert_eq!(ran.places(), ["archive:a.env a.tar:2"], "{}", ran.err);
}

#[test]
fn archives_are_left_closed_on_request() {
    let repo = Repo::new();
    repo.write("a.tgz", gz(&tar(&[("a.env", &line(21))])));
    repo.commit("a");
    let ran = repo.scan(&[&JSON[..], &["--no-archives"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn standard_input_may_be_an_archive() {
    let repo = Repo::new();
    let mut command = unleak(repo.path(), repo.path());
    command.args(["scan", "--format", "json", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&gz(&tar(&[("a.env", &line(22))]))).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.places(), ["archive:a.env -:2"], "{}", ran.err);
}

#[test]
fn a_large_archive_is_read_as_a_stream() {
    let repo = Repo::new();
    // Bytes that do not compress, so that the archive itself is large.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    });
    let noise: Vec<u8> = noise.take(2_500_000).flatten().collect();
    repo.write("a.tgz", gz(&tar(&[("noise", &noise), ("a.env", &line(23))])));
    repo.write("a.zip", zip(&[("noise", &noise), ("a.env", &line(24))]));
    let expected: BTreeSet<String> =
        ["archive:a.env a.tgz:2", "archive:a.env a.zip:2"].map(str::to_owned).into();
    assert_eq!(places(&repo.scan(&JSON)), expected, "on disk");
    repo.git(&["-c", "core.compression=0", "add", "-A"]);
    assert_eq!(places(&repo.scan(&JSON)), expected, "loose");
    repo.commit("large");
    repo.git(&["-c", "core.compression=0", "repack", "-q", "-a", "-d"]);
    assert_eq!(places(&repo.scan(&JSON)), expected, "packed");
}

#[test]
fn what_is_not_read_is_named_and_never_clean() {
    let locked = {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("plain.txt", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"plain").unwrap();
        writer
            .start_file(
                "locked.txt",
                SimpleFileOptions::default().with_deprecated_encryption(b"key").unwrap(),
            )
            .unwrap();
        writer.write_all(b"locked").unwrap();
        writer.finish().unwrap().into_inner()
    };
    let deep = (0..6).fold(line(25), |inside, _| zip(&[("in.zip", &inside)]));
    let bomb = gz(&vec![0; 160 << 20]);
    let whole = gz(&tar(&[("a.env", &line(26))]));
    let cases: [(&str, &[u8], &[&str]); 6] = [
        ("locked.zip", &locked, &["locked.txt", "encrypted"]),
        ("deep.zip", &deep, &["in.zip!in.zip", "too many"]),
        ("bomb.gz", &bomb, &["bomb.gz", "too much"]),
        ("torn.tgz", &whole[..whole.len() / 2], &["torn.tgz"]),
        ("no.zip", b"PK\x03\x04 and then no zip file", &["no.zip", "cannot be opened"]),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04 and so on", &["a.7z", "7z"]),
    ];
    for (name, bytes, said) in cases {
        let repo = Repo::new();
        repo.write(name, bytes);
        let ran = repo.scan(&JSON);
        assert_eq!(ran.code, 3, "{name}: {} {}", ran.out, ran.err);
        let skipped = ran.json()["coverage"]["skipped"].to_string();
        assert!(said.iter().all(|word| skipped.contains(word)), "{name}: {skipped}");
    }
}

#[test]
fn pointers_of_git_lfs_are_followed_and_absent_files_told() {
    let repo = Repo::new();
    let (here, absent) = ("1a".repeat(32), "2b".repeat(32));
    let pointer =
        |name: &str| format!("version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize 90\n");
    repo.write("here.env", pointer(&here));
    repo.commit("here");
    repo.write(&format!(".git/lfs/objects/1a/1a/{here}"), line(27));
    let ran = repo.scan(&JSON);
    assert_eq!(
        (ran.places(), ran.json()["coverage"]["complete"].as_bool()),
        (vec!["history here.env:2".to_owned()], Some(true))
    );
    repo.write("absent.bin", pointer(&absent));
    repo.commit("absent");
    let skipped = repo.scan(&JSON).json()["coverage"]["skipped"].to_string();
    assert!(skipped.contains("1 file of Git LFS") && skipped.contains("git lfs fetch"), "{skipped}");
}

#[test]
fn encrypted_files_are_told_of() {
    let repo = Repo::new();
    repo.write("vault.yml", format!("{}\n6162\n", ["$ANSIBLE", "_VAULT;1.1;AES256"].concat()));
    repo.write("secrets.age", "age-encryption.org/v1\n-> X25519 abc\n");
    repo.commit("on purpose");
    let ran = repo.scan(&JSON);
    assert_eq!((ran.code, ran.json()["coverage"]["encrypted"].as_u64()), (0, Some(2)), "{}", ran.out);
    assert!(repo.scan(&[]).out.contains("Not read: 2 files, encrypted on purpose."));
    repo.write("locked.env", b"\0GITCRYPT\0\x12\x34\x56");
    repo.commit("git-crypt");
    let ran = repo.scan(&JSON);
    let skipped = ran.json()["coverage"]["skipped"].to_string();
    assert!(ran.code == 3 && skipped.contains("git-crypt"), "{skipped}");
}

#[test]
fn members_behind_the_end_of_a_tar_file_are_read() {
    let repo = Repo::new();
    repo.write("two.tgz", gz(&[tar(&[("a.txt", b"nothing")]), tar(&[("b.env", &line(20))])].concat()));
    let ran = repo.scan(&JSON);
    assert_eq!(ran.places(), ["archive:b.env two.tgz:2"]);
    assert!(ran.json()["coverage"]["complete"].as_bool().unwrap(), "{}", ran.out);
}
