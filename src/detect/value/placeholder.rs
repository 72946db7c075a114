//! Values that stand for a secret and are none: what documentation, templates and tests put in its place.

use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

/// Whether `value` is a stand-in: an interpolation, a bracketed name, a repeated or counted pattern, or a phrase
/// such as "your-secret-here".
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    stands_for_one(value) || is_short_word(unmarked(value.trim_ascii()))
}

/// A word of a few letters says nothing. Where people keep passwords it is one of them.
fn is_short_word(value: &[u8]) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters < 8 && is_of_letters(value)
}

fn is_of_letters(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-. :/".contains(byte))
}

/// The same, but for words that are only short.
pub(super) fn stands_for_one(value: &[u8]) -> bool {
    let marked = value.trim_ascii();
    let value = unmarked(marked);
    // `*required*`: a word in italics.
    if value.len() < marked.len() && marked[0] == b'*' && value.iter().all(u8::is_ascii_alphabetic) {
        return true;
    }
    // Who writes in another alphabet writes words; what generators make is ASCII.
    let foreign = !value.is_ascii() && !value.iter().any(u8::is_ascii_digit);
    foreign || is_interpolation(value) || is_bracketed(value) || is_monotonous(value) || is_phrase(value)
}

/// AsciiDoc's and other marks of literal text around a value.
fn unmarked(value: &[u8]) -> &[u8] {
    let inner = |mark: u8| value.strip_prefix(&[mark])?.strip_suffix(&[mark]).filter(|inner| inner.len() > 3);
    inner(b'+').or_else(|| inner(b'*')).or_else(|| inner(b'\'')).unwrap_or(value)
}

/// Starts or marks of text that a program will replace: shells, templates, and code that reads the environment.
fn is_interpolation(value: &[u8]) -> bool {
    static ANYWHERE: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(MARKS));
    const MARKS: [&[u8]; 18] = [
        b"\\u003c",
        b"\\u003e",
        b"{$",
        b"&lt;",
        b"&gt",
        b"${",
        b"$(",
        b"{{",
        b"}}",
        b"<%",
        b"%>",
        b"#{",
        b"process.env",
        b"os.environ",
        b"getenv",
        b"import.meta",
        b"secrets.",
        b"env.",
    ];
    let variable = |rest: &[u8]| {
        !rest.is_empty() && rest.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
    };
    ANYWHERE.is_match(value)
        || value.strip_prefix(b"$").is_some_and(|rest| variable(rest.strip_prefix(b"$").unwrap_or(rest)))
        || value.strip_prefix(b"@").is_some_and(|rest| rest.len() > 3 && is_capital(rest))
        || (value.len() > 2
            && value.starts_with(b"%")
            && value.ends_with(b"%")
            && variable(&value[1..value.len() - 1]))
        || is_marked(value)
        || ends_in_variable(value)
        || is_before_address(value)
}

/// `DB_PASSWORD`, without a digit.
fn is_capital(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}

/// `he$PWD`, `prefix-$TOKEN`: a variable of a shell behind a word.
fn ends_in_variable(value: &[u8]) -> bool {
    let Some(at) = memchr::memrchr(b'$', value) else { return false };
    let name = &value[at + 1..];
    let is_word = value[..at].iter().all(|byte| byte.is_ascii_lowercase() || b"-_/\\:.".contains(byte));
    name.len() > 2 && is_capital(name) && is_word
}

/// `$TOKENhttps://host`: a variable of a shell, put together with the argument behind it.
fn is_before_address(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"$") else { return false };
    let len = name.iter().take_while(|byte| is_capital(std::slice::from_ref(*byte))).count();
    len > 2 && name[len..].starts_with(b"http")
}

/// `{name}` of a format string, `<name>` of a template, also inside a value.
fn has_hole(value: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:[]- ".contains(byte);
    let holds = |open: u8, close: u8| {
        memchr::memchr_iter(open, value).any(|at| {
            let inner = &value[at + 1..];
            let len = inner.iter().take_while(|byte| is_name(byte)).count();
            inner.get(len) == Some(&close) && inner[..len].iter().any(u8::is_ascii_alphabetic)
        })
    };
    holds(b'{', b'}') || holds(b'<', b'>') || has_guillemets(value)
}

/// `«name»`, also inside a value; what stands between them as between quotes may be a value itself.
fn has_guillemets(value: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(value, "«".as_bytes()) else { return false };
    let inner = &value[at + 2..];
    let len = inner.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
    (1..=16).contains(&len) && inner[len..].starts_with("»".as_bytes())
}

