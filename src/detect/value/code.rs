//! Code that stands where a value is expected: names, calls, types, and what a formatter or a template leaves.

use super::place::is_place;
use super::thing::is_base64;
use super::verdict::Form;
use super::words;

/// Names, calls, indexing and types, as code has them behind an equals sign.
pub(super) fn is_code(value: &[u8], form: Form) -> bool {
    const ANYWHERE: [&[u8]; 11] =
        [b"()", b"::", b"${", b"this.", b"[..", b")[", b"))", b"};", b"){", b");", b"function("];
    const OPERATORS: [&[u8]; 5] = [b"=>", b"->", b"&&", b"||", b"!="];
    const FRAGMENTS: [&[u8]; 9] = [b"[:", b")}", b"})", b"}=", b"],", b"=[", b")?", b"){", b"={"];
    // Most values have none of the signs, and nothing need be looked for in them.
    let mut present = [false; 256];
    value.iter().for_each(|byte| present[usize::from(*byte)] = true);
    let has = |needle: &[u8]| {
        needle.iter().all(|byte| present[usize::from(*byte)])
            && value.windows(needle.len()).any(|window| window == needle)
    };
    // Base64 ends in equals signs.
    let compares = memchr::memmem::find(value.trim_ascii_end(), b"==")
        .is_some_and(|at| !value[at..].iter().all(|byte| *byte == b'='));
    // Operators stand between names; what a generator makes holds two such signs by chance.
    let operates = compares || OPERATORS.iter().any(|mark| has(mark));
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if operates && (letters < 6 || words::covered(value) * 3 >= letters) {
        return true;
    }
    if ANYWHERE.iter().any(|mark| has(mark)) || value.ends_with(b"(") {
        return true;
    }
    if is_pointer(value)
        || is_camel(value, form)
        || is_joined(value)
        || is_constant(value)
        || is_format(value)
        || is_escape(value)
        || is_tag(value)
        || is_place(value)
        || is_derivation(value)
    {
        return true;
    }
    // A line of a table of commas.
    let is_row = memchr::memchr_iter(b',', value).count() > 1
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b",-_ ".contains(byte));
    if form != Form::Quoted && (is_row || is_setting(value)) {
        return true;
    }
    // What a minified line holds between a name and the next blank.
    if form != Form::Quoted && FRAGMENTS.iter().any(|mark| has(mark)) {
        return true;
    }
    let is_identifier = |part: &[u8]| {
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let wordy =
        words::covered(value) * 4 >= value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() * 3;
    // `app.config.secret`, `name[0]`, `fetch(name`; and no `harbor.copper_731`, which ends in a number that no name has.
    let dotted = value.contains(&b'.')
        && value.split(|byte| matches!(byte, b'.' | b':')).all(is_identifier)
        && wordy
        && !(form == Form::Quoted && is_numbered(value));
    let called = value.iter().position(|byte| matches!(byte, b'(' | b'['));
    let called =
        called.is_some_and(|at| at > 0 && value[..at].split(|byte| *byte == b'.').all(is_identifier));
    // `&RegistryConfig`, `#[derive(Clone)]`, `$.ObjectType`: names and signs without quotes.
    let sigils = value.iter().any(|byte| b"$@&*!#(){}[]<>;|%^,".contains(byte));
    let mostly =
        words::covered(value) * 3 >= value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() * 2;
    let unquoted = form != Form::Quoted && form != Form::Cell;
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    // `Packers4ever@4`: people put one sign into two words and numbers.
    let any = |is: fn(&u8) -> bool| value.iter().any(is);
    let signs = value.iter().filter(|byte| byte.is_ascii_punctuation() && !b"-_.".contains(byte));
    let is_chosen = digits > 1
        && any(u8::is_ascii_uppercase)
        && any(u8::is_ascii_lowercase)
        && matches!(signs.copied().collect::<Vec<u8>>()[..], [b'@' | b'!' | b'#' | b'%' | b'^' | b'*'])
        && matches!(form, Form::Line | Form::Quoted | Form::Cell);
    if unquoted && sigils && mostly && digits < 3 && !is_chosen {
        return true;
    }
    if unquoted && matches!(value[0], b'(' | b'.' | b'/' | b')' | b'}' | b']' | b',') && !is_base64(value) {
        return true;
    }
    // `required|min:8`, `UserController@passwordReset`: words and signs between quotes
    let is_word = |part: &[u8]| {
        part.len() < 3 || words::covered(part) * 4 >= part.len() * 3 || part.iter().all(u8::is_ascii_digit)
    };
    let listed = value.iter().any(|byte| b"|@".contains(byte))
        && value.split(|byte| b"|@:,=-_".contains(byte)).all(is_word)
        && digits < 4
        && !is_chosen;
    if listed || has(b"[type=") {
        return true;
    }
    // Several lines in one literal, and a line of its own: `A=1\nB=2`, `NAME=<value>`
    let name = value.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
    let assigns = name > 3 && value.get(name) == Some(&b'=');
    if assigns
        || memchr::memmem::find(value, b"\\n").is_some_and(|at| at + 2 < value.len())
        || value.starts_with(b"--")
    {
        return true;
    }
    // `$name`, `@name`: a variable's name
    if matches!(value[0], b'$' | b'@') && is_identifier(&value[1..]) && (mostly || unquoted && digits == 0) {
        return true;
    }
    // A name alone, which between quotes would be a value.
    let named = form == Form::Bare && is_identifier(value) && wordy && digits < 3;
    // `env(NAME)`, also between quotes
    let looked_up = value.ends_with(b")") && called && wordy;
    // `Option<String>`
    let generic = value.ends_with(b">")
        && value
            .iter()
            .position(|byte| *byte == b'<')
            .is_some_and(|at| at > 0 && is_identifier(&value[..at]));
    dotted || (called && form != Form::Quoted) || looked_up || generic || named
}

