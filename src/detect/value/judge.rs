//! The judgement of a value that nothing but its name calls a secret: is it one, how surely, and why.

use super::code::is_code;
use super::label::{is_label, is_translated, is_versioned, names_itself};
use super::thing::{is_thing, is_uuid};
use super::verdict::{Form, Reason, Refusal, Verdict};
use super::weak::{is_chosen_word, is_weak};
use super::{elsewhere, encoded, phrase, placeholder, words};
use crate::finding::Confidence;
use crate::rule::Promise;

const fn verdict(confidence: Confidence, reason: Reason) -> Verdict {
    Verdict { confidence, reason }
}

/// Judges a value by its characters, and by how and under what kind of name it is written down.
pub(in crate::detect) fn judge(value: &[u8], form: Form, promise: Promise) -> Result<Verdict, Refusal> {
    if is_garbage(value) {
        return Err(Refusal::Thing);
    }
    if value.len() < 4 || value.len() > 512 {
        return Err(Refusal::Length);
    }
    if placeholder::is_placeholder(value) || placeholder::says_stand_in(value) {
        return Err(Refusal::Placeholder);
    }
    if is_thing(value) || is_label(value) {
        return Err(Refusal::Thing);
    }
    if is_code(value, form) {
        return Err(Refusal::Code);
    }
    let traits = Traits::of(value);
    match promise {
        Promise::Key => key(value, form, &traits).or_else(|refusal| {
            // Many a "secret" is a password.
            let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
            let chosen =
                traits.digits > 0 && traits.strong > padding && traits.kinds() >= 3 && !traits.is_wordy();
            // Nothing else that stands alone mixes all kinds of characters so.
            let escapes = memchr::memchr_iter(b'%', value).count();
            let is_sure = match form {
                Form::Bare => traits.len >= 10 && traits.digits > 1 && traits.kinds() == 4,
                _ => !traits.is_wordy() || traits.digits > 1,
            };
            let mixed = (traits.kinds() == 4 || traits.kinds() == 3 && traits.strong > 3)
                && traits.strong > padding + escapes
                && is_sure
                && form != Form::Quoted;
            match refusal {
                Refusal::Length | Refusal::Regular if chosen && (form == Form::Quoted || mixed) => {
                    password(value, form, &traits)
                }
                refusal => Err(refusal),
            }
        }),
        Promise::Password => password(value, form, &traits),
    }
}

/// The same, and what somebody may have chosen where a password or the secret of a program stands: the least sure of all.
pub(in crate::detect) fn judge_or_word(
    value: &[u8],
    form: Form,
    promise: Promise,
) -> Result<Verdict, Refusal> {
    judge(value, form, promise).or_else(|refusal| match (promise, refusal) {
        _ if form == Form::Bare => Err(refusal),
        (Promise::Password, Refusal::Words | Refusal::Length | Refusal::Thing | Refusal::Placeholder)
            if is_chosen_word(value) =>
        {
            Ok(verdict(Confidence::Low, Reason::Word))
        }
        // A secret that people chose is a password.
        (Promise::Key, Refusal::Length | Refusal::Words | Refusal::Regular) => {
            let is_plain = !value.iter().any(|byte| b"/$:".contains(byte));
            let chosen = is_plain
                && judge(value, Form::Quoted, Promise::Password)
                    .is_ok_and(|chosen| chosen.confidence >= Confidence::Medium);
            if chosen { Ok(verdict(Confidence::Low, Reason::Word)) } else { Err(refusal) }
        }
        _ => Err(refusal),
    })
}

/// How sure at most a pattern can be that takes whatever stands behind the complete name of a secret: words there may be a
/// weak secret, and things and code are none.
pub(in crate::detect) fn likely(value: &[u8]) -> Result<Confidence, Refusal> {
    for promise in [Promise::Key, Promise::Password] {
        match judge(value, Form::Cell, promise) {
            Ok(verdict) if verdict.confidence >= Confidence::Medium => return Ok(Confidence::High),
            Err(refusal @ (Refusal::Placeholder | Refusal::Thing | Refusal::Code)) => return Err(refusal),
            _ => {}
        }
    }
    Ok(Confidence::Low)
}

/// Bytes of no text.
fn is_garbage(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_control) || std::str::from_utf8(value).is_err()
}

/// What the characters of a value are.
struct Traits {
    len: usize,
    lower: usize,
    upper: usize,
    digits: usize,
    /// Signs that passwords have and names have not.
    strong: usize,
    /// Signs that stand between the words of names, paths and sentences.
    weak: usize,
    /// Letters that are in words.
    covered: usize,
}

