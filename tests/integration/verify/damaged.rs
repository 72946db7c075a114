//! Cookies and tokens (JWE, JWT) that somebody damaged: whatever opens says what was signed, nothing else opens, and nothing
//! panics. The same from a fuzzer: tests/fuzz. Which damage is done is told by a seed, the same in every run.

use super::contract::{EXPRESS, SECRET_FROM, secret};
use super::server::{Server, database};
use jiff::Timestamp;
use unleak::cookie::{Contents, Form, FormKey, JwtKey, joined, parse};
use unleak::secret::Secret;

/// Each form of cookies is damaged so often.
const CASES: usize = 20_000;

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

/// Pieces that readers of such values look at.
const PIECES: [&str; 24] = [
    "",
    ".",
    "..",
    "--",
    ":",
    "%",
    "%00",
    "%2e",
    "=",
    "==",
    "s:",
    "\"",
    "\\",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0",
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0",
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0",
    "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjk5OTk5OTk5OTl9",
    "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il19",
    "e30",
    "bnVsbA",
    "W10",
    "AAAAAAAAAAAAAAAA",
    "é",
];

fn damaged(made: &str, dice: &mut Dice) -> String {
    let mut value: Vec<char> = made.chars().collect();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(value.len() + 1);
        let to = (at + dice.roll(40)).min(value.len());
        match dice.roll(8) {
            0 => value.truncate(at),
            1 => drop(value.drain(at..to)),
            2 => value.splice(at..at, dice.of(&PIECES).chars()).for_each(drop),
            3 => value.splice(at..to, dice.of(&PIECES).chars()).for_each(drop),
            4 => {
                let again: Vec<char> = value[at..to].to_vec();
                value.splice(at..at, again).for_each(drop);
            }
            5 => {
                // One of the parts gives way to another one, or to something made up.
                let text: String = value.iter().collect();
                let by = dice.of(&[".", "--", ":", "|"]);
                let mut parts: Vec<&str> = text.split(by).collect();
                let (from, to) = (dice.roll(parts.len()), dice.roll(parts.len()));
                parts[to] = if dice.roll(2) == 0 { parts[from] } else { dice.of(&PIECES) };
                value = parts.join(by).chars().collect();
            }
            _ => {
                if let Some(one) = value.get_mut(at) {
                    *one = char::from(b'!' + u8::try_from(dice.roll(94)).unwrap());
                }
            }
        }
    }
    value.into_iter().collect()
}

#[test]
fn whatever_opens_says_what_was_signed() {
    let jwt = JwtKey::Secret(Secret::from(&b"secret"[..]));
    for (at, form) in Form::ALL.into_iter().enumerate() {
        let secret =
            if form == Form::Laravel { format!("base64:{}=", "A".repeat(43)) } else { "secret".to_owned() };
        let contents = Contents::new(*br#"{"sub":"7","exp":4102444800}"#);
        let made = form.make(secret.as_bytes(), "sid", &contents, Timestamp::now()).unwrap();
        let key = FormKey::new(form, &Secret::from(secret));
        let whole = key.open("sid", &made).unwrap();
        let (mut dice, mut opened) = (Dice(7 + at as u64), 0);
        for _ in 0..CASES {
            let value = damaged(&made, &mut dice);
            if let Some(contents) = key.open("sid", &value) {
                assert!(contents.bytes == whole.bytes, "{form:?} takes {value}");
                opened += 1;
            }
            assert!(jwt.open(&value).is_none(), "{form:?}: {value}");
            for cookie in
                joined(&parse(&Secret::from(format!("sid={value}; sid.0={value}; sid.1=x").into_bytes())))
            {
                assert!(!cookie.name.is_empty(), "{value}");
            }
        }
        assert!(opened < CASES / 4, "{form:?}: {opened} of {CASES} were hardly damaged");
    }
}

#[test]
fn no_damaged_cookie_gets_anybody_in_or_the_server_down() {
    let url = database(EXPRESS);
    for (form, kind, name) in [
        (Form::Authjs, "authjs", "authjs.session-token"),
        (Form::Nextauth, "nextauth", "next-auth.session-token"),
        (Form::Express, "express", "connect.sid"),
    ] {
        let server = Server::start(&url, &secret(), &[&SECRET_FROM[..], &["--cookie-form", kind]].concat());
        let contents = if form == Form::Express { "live" } else { r#"{"sub":"1"}"# };
        let made = form.make(secret().as_bytes(), name, &Contents::new(contents), Timestamp::now()).unwrap();
        let asked = |value: &str| server.ask("/verify", &[("cookie", &format!("{name}={value}"))]);
        assert_eq!((asked(&made).status, asked(&made).user()), (200, "1"), "{kind}");
        let mut dice = Dice(11);
        for _ in 0..300 {
            let value = damaged(&made, &mut dice).replace(|c: char| !c.is_ascii_graphic() || c == ';', "");
            let is_whole = form.open(secret().as_bytes(), name, &value).is_some() || value == *made;
            let answer = asked(&value);
            // The quotes of lax readers and escapes may make it whole again, in which case it is still the one that was made.
            let gets_in = answer.status == 200;
            assert!(!gets_in || answer.user() == "1", "{kind}: {value}: {answer:?}");
            assert!(gets_in || [302, 401].contains(&answer.status), "{kind}: {value}: {answer:?}");
            assert!(gets_in || !is_whole, "{kind}: {value}: {answer:?}");
            assert_eq!(answer.reason().is_empty(), gets_in, "{kind}: {value}");
        }
        assert_eq!(asked(&made).status, 200, "{kind} still answers");
    }
}
