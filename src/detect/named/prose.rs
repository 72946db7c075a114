//! Names and values in sentences: "the password for staging is …", "use … as the token".

use super::super::value::{Form, is_of_words};
use super::Candidate;
use super::cursor::{Cursor, line_around};
use super::name::Name;
use super::vocabulary::Vocabulary;
use std::sync::LazyLock;

/// The most words between a name and its value.
const WORDS: usize = 12;

/// The most of them before a value that is told by the sentence alone, and not by what it looks like too.
const WORDS_TOLD: usize = 8;

/// Words that a value follows, soon.
static LINKS: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "is was be to as are now with reads becomes equals currently ist lautet es est being - – use of using jest är on è é er value",
    )
});

/// What in a sentence says that no secret follows, but what was made from it.
const MADE_FROM: [&[u8]; 7] =
    [b"sha", b"md5", b"hash", b"digest", b"fingerprint", b"checksum", b"thumbprint"];

/// What a colon behind announces instead of the secret: `secret version ID: …`.
const ANNOUNCED: [&[u8]; 14] = [
    b"id",
    b"ids",
    b"uid",
    b"uuid",
    b"accessor",
    b"version",
    b"run",
    b"request",
    b"prefix",
    b"revision",
    b"commit",
    b"blob",
    b"tag",
    b"serial",
];

/// What a sentence says that goes on with a reason, or with the number of what went wrong.
static FAILS: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::of("failed fails failing errored crashed timed"));

/// Words before a place or a time, and things that have a number or a name of their own: what follows them is where, when or
/// whose the secret was, and not the secret.
static WHERE: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::of(
        "in at under since before after until during inside within via through for tenant user app application account release \
    deployment customer project organisation organization org team order request job build bucket instance pod node cluster device \
    ticket incident run workflow pipeline image repository tag member",
    )
});

/// What a sentence behind the one that names a secret begins with to tell it.
const NEXT_SENTENCE: [&[u8]; 14] = [
    b"New value",
    b"The new value",
    b"The new one",
    b"Old value",
    b"The old value",
    b"The value",
    b"Its value",
    b"Value",
    b"It is",
    b"It's",
    b"new value",
    b"the new value",
    b"the new one",
    b"its value",
];

/// The copulas of languages that write no blank before them.
const JOINED: [&str; 5] = ["は", "是", "为", "為", "는"];

/// How long the time and the name before an answer may be.
const WHO: usize = 40;

/// The longest value of a sentence, with what stands before it, in bytes.
const WORD: usize = 600;

/// The longest word that is set off, in bytes.
const ASIDE: usize = 40;

/// How many words may stand between such a word and the value: "is still", "is set to".
const AFTER_LINK: usize = 3;

/// The values that a sentence may tell behind the name.
pub(super) fn behind(text: &[u8], name: &Name) -> Vec<Candidate> {
    let mut at = Cursor::new(text, name.range.end);
    at.skip(6, |byte| b"\"'`*_])?".contains(&byte));
    let mut found = Vec::new();
    if JOINED.iter().any(|word| at.eat(word.as_bytes())) {
        at.blanks();
        let starts = |found: &Candidate| text[found.range.clone()].iter().all(u8::is_ascii_graphic);
        found.extend(told(at, false).filter(starts));
        return found;
    }
    if at.peek() == Some(b'.') {
        found.extend(next_sentence(Cursor::new(text, at.at + 1)));
    }
    let mut linked = None;
    let mut asked = text[name.range.end..at.at].contains(&b'?');
    let mut announced = false;
    let mut is_item = false;
    let mut says_where = false;
    for step in 0..WORDS {
        let is_broken = at.blanks() == 0;
        if at.peek() == Some(b';') {
            found.extend(next_sentence(Cursor::new(text, at.at + 1)));
        }
        if is_broken && asked {
            found.extend(answer(at));
        }
        if is_broken && !broken(&mut at, announced) {
            break;
        }
        match linked {
            _ if says_where => {}
            Some(since) if step < WORDS_TOLD && step - since <= AFTER_LINK => {
                found.extend(told(at, announced));
            }
            None if step == 0 => found.extend(plain(at)),
            _ => {}
        }
        if !says_where {
            found.extend(beside(at));
        }
        let Some((word, colon)) = word(&mut at) else {
            found.extend(next_sentence(at));
            break;
        };
        let lower = word.to_ascii_lowercase();
        if colon && ANNOUNCED.iter().any(|other| lower == *other) {
            break;
        }
        if FAILS.has(word) {
            break;
        }
        let remark = word.starts_with(b"(");
        let says =
            |made: &[u8]| lower.starts_with(made) || remark && memchr::memmem::find(&lower, made).is_some();
        // `sha256`, and not what people share.
        let shares = lower.starts_with(b"shar");
        if !shares && MADE_FROM.iter().any(|made| says(made)) || linked.is_none() && is_made_known(&lower) {
            break;
        }
        (asked, announced) = (at.eat(b"?"), colon);
        // The key of the next line or of a list's next item, not the next word.
        if (is_broken || is_item) && colon {
            break;
        }
        is_item = is_broken && word == b"-";
        says_where = !colon && WHERE.has(word);
        let is_link = LINKS.has(word);
        linked = if is_link || colon { Some(step) } else { linked };
    }
    found
}