impl Traits {
    fn of(value: &[u8]) -> Self {
        let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
        let weak = count(|byte| b"-_./: ,'\\?".contains(byte));
        let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
        let digits = count(u8::is_ascii_digit);
        let strong = count(u8::is_ascii_punctuation) - count(|byte| b"-_./:,'\\?".contains(byte));
        Self { len: value.len(), lower, upper, digits, strong, weak, covered: words::covered(value) }
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Letters that no word accounts for.
    fn free(&self) -> usize {
        self.letters() - self.covered
    }

    fn is_wordy(&self) -> bool {
        self.free() * 4 <= self.letters()
    }

    /// How many of small letters, capitals, digits and signs there are.
    fn kinds(&self) -> usize {
        [self.lower, self.upper, self.digits, self.strong + self.weak]
            .iter()
            .filter(|count| **count > 0)
            .count()
    }
}

/// A machine makes keys: long, and nothing in them repeats or says anything.
fn key(value: &[u8], form: Form, traits: &Traits) -> Result<Verdict, Refusal> {
    if is_uuid(value) {
        return Ok(verdict(Confidence::Medium, Reason::Generated));
    }
    if traits.len < 16 && !is_short_key(value, form, traits) {
        return Err(Refusal::Length);
    }
    if encoded::is_state(value) || elsewhere::is_made_name(value) {
        return Err(Refusal::Thing);
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~:".contains(byte);
    if form != Form::Quoted && !value.iter().all(is_part) {
        return Err(Refusal::Regular);
    }
    if traits.strong > traits.len / 4 || value.contains(&b' ') || !value.is_ascii() {
        return Err(Refusal::Regular);
    }
    let irregular = traits.free() + traits.digits;
    if traits.digits == 0 {
        // Letters alone: capitals and small ones in disorder.
        let mixed = traits.lower.min(traits.upper) * 6 >= traits.letters();
        let sure = mixed || traits.len >= 24;
        return match (sure && !is_foreign(value), traits.free() * 3 >= traits.len * 2) {
            (true, true) => Ok(verdict(Confidence::Medium, Reason::Generated)),
            (false, true) => Ok(verdict(Confidence::Low, Reason::Generated)),
            _ => Err(Refusal::Words),
        };
    }
    if traits.letters() == 0 {
        return if traits.len >= 24 {
            Ok(verdict(Confidence::Low, Reason::Generated))
        } else {
            Err(Refusal::Thing)
        };
    }
    if irregular * 2 < traits.len || traits.free() < 5 {
        return Err(Refusal::Words);
    }
    let mut distinct = [false; 256];
    value.iter().for_each(|byte| distinct[usize::from(*byte)] = true);
    if distinct.iter().filter(|seen| **seen).count() < 8 {
        return Err(Refusal::Regular);
    }
    Ok(verdict(Confidence::Medium, Reason::Generated))
}

/// `iszae0o9fxtX1`: shorter than most keys are, but of letters in disorder and digits between them.
fn is_short_key(value: &[u8], form: Form, traits: &Traits) -> bool {
    let inner = value.get(1..value.len().saturating_sub(1)).unwrap_or_default();
    form != Form::Bare
        && traits.len >= 12
        && traits.lower > 1
        && traits.upper > 1
        && traits.digits > 1
        && traits.strong + traits.weak == 0
        && traits.free() * 4 >= traits.letters() * 3
        && inner.iter().any(u8::is_ascii_digit)
}

fn password(value: &[u8], form: Form, traits: &Traits) -> Result<Verdict, Refusal> {
    if value.contains(&b' ') {
        return passphrase(value, form, traits);
    }
    if traits.len > 128 || traits.len < 5 {
        return Err(Refusal::Length);
    }
    if traits.letters() == 0 && traits.strong == 0 {
        // A number: a PIN at best.
        return if traits.weak == 0 {
            Ok(verdict(Confidence::Low, Reason::Weak))
        } else {
            Err(Refusal::Thing)
        };
    }
    if traits.digits == 0 && traits.strong == 0 {
        let is_phrase = form != Form::Bare && phrase::is_joined(value);
        if is_phrase {
            return Ok(verdict(Confidence::Medium, Reason::Passphrase));
        }
        return letters_only(value, form, traits);
    }
    // A sentence's last sign is no part of a password's mixture.
    let inner = &value[..value.len() - 1];
    // Nor are the signs that code puts between its words.
    let has_inner_sign = inner
        .iter()
        .any(|byte| byte.is_ascii_punctuation() && !b"-_./:,'\\?()[]{}|&=$*<>;\"`+".contains(byte));
    if traits.digits == 0 && traits.is_wordy() && !has_inner_sign {
        return Err(Refusal::Words);
    }
    // `neo4j_auth`: a name with a digit in it
    let one_case = traits.lower == 0 || traits.upper == 0;
    let is_name = traits.strong == 0 && traits.digits < 2 && one_case && value.contains(&b'_');
    // `pkcs12_password`
    let says =
        [&b"passw"[..], b"secret", b"token"].iter().any(|word| memchr::memmem::find(value, word).is_some());
    let is_plain = traits.strong == 0 && one_case && traits.is_wordy() && value.contains(&b'_');
    let is_name = is_name || says && is_plain && traits.digits < 4;
    if is_name || is_versioned(value) || is_weak(value) || names_itself(value) || is_translated(value) {
        return Ok(verdict(Confidence::Low, Reason::Weak));
    }
    if form != Form::Bare && traits.upper == 0 && phrase::is_joined(value) {
        return Ok(verdict(Confidence::Medium, Reason::Passphrase));
    }
    let reason = if traits.is_wordy() { Reason::Chosen } else { Reason::Generated };
    let sure = match form {
        _ if traits.len < 6 => false,
        Form::Bare => {
            let irregular = traits.strong > 0 || !traits.is_wordy() || traits.digits >= 2 && traits.len >= 10;
            traits.kinds() >= 3 && traits.len >= 8 && irregular || is_made(value, form, traits)
        }
        // A name of a program with a number, such as `oauth2` or `sha256-legacy`.
        _ if traits.is_wordy() && traits.strong == 0 && traits.upper == 0 => {
            traits.len >= 8 && traits.digits >= if traits.weak == 0 { 2 } else { 3 }
        }
        _ => traits.kinds() >= 3 || traits.len >= 8,
    };
    Ok(verdict(
        if sure { Confidence::Medium } else { Confidence::Low },
        if sure { reason } else { Reason::Weak },
    ))
}

/// As long and as irregular as only a generator makes it, also where it is a word of a sentence. What nothing but letters
/// or digits make up is a word or a number there more often.
fn is_made(value: &[u8], form: Form, traits: &Traits) -> bool {
    traits.digits > 1
        && traits.free() * 2 >= traits.letters()
        && key(value, form, traits).is_ok_and(|verdict| verdict.confidence >= Confidence::Medium)
}

/// `SMTP-Authentifizierungstyp`: words of a language that the list of words does not hold, between separators, each in one
/// case or with a capital first.
fn is_foreign(value: &[u8]) -> bool {
    let is_word = |part: &[u8]| {
        let rest = part.get(1..).unwrap_or_default();
        part.iter().all(u8::is_ascii_uppercase) || rest.iter().all(u8::is_ascii_lowercase)
    };
    value.iter().any(|byte| b"-_.".contains(byte)) && value.split(|byte| b"-_.".contains(byte)).all(is_word)
}

/// Whether a part of a value, between its separators, is letters in disorder: `BhXBjh`.
fn has_disorder(value: &[u8]) -> bool {
    value.split(|byte| b"-_.".contains(byte)).any(|part| {
        let turns =
            part.windows(2).filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase());
        part.len() >= 6 && turns.count() >= 3 && words::covered(part) == 0
    })
}

fn letters_only(value: &[u8], form: Form, traits: &Traits) -> Result<Verdict, Refusal> {
    if form != Form::Bare && traits.weak == 1 && traits.len >= 10 && has_disorder(value) {
        return Ok(verdict(Confidence::Medium, Reason::Generated));
    }
    if traits.is_wordy() || traits.letters() < 6 {
        return Err(Refusal::Words);
    }
    let mixed = traits.lower.min(traits.upper) * 5 >= traits.letters();
    let sure = form != Form::Bare && traits.weak == 0 && traits.free() * 4 >= traits.len * 3;
    if sure && (mixed && traits.len >= 10 || traits.len >= 20) {
        return Ok(verdict(Confidence::Medium, Reason::Generated));
    }
    Ok(verdict(Confidence::Low, Reason::Weak))
}

/// Several words in small letters, set off: `"correct horse …"`. Sentences have capitals, full stops and small words, and
/// speak of passwords.
fn passphrase(value: &[u8], form: Form, traits: &Traits) -> Result<Verdict, Refusal> {
    let words = || value.split(|byte| *byte == b' ');
    let long = words().filter(|word| word.len() > 2).count();
    let plain =
        traits.upper == 0 && traits.strong == 0 && traits.weak == memchr::memchr_iter(b' ', value).count();
    if !matches!(form, Form::Quoted | Form::Cell) || !plain || !(4..=10).contains(&long) {
        return Err(Refusal::Words);
    }
    let is_of_sentence = |word: &[u8]| word.len() < 3 || word.len() > 10 || phrase::is_of_sentence(word);
    // A cell of a table is prose as often.
    let sure = form == Form::Quoted
        && traits.digits == 0
        && !phrase::is_known(value)
        && !words().any(is_of_sentence);
    Ok(verdict(if sure { Confidence::Medium } else { Confidence::Low }, Reason::Passphrase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn confidence(value: &str, form: Form, promise: Promise) -> Option<Confidence> {
        judge(value.as_bytes(), form, promise).ok().map(|verdict| verdict.confidence)
    }

    #[test]
    fn chosen_passwords_count_and_words_do_not() {
        for value in [
            "Summer2024!Berlin",
            "tr0ub4dor&3x",
            "kX9#mPq2vL",
            "h8Jw!zz_41",
            "Winter-Storm-2291",
            "dbP4ss!prod",
        ] {
            assert_eq!(
                confidence(value, Form::Quoted, Promise::Password),
                Some(Confidence::Medium),
                "{value}"
            );
        }
        for value in [
            "Passwort",
            "password",
            "Enter your password",
            "forgot-password",
            "Required!",
            "current_password",
            "string",
            "user.password",
            "DD_*_SECRET",
            "$.phoneNumber",
            "user01,user02",
            "mailto://mail.company.net:465?user=ada&pass=password",
            "%20%2520",
            "COM35_USERNAME",
            "RFC2136_NAMESERVER",
            "json:\"passwordCredentials\"",
            "\\t%s(%s)",
            "\\033[93mabc\\033[0m",
            "us-east-1",
            "4m52.84s",
            "[]string",
            "*ua.NodeID,",
            "`+expected2+`",
            "RFC-4013",
            "WPA2-Personal",
            "admin_server:464",
            "0x00CC",
            "testuser:$2y$05$sBsSqk0OpSD1uTZkHXc4Fe",
            "PassWordMustBeAtLeast6Chars.",
            "he$PWD",
            "[#222](https://forge.company.net/issues/222)",
            "\\x04m\\x83\\x01>\\x02",
            "@www.company.net/dyndns.php?add&txt=",
        ] {
            assert_eq!(confidence(value, Form::Quoted, Promise::Password), None, "{value}");
        }
        for value in ["password123", "admin123", "Test1234", "P@ssw0rd", "p@55w0rd", "T0pS3cr3t!", "trustno1"]
        {
            assert_ne!(
                confidence(value, Form::Quoted, Promise::Password),
                Some(Confidence::Medium),
                "{value}"
            );
        }
    }

    #[test]
    fn what_a_generator_makes_is_a_password_also_in_a_sentence() {
        for value in
            ["v1jueejjldpvowvlhwv4uno4", "6faae59dd8b14904487c5671e527216e", "ZYKFDPECSN3NCI3T3QD5G4HNWM"]
        {
            assert_eq!(confidence(value, Form::Bare, Promise::Password), Some(Confidence::Medium), "{value}");
        }
        for value in ["regodivu69", "H265QualityTuningLevel"] {
            assert_ne!(confidence(value, Form::Bare, Promise::Password), Some(Confidence::Medium), "{value}");
        }
    }

    #[test]
    fn things_and_code_are_no_keys() {
        assert!(judge(b"x", Form::Line, Promise::Key).is_err());
        for value in ["hu6zbA4GvbBzeD1", "718743700:Pqr07rTYC6kCK0Ya9UmvvHQF9CqngLUBS4E"] {
            assert_eq!(confidence(value, Form::Line, Promise::Key), Some(Confidence::Medium), "{value}");
        }
        for value in [
            "https://acme.dev/oauth/token",
            "/run/secrets/db_password",
            "config.auth.token2",
            "getToken(user)",
            "2024-11-02T10:00:00Z",
            "ops@acme.dev",
            "my-service-account-token-v2",
            "server.key.pem",
            "sha256-kS8e0c2v9x1Zq7",
            "2f44355e-8b58-4dba-bf8b-7437960f2a4c:2",
            "0,fail:0})}function",
            "project=fluentbit",
            "+ACME_PROJECT_NAME=project_name",
            "-Dkb.url=http://kibana:5601",
            "APP35_TENANT_ID",
        ] {
            assert_eq!(confidence(value, Form::Line, Promise::Key), None, "{value}");
        }
    }

    #[test]
    fn what_a_generator_makes_is_a_key() {
        let missed = |pattern: &str, form: Form| {
            let values = crate::detect::value::generated(pattern, 5000);
            let is_missed =
                |value: &&String| confidence(value, form, Promise::Key) != Some(Confidence::Medium);
            values.iter().filter(is_missed).count()
        };
        // By chance one of them can be all digits but a few, or hold words.
        let missed =
            (missed("[0-9a-f]{32}|[0-9a-f]{64}", Form::Line), missed("[0-9A-Za-z]{24,44}", Form::Quoted));
        assert!(missed.0 <= 5 && missed.1 <= 5, "{missed:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for form in [Form::Quoted, Form::Line, Form::Cell, Form::Bare] {
                let _ = judge(&bytes, form, Promise::Key);
                let _ = judge(&bytes, form, Promise::Password);
            }
        }
    }
}