/// `_731`: a number of three digits behind two words, and none of an algorithm, a key's length or a status.
fn is_numbered(value: &[u8]) -> bool {
    const KNOWN: [&[u8]; 8] = [b"128", b"192", b"224", b"256", b"384", b"512", b"200", b"404"];
    let Some((number, words)) = value.split_last_chunk::<3>().map(|(words, number)| (number, words)) else {
        return false;
    };
    number.iter().all(u8::is_ascii_digit)
        && !KNOWN.contains(&&number[..])
        && words.last() == Some(&b'_')
        && memchr::memchr_iter(b'.', words).count() == 1
        && words.iter().all(|byte| byte.is_ascii_lowercase() || b"._".contains(byte))
}

/// `self.host)`, `globalConfig.SecretKey`: where code gets a value from.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !b")].,;}".contains(byte)).map_or(0, |at| at + 1);
    let letters = value[..end].iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_identifier = |part: &[u8]| {
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    (value[..end].contains(&b'.') || value[0] == b'_' && letters + 3 > end)
        && value[..end].split(|byte| *byte == b'.').all(is_identifier)
        && words::covered(&value[..end]) * 3 >= letters * 2
}

/// `PBKDF2-SHA256(password,`: a call of an algorithm, with more in it than a name.
fn is_derivation(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'(', value) else { return false };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let behind = &value[at + 1..];
    at > 3
        && value[..at].iter().all(is_part)
        && value[0].is_ascii_uppercase()
        && behind.last().is_none_or(|last| b",)".contains(last))
        && behind.iter().all(|byte| byte.is_ascii_alphabetic() || b"_,.) ".contains(byte))
        && words::covered(behind) * 2 >= behind.len().saturating_sub(1)
}