/// `@DB_PASSWORD@`, `__TOKEN__`, `$$NAME$$`, `%(name)s`, `:?required`: names between the marks of a template.
fn is_marked(value: &[u8]) -> bool {
    let is_mark = |byte: u8| b"@$%#_&!~|".contains(&byte);
    let inner = value.trim_ascii();
    let marks = inner.iter().take_while(|byte| is_mark(**byte)).count();
    let back = inner.iter().rev().take_while(|byte| is_mark(**byte)).count();
    let name =
        inner.get(marks..inner.len() - back.min(inner.len() - marks.min(inner.len()))).unwrap_or_default();
    let is_name = name.len() > 2
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
        && (!name.iter().any(u8::is_ascii_lowercase)
            || !name.iter().any(u8::is_ascii_uppercase) && !name.iter().any(u8::is_ascii_digit))
        && name.iter().any(u8::is_ascii_alphabetic);
    (marks > 0 && back > 0 && marks == back && is_name)
        || value.starts_with(b"%(")
        || value.starts_with(b"%{")
        || value.starts_with(b":?")
        || value.starts_with(b"?required")
        || value.starts_with(b"#(")
        || value.starts_with(b"[[")
}

/// `<TIMESTAMP>`, `[REDACTED-128-CHARACTER-HEX-STRING]`, `{token}`: a name in brackets.
fn is_bracketed(value: &[u8]) -> bool {
    let (Some(first), Some(last)) = (value.first(), value.last()) else { return true };
    matches!((first, last), (b'<', b'>') | (b'[', b']') | (b'{', b'}') | (b'(', b')'))
}

/// `xxxxxxxx`, `********`, `abcabcabc`, `0123456789abcdef`: nothing that a generator would have made.
fn is_monotonous(value: &[u8]) -> bool {
    let len = value.len();
    let mut counts = [0_usize; 256];
    for &byte in value {
        counts[usize::from(byte.to_ascii_lowercase())] += 1;
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let steps =
        |delta: i16| value.windows(2).filter(|pair| i16::from(pair[1]) - i16::from(pair[0]) == delta).count();
    let repeats = |period: usize| {
        value[period..].iter().zip(value).filter(|(a, b)| a == b).count() * 10 >= (len - period) * 9
    };
    len > 0
        && (most * 2 > len
            || (len >= 6 && (steps(1) + steps(-1)) * 3 >= (len - 1) * 2)
            || (1..=len / 3).take(16).any(repeats)
            || has_run(value)
            || is_counted(value))
}

/// `…abcdefghij`, `…123456789`, `a1b2c3d4e5f6`, or one half twice: a token that somebody made up at the keyboard.
/// Short values are left alone: people do use such passwords.
fn is_counted(value: &[u8]) -> bool {
    const RUN: usize = 8;
    const TWICE: usize = 12;
    // Words that hexadecimal digits spell.
    let plain: Vec<u8> = value.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase).collect();
    if find(&plain, b"deadbeef") || find(&plain, b"cafebabe") || find(&plain, b"badc0ffee") {
        return true;
    }
    let follows = |a: u8, b: u8| match a.to_ascii_lowercase() {
        b'9' => b == b'0',
        b'f' => matches!(b.to_ascii_lowercase(), b'a' | b'g'),
        b'z' => b.eq_ignore_ascii_case(&b'a'),
        a => a.is_ascii_alphanumeric() && b.to_ascii_lowercase() == a + 1,
    };
    let in_turn = |distance: usize| value.iter().zip(&value[distance..]).map(move |(a, b)| follows(*a, *b));
    // `ABcd-1234-EFGH-5678`
    let is_counted_group =
        |group: &[u8]| group.len() > 2 && group.windows(2).all(|pair| follows(pair[0], pair[1]));
    let groups = value.split(|byte| *byte == b'-').filter(|group| is_counted_group(group)).count();
    if groups > 2 && groups == value.split(|byte| *byte == b'-').count() {
        return true;
    }
    // `1234abcd-1234-abcd-1234-abcd1234abcd`: somebody typed it.
    let digits: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'-').collect();
    if digits.len() >= 24 && digits.len() < value.len() && is_counted(&digits) {
        return true;
    }
    if digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit) {
        let is_typed = |part: &&[u8]| {
            let pairs = || part.windows(2);
            pairs().all(|pair| follows(pair[0], pair[1]))
                || pairs().all(|pair| follows(pair[1], pair[0]))
                || pairs().all(|pair| pair[0] == pair[1])
        };
        let is_double = |pair: &&[u8]| pair[0] == pair[1];
        if digits.chunks(4).filter(is_typed).count() > 2 || digits.chunks(2).filter(is_double).count() > 11 {
            return true;
        }
    }
    let mut steps = 0;
    let has_long_run = in_turn(1).any(|step| {
        steps = if step { steps + 1 } else { 0 };
        steps >= RUN
    });
    // `a1b2c3d4e5f6`: two rows counted at once.
    if value.len() >= 8 && in_turn(2).all(|step| step) {
        return true;
    }
    let said_twice = |(at, part): (usize, &[u8])| find(&value[at + TWICE..], part);
    value.len() >= 24
        && (has_long_run
            || walks_keyboard(value)
            || in_turn(2).filter(|step| *step).count() * 5 >= (value.len() - 2) * 4
            || (value.len() <= 64 && value.windows(TWICE).enumerate().any(said_twice)))
}

