//! Signed tokens in cookies: RS256 by a public key, and by whom and for whom a token is.

use super::server::{Server, database};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const USERS: &str =
    "CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('ada')";

fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {args:?}");
    output.stdout
}

/// A pair of keys: the private one's file, and the public one as PEM.
fn keys(dir: &Path, name: &str) -> (String, String) {
    let private = dir.join(name).display().to_string();
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &private], b"");
    let public = openssl(&["pkey", "-in", &private, "-pubout"], b"");
    (private, String::from_utf8(public).unwrap())
}

fn token(alg: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#)), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("token={signed}.{signature}")
}

#[test]
fn a_token_is_taken_by_its_public_key_its_issuer_and_its_audience() {
    let (url, dir) = (database(USERS), tempfile::tempdir().unwrap());
    let (private, public) = keys(dir.path(), "own");
    let (other, _) = keys(dir.path(), "other");
    let more = ["--cookie-form", "jwt", "--cookie", "token", "--cookie-secret-from", "env:COOKIE_SECRET"];
    let ours = ["--jwt-issuer", "https://id.example", "--jwt-audience", "shop", "--jwt-audience", "desk"];
    let server = Server::start(&url, &public, &[&more[..], &ours].concat());
    let by = |key: &str| {
        let key = key.to_owned();
        move |signed: &[u8]| openssl(&["dgst", "-sha256", "-sign", &key], signed)
    };
    let claims = |user: u8, exp: u64, iss: &str, aud: &str| {
        format!(r#"{{"sub":"{user}","exp":{exp},"iss":"https://{iss}.example","aud":["{aud}"]}}"#)
    };
    let late = 4_102_444_800;
    // Whoever takes the public key for a secret has signed nothing.
    let forged = |signed: &[u8]| {
        openssl(&["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("key:{public}"), "-binary"], signed)
    };
    for (cookie, reason) in [
        (token("RS256", &claims(1, late, "id", "shop"), by(&private)), ""),
        (token("RS256", &claims(1, late, "id", "desk"), by(&private)), ""),
        (token("RS256", &claims(9, late, "id", "shop"), by(&private)), "unknown-user"),
        (token("RS256", &claims(1, 1_000_000_000, "id", "shop"), by(&private)), "expired"),
        (token("RS256", &claims(1, late, "evil", "shop"), by(&private)), "invalid"),
        (token("RS256", &claims(1, late, "id", "bank"), by(&private)), "invalid"),
        (token("RS256", r#"{"sub":"1","exp":4102444800}"#, by(&private)), "invalid"),
        (token("RS256", &claims(1, late, "id", "shop"), by(&other)), "invalid"),
        (token("RS384", &claims(1, late, "id", "shop"), by(&private)), "invalid"),
        (token("none", &claims(1, late, "id", "shop"), |_| Vec::new()), "invalid"),
        (token("HS256", &claims(1, late, "id", "shop"), forged), "invalid"),
    ] {
        let answer = server.ask("/verify", &[("cookie", &cookie)]);
        assert_eq!(answer.reason(), reason, "{cookie}");
        assert_eq!(answer.user(), if reason.is_empty() { "1" } else { "" }, "{cookie}");
    }
}