/// `[]string`, `*ua.NodeID,`, `&self.config`: a type, or the address of a variable.
fn is_pointer(value: &[u8]) -> bool {
    let inner =
        value.strip_prefix(b"[]").or_else(|| value.strip_prefix(b"*")).or_else(|| value.strip_prefix(b"&"));
    let Some(inner) = inner else { return false };
    let inner = inner.strip_suffix(b",").or_else(|| inner.strip_suffix(b"{")).unwrap_or(inner);
    let is_identifier = |part: &[u8]| {
        part.len() > 1
            && part[0].is_ascii_alphabetic()
            && part[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    inner.split(|byte| *byte == b'.').all(is_identifier) && (inner.contains(&b'.') || value[0] == b'[')
}

/// `H265QualityTuningLevel`: words with capitals, a number between them, and no quotes around it.
fn is_camel(value: &[u8], form: Form) -> bool {
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let digits = value.len() - letters;
    let steps =
        value.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    form == Form::Bare
        && value.iter().all(u8::is_ascii_alphanumeric)
        && value.last().is_some_and(u8::is_ascii_alphabetic)
        && (1..=3).contains(&digits)
        && steps > 0
        && words::covered(value) * 3 >= letters * 2
}

/// "`+expected+`": where a literal ends and another begins.
fn is_joined(value: &[u8]) -> bool {
    let quotes = |byte: &u8| b"\"'`".contains(byte);
    let start = value.iter().take_while(|byte| quotes(byte)).count();
    let end = value.len() - value[start..].iter().rev().take_while(|byte| quotes(byte)).count();
    let inner = &value[start..end];
    // `+name+` of RDoc
    let name = value.strip_prefix(b"+").map(|rest| rest.strip_suffix(b".").unwrap_or(rest));
    let name = name.and_then(|rest| rest.strip_suffix(b"+"));
    if name.is_some_and(|name| {
        name.len() > 2 && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
    }) {
        return true;
    }
    start > 0 && inner.len() > 3 && inner.starts_with(b"+") && inner.ends_with(b"+")
}

/// `RFC2136_NAMESERVER`, `ACME_TOKEN_2`: the name of a constant or a variable.
fn is_constant(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    // `SASL_SCRAM_256`: letters or numbers between the lines, never one in the other
    let is_part = |part: &[u8]| {
        let letters = part.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        !part.is_empty() && part[letters..].iter().all(u8::is_ascii_digit) && part.len() - letters < 5
    };
    let parts = value.split(|byte| *byte == b'_');
    let is_plain = parts.clone().count() > 2 && parts.clone().all(is_part);
    value.contains(&b'_')
        && value.first().is_some_and(u8::is_ascii_uppercase)
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && digits * 3 <= value.len()
        && (is_plain || words::covered(value) * 2 >= value.len() - digits)
}

/// `\t%s(%s)`: directives of a format string, and words.
fn is_format(value: &[u8]) -> bool {
    const DIRECTIVES: [&[u8]; 4] = [b"%s", b"%v", b"%q", b"%d"];
    let directives = DIRECTIVES.iter().map(|directive| memchr::memmem::find_iter(value, directive).count());
    let count: usize = directives.sum();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_rest_plain = letters - count.min(letters) < 4 || words::covered(value) * 3 >= letters;
    count > 0 && is_rest_plain && !value.iter().any(u8::is_ascii_digit)
}

/// `\033[93m`: what colours a terminal.
fn is_escape(value: &[u8]) -> bool {
    // Bytes that are no text, written down.
    if memchr::memmem::find_iter(value, b"\\x").count() * 8 >= value.len() {
        return true;
    }
    if has_foreign_letter(value) {
        return true;
    }
    [&b"\\033["[..], b"\\e[", b"\\x1b[", b"\\x1B[", b"\\u001b[", b"\\u001B["]
        .iter()
        .any(|start| value.starts_with(start))
}

/// `Slapta\u017eodis`: a word in another alphabet, written down in ASCII. What generators make needs no such letters.
fn has_foreign_letter(value: &[u8]) -> bool {
    let is_letter = |at: usize| {
        let code = value.get(at + 2..at + 6).filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        code.is_some_and(|code| !code.starts_with(b"00") || value[at + 4] >= b'8')
    };
    memchr::memmem::find_iter(value, b"\\u").any(is_letter)
}

/// `json:"password,omitempty"`: what a Go field is called elsewhere.
fn is_tag(value: &[u8]) -> bool {
    let letters = value.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    letters > 2 && value[letters..].starts_with(b":\"")
}

/// `project=fluentbit`, `-Dkb.url=http`: another name and its value.
fn is_setting(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b',');
    if parts.clone().count() > 1 && parts.any(is_setting) {
        return true;
    }
    let Some(at) = memchr::memchr(b'=', value) else { return false };
    let name = value[..at].strip_prefix(b"-D").unwrap_or(&value[..at]);
    let name = name.strip_prefix(b"+").unwrap_or(name);
    let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters >= 4
        && value.len() > at + 1
        && value[at + 1] != b'='
        && name.iter().all(|byte| {
            byte.is_ascii_alphabetic()
                || b"_.-".contains(byte)
                || byte.is_ascii_digit() && name.contains(&b'.')
        })
        && (words::covered(name) * 3 >= letters * 2 || value.starts_with(b"-D"))
}