/// `… the signing secret. New value: …`, `… was rotated; the new one is …`
fn next_sentence(mut at: Cursor<'_>) -> Option<Candidate> {
    if !matches!(text_before(&at), Some(b'.' | b';')) || at.blanks() == 0 || !at.eat_any(&NEXT_SENTENCE) {
        return None;
    }
    at.eat_any(&[b" is", b" was", b":"]);
    at.blanks();
    told(at, true)
}

fn text_before(at: &Cursor<'_>) -> Option<u8> {
    at.at.checked_sub(1).map(|before| at.text[before])
}

/// What is answered on the line below a question, behind `A:` or who says it.
fn answer(mut at: Cursor<'_>) -> Option<Candidate> {
    if !broken(&mut at, false) {
        return None;
    }
    let line = line_around(at.text, at.at);
    let said = &at.text[at.at..line.end.min(at.at + WHO)];
    at.at += memchr::memmem::find(said, b": ")? + 2;
    told(at, true)
}

/// Steps over a word or a remark in brackets; it, and whether a colon stands behind it.
fn word<'t>(at: &mut Cursor<'t>) -> Option<(&'t [u8], bool)> {
    let start = at.at;
    if let Some(word) = aside(at) {
        return Some((word, false));
    }
    let remark = at.eat(b"(");
    let most = if remark { 60 } else { 40 };
    at.skip(most, |byte| {
        byte.is_ascii_alphanumeric()
            || byte >= 0x80
            || b"-'/@_.=".contains(&byte)
            || (remark && b" ),\n".contains(&byte))
    });
    let word = &at.text[start..at.at];
    let ends_sentence = word.ends_with(b".");
    // A mail's letters: `f=C3=BCr`.
    let is_letter =
        |at: usize| matches!(word.get(at + 1..at + 3), Some([b'C' | b'8' | b'9' | b'A' | b'B', _]));
    let is_plain = memchr::memchr_iter(b'=', word).all(is_letter);
    let is_word = is_plain && !word.is_empty() && (remark || word.len() < most) && !ends_sentence;
    let colon = at.eat(b":") || at.rest().starts_with(b" : ") && at.eat(b" :");
    at.skip(3, |byte| b"*_".contains(&byte));
    at.eat(b",");
    is_word.then_some((word, colon))
}

/// A word that quotes or type set off, which was no value: `` from `changeme` to ``, `the account « admin »`.
fn aside<'t>(at: &mut Cursor<'t>) -> Option<&'t [u8]> {
    const PAIRS: [(&[u8], &[u8]); 7] = [
        (b"`", b"`"),
        (b"\"", b"\""),
        (b"'", b"'"),
        (b"**", b"**"),
        ("«".as_bytes(), "»".as_bytes()),
        ("“".as_bytes(), "”".as_bytes()),
        ("„".as_bytes(), "“".as_bytes()),
    ];
    let (open, close) = PAIRS.iter().find(|(open, _)| at.rest().starts_with(open))?;
    let inner = &at.rest()[open.len()..];
    let inner = &inner[..inner.len().min(ASIDE)];
    let len = memchr::memmem::find(inner, close).filter(|len| *len > 0 && !inner[..*len].contains(&b'\n'))?;
    let word = &at.rest()[..open.len() + len + close.len()];
    let next = at.rest().get(word.len());
    if next.is_some_and(|next| !next.is_ascii_whitespace() && *next != b',') {
        return None;
    }
    at.at += word.len();
    at.eat(b",");
    Some(word)
}