/// `…qwertyuiop`, `…mnbvcxz`: eight keys side by side, either way.
fn walks_keyboard(value: &[u8]) -> bool {
    const KEYS: usize = 8;
    const ROWS: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnmlkjhgfdsa"];
    static WALKS: LazyLock<AhoCorasick> =
        LazyLock::new(|| any_of(ROWS.iter().flat_map(|row| row.windows(KEYS))));
    let lower = value.to_ascii_lowercase();
    let back: Vec<u8> = lower.iter().rev().copied().collect();
    WALKS.is_match(&lower) || WALKS.is_match(&back)
}

/// A run of six equal characters in a short value (`abc-xxxxxx-def`) or two of four letters (`d2cXXXXYYYY`), or of `*`, `.`
/// or `…` in any. Hexadecimal digits run on by chance: one key in some ten thousand has four and four, or six zeros.
fn has_run(value: &[u8]) -> bool {
    let short = value.len() <= 64;
    let is_key = value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit);
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit();
    let fours = value.chunk_by(|a, b| a == b).filter(|run| run.len() >= 4 && is_letter(run[0]));
    if short && fours.count() > 1 {
        return true;
    }
    value.chunk_by(u8::eq_ignore_ascii_case).any(|run| {
        (run.len() >= if is_key { 10 } else { 6 }
            && short
            && matches!(run[0], b'x' | b'X' | b'0' | b'_' | b'-' | b'#' | b'?'))
            || (run.len() >= 3 && matches!(run[0], b'*' | b'.'))
    }) || find(value, "…".as_bytes())
        || find(value, "•".as_bytes())
}

/// Words by which people say "not the real one". Long enough that random text will not hold them.
fn is_phrase(value: &[u8]) -> bool {
    static SAYS_SO: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(PHRASES));
    const PHRASES: [&[u8]; 34] = [
        b"example",
        b"sample",
        b"placeholder",
        b"changeme",
        b"changethis",
        b"changeit",
        b"replaceme",
        b"replacewith",
        b"replacethis",
        b"redacted",
        b"yoursecret",
        b"yourkey",
        b"yourtoken",
        b"yourpassword",
        b"yourown",
        b"yourapi",
        b"yoursession",
        b"yourauth",
        b"yourjwt",
        b"secrethere",
        b"keyhere",
        b"tokenhere",
        b"passwordhere",
        b"insertyour",
        b"mysecret",
        b"notasecret",
        b"notreal",
        b"dummysecret",
        b"fakesecret",
        b"generateda",
        b"keyboardcat",
        b"randomstring",
        b"baseencoded",
        b"yourstrong",
    ];
    let letters: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    SAYS_SO.is_match(&letters) || is_named_after_itself(value, &letters)
}

/// `session_secret`, `test-password`, `string`: words without a digit that name a secret instead of being one.
fn is_named_after_itself(value: &[u8], letters: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"secret",
        b"token",
        b"passw",
        b"apikey",
        b"session",
        b"cookie",
        b"string",
        b"value",
        b"default",
        b"undefined",
        b"dummy",
        b"your",
        b"change",
        b"fake",
        b"somekey",
        b"testing",
    ];
    is_of_letters(value) && letters.len() <= 40 && NAMES.iter().any(|name| find(letters, name))
}

/// What people write in their own language where a secret belongs, and what stands for nothing in code.
pub(super) fn says_stand_in(value: &[u8]) -> bool {
    static WITHIN: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(PHRASES.split_ascii_whitespace()));
    const PHRASES: &str = "passwort kennwort contrasena motdepasse tusecreto susecreto votresecret wachtwoord suasenha minhasenha \
        parolachiave lozinka salasana geheimnis changez cambiame cambiami cambiar trocar bitteaendern aendern remplacer \
        beispiel exemple ejemplo esempio exemplo voorbeeld przyklad muster ihrtoken deintoken tutoken votretoken vaseheslo twojehaslo dittlosenord dinkode salasanasi sifreniz parolaniz jelszavad generatewith generateusing runopenssl opensslrand storedin seevault sensitivevalue \
        atleast mustbe pleasechange tobechanged tochange changein changebefore setyour enteryour putyour addyour useyour pasteyour \
        getyour fillin somesecret anysecret verysecret topsecret supersecret secretvalue secretkey notset todo fixme \
        whatever myapp myproject yourapp yourdomain yourname youruser yourdb yourhost yourcompany";
    const WHOLE: &str = "null nil none true false undefined empty blank string text password passwd secret token hidden masked \
        removed omitted private confidential encrypted optional required disabled enabled default unknown random generated automatic \
        auto inherit prompt ask env unset test foobar foobarbaz loremipsum asterisk stars";
    let letters: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    let says_whose = [&b"your"[..], b"my-", b"my_", b"our-", b"the-", b"some-", b"your_"]
        .iter()
        .any(|word| value.to_ascii_lowercase().starts_with(word))
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() < 5;
    // `#optional`: a remark in the value's place.
    let only_letters = letters.len() == value.strip_prefix(b"#").unwrap_or(value).len();
    // `sk_live_abc123`
    let is_letters = value.len() <= 24 && value.ends_with(b"abc123");
    has_hole(value)
        || is_letters
        || says_whose
        || WITHIN.is_match(&letters)
        || (only_letters && WHOLE.split_ascii_whitespace().any(|word| letters == word.as_bytes()))
}

/// Finds any of some texts. Building it takes a moment, so it is done once and only where a value is judged.
fn any_of<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> AhoCorasick {
    AhoCorasick::new(texts).expect("a few short texts")
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::{has_hole, is_placeholder, says_stand_in};
    use proptest::prelude::*;

    #[test]
    fn names_between_guillemets_are_holes() {
        assert!(has_hole("«host»:5432:«db»:«user»:«v»".as_bytes()));
        assert!(!has_hole("«Hk3-x9Qw71»".as_bytes()));
    }

    #[test]
    fn a_remark_is_no_value() {
        assert!(says_stand_in(b"#optional") && says_stand_in(b"required"));
        assert!(!says_stand_in(b"#Kx9vQ-71zr"));
    }

    #[test]
    fn knows_stand_ins() {
        for value in [
            "your-secret-here",
            "[REDACTED-128-CHARACTER-HEX-STRING]",
            "<TIMESTAMP>",
            "${SESSION_SECRET}",
            "$SESSION_SECRET",
            "$APP_TOKENhttps://app.acme.dev/config",
            "%SESSION_SECRET%",
            "process.env.SESSION_SECRET",
            "{{ .Values.secret }}",
            "$(openssl rand -hex 64)",
            "changeme",
            "change_me_in_production_1",
            "xxxxxxxxxxxxxxxx",
            "sk-xxxxxxxxxxxxxxxxxxxx",
            "********",
            "d2dc414f9XXXXYYYY",
            "0123456789abcdef",
            "abcabcabcabc",
            "AKIAIOSFODNN7EXAMPLE",
            "my_session_secret",
            "supersecret",
            "keyboard cat",
            "password",
            "a1b2...",
            "SomeRandomStringOf32Characters12",
            "111111111111-222222222222-abcdefghijklmnop",
            "FakeWebhook1234567890abcdef",
            "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
            "51Hk2LkJhDfG8pQm9Hk2LkJhDfG8pQm",
            "ABcd-1234-EFGH-5678",
            "cafebabe-dead-beef-cafe-babe12345678",
            "a0b1c2d3-e4f5-g6h7-i8j9-k0l1m2n3o4p5",
            "11223344-5566-7788-9900-aabbccddeeff",
            "1234abcd-1234-abcd-1234-abcd1234adcd",
            "abcdef12-1234-9876-0000-abcdef098765",
            "akab-mnbvcxzlkjhgfdsapoiuytrewq1234567",
            "{$baseUrl}admin.jpg",
            "$$POSTGRES_ENV_PASSWORD",
            "\\u003cyour",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value} is a placeholder");
        }
    }

    #[test]
    fn leaves_weak_passwords_alone() {
        for value in ["Admin123456789", "sh0p-Abcdefghi1", "hunter2hunter3"] {
            assert!(!is_placeholder(value.as_bytes()), "{value} can be a password");
        }
    }

    #[test]
    fn digits_that_run_on_by_chance_are_a_key() {
        for value in ["0aaffff000a0aa0a00bbbb00", "7c1e000000d94b"] {
            let key = format!("{value}8f27c6e93d51b04a71d2");
            assert!(!is_placeholder(key.as_bytes()), "{key} is a key");
        }
    }

    proptest! {
        #[test]
        fn random_values_are_no_placeholders(hex in "[0-9a-f]{64}", mixed in "[0-9A-Za-z]{32}") {
            prop_assert!(!is_placeholder(hex.as_bytes()));
            prop_assert!(!is_placeholder(mixed.as_bytes()));
        }

        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            is_placeholder(&bytes);
        }
    }
}