/// A value right behind its name, with nothing between: only what no word and no name looks like.
fn plain(at: Cursor<'_>) -> Option<Candidate> {
    let range = at.word(|_| false)?;
    let word = &at.text[range.clone()];
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let kinds = [
        has(u8::is_ascii_digit),
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
        has(|byte| is_sign(*byte)),
    ];
    // Hexadecimal as long as keys are, and not as what git names.
    let is_hex =
        matches!(word.len(), 32 | 48 | 64 | 128) && word.iter().all(u8::is_ascii_hexdigit) && kinds[0];
    let many = kinds.iter().filter(|kind| **kind).count() >= 3 || is_hex && (kinds[1] || kinds[2]);
    (many && word.len() >= 8 && !word.starts_with(b"--") && !is_assignment(word))
        .then_some(Candidate { range, form: Form::Bare })
}

/// `PORT=8080`, `to=self.to`: the next line of a file, not the next word of a sentence.
pub(super) fn is_assignment(word: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let name = word.iter().take_while(|byte| is_name(byte)).count();
    let value = word.get(name + 1..).unwrap_or_default();
    // What a generator makes may begin like a short name.
    let is_plain = || value.iter().all(|byte| is_name(byte) || b".,;".contains(byte));
    // The padding of base64 is no operator.
    let is_padding = || value.iter().all(|byte| *byte == b'=');
    matches!(word.get(name), Some(b'=' | b':'))
        && !value.is_empty()
        && (name > 2 || name == 2 && is_plain())
        && says_name(&word[..name])
        && !is_padding()
}

/// `DB_HOST2`, `fooBar`: words in one case or with capitals first, and a number behind. `kQ7`, `718743700` and `rFaB` are
/// the beginning of a value that has such a sign in it.
fn says_name(name: &[u8]) -> bool {
    let end = name.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let words = &name[..end];
    let one_case = !words.iter().any(u8::is_ascii_lowercase) || !words.iter().any(u8::is_ascii_uppercase);
    let is_hump = |hump: &[u8]| hump.len() > 2;
    let mut humps =
        words.chunk_by(|before, after| !(before.is_ascii_lowercase() && after.is_ascii_uppercase()));
    end > 0
        && (words.contains(&b'_') || !words.iter().any(u8::is_ascii_digit))
        && (words.contains(&b'_') || one_case || humps.all(is_hump))
}

fn is_sign(byte: u8) -> bool {
    b"!@#$%^&*+=?~".contains(&byte)
}

/// A sentence goes on in the next line; what it announces with a colon may stand below an empty one.
fn broken(at: &mut Cursor<'_>, announced: bool) -> bool {
    let is_indent = |byte| matches!(byte, b' ' | b'\t' | b'>');
    let breaks = at.eat(b"\r\n") || at.eat(b"\n");
    if breaks && announced {
        let mut below = *at;
        below.skip(16, is_indent);
        if below.eat(b"\r\n") || below.eat(b"\n") {
            *at = below;
        }
        if at.eat(b"```") {
            at.skip(20, |byte| byte != b'\n');
            at.eat(b"\n");
        }
        item(at);
    }
    breaks && {
        at.skip(16, is_indent);
        !at.is_line_end()
    }
}

/// Steps over the mark of a list's item that is one word.
pub(super) fn item(at: &mut Cursor<'_>) {
    let mut ahead = *at;
    ahead.skip(8, |byte| matches!(byte, b' ' | b'\t'));
    let digits = ahead.skip(2, |byte| byte.is_ascii_digit());
    let is_mark =
        if digits > 0 { ahead.eat(b". ") || ahead.eat(b") ") } else { ahead.eat_any(&[b"- ", b"* "]) };
    let mut word = ahead;
    let is_long = word.skip(128, |byte| byte.is_ascii_graphic()) > 5;
    if is_mark && is_long && word.is_line_end() {
        *at = ahead;
    }
}

/// The value at this place of a sentence: set off by quotes or type, or a word that is none. What is `announced` and has
/// the rest of the line for itself is more than a word.
fn told(mut at: Cursor<'_>, announced: bool) -> Option<Candidate> {
    at.skip(3, |byte| matches!(byte, b'*' | b'_'));
    if at.eat(b"<code>") || at.eat(b"<b>") || at.eat(b"<strong>") || at.eat(b"<kbd>") {
        return at.word(|_| false).map(|range| Candidate { range, form: Form::Cell });
    }
    if let Some(found) = at.literal() {
        return Some(found);
    }
    let range = at.word(|_| false)?;
    let word = &at.text[range.clone()];
    // `[RFC6749 …](…)`: the text of a link.
    if is_assignment(word) || word[0] == b'[' {
        return None;
    }
    // Sentences hold years, versions and names with digits; a value says more than one kind of thing.
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let irregular = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        || has(|byte| is_sign(*byte))
        || is_disordered(word);
    let fills = Cursor::new(at.text, range.end).is_line_end();
    let form = if announced && fills { Form::Line } else { Form::Bare };
    (irregular && word.len() >= 6).then_some(Candidate { range, form })
}

/// A value that a sentence sets off, or names without any word that links it: what no word, no name and no code looks
/// like. `the admin password (value)`, `the password of db4 value`.
fn beside(mut at: Cursor<'_>) -> Option<Candidate> {
    // Nearly every word of a sentence ends here: what is told has a digit, and a blank before it only behind a quote of
    // another alphabet.
    let near = at.rest().iter().take(WORD).take_while(|byte| !byte.is_ascii_whitespace());
    if near.fold(true, |is_word, byte| is_word && byte.is_ascii() && !byte.is_ascii_digit()) {
        return None;
    }
    let is_remark = at.eat(b"(") || at.eat(b"[");
    if let Some(found) = at.literal() {
        let value = &at.text[found.range.clone()];
        return (is_mixed(value) || is_long(value)).then_some(found);
    }
    let range = at.word(|byte| is_remark && matches!(byte, b')' | b']' | b','))?;
    let word = &at.text[range.clone()];
    let fills = || Cursor::new(at.text, range.end).is_line_end();
    let is_told = is_mixed(word) && word.len() >= 10 || is_long(word) && (is_remark || fills());
    (is_told && !is_assignment(word)).then_some(Candidate { range, form: Form::Bare })
}

/// Small letters, capitals, digits and a sign that passwords have, as people choose and generators make them.
pub(super) fn is_mixed(word: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || is_sign(*byte) || b"-_.".contains(byte);
    word.len() >= 8
        && word.iter().all(is_part)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && (has(|byte| is_sign(*byte)) || word.len() >= 20 && !word.contains(&b'.'))
}

/// As long as keys are, letters and digits alone; not as git names things.
fn is_long(word: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    word.len() >= 20
        && word.len() != 40
        && !is_of_words(word)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=".contains(byte))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

/// Words behind a name that make what follows known to everybody, where nothing links it to the name.
fn is_made_known(word: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] = [b"image", b"public", b"trace", b"file"];
    // `--token-id`
    const ENDS: [&[u8]; 5] = [b"id", b"name", b"user", b"host", b"file"];
    let is_option = || word.starts_with(b"-") && ENDS.iter().any(|end| word.ends_with(end));
    ANNOUNCED.contains(&word) || WORDS.contains(&word) || is_option()
}

/// Long, of letters alone, and capitals where no word has them.
fn is_disordered(word: &[u8]) -> bool {
    let inner = word.windows(2).filter(|pair| pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase());
    let steps = word.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    word.len() >= 16 && word.iter().all(u8::is_ascii_alphabetic) && inner.count() > 1 && steps.count() > 2
}
