//! Values that are something of their own and no secret, whatever their name says: addresses, paths, numbers, code.

use super::verdict::Form;
use super::words;

/// Things that have a form of their own: addresses, paths, numbers, dates, versions, colours, public keys.
pub(super) fn is_thing(value: &[u8]) -> bool {
    let starts = |prefixes: &[&[u8]]| prefixes.iter().any(|prefix| value.starts_with(prefix));
    let only = |signs: &[u8]| value.iter().all(|byte| byte.is_ascii_digit() || signs.contains(byte));
    starts(&[
        b"http://",
        b"https://",
        b"//",
        b"./",
        b"../",
        b"~/",
        b"file:",
        b"arn:",
        b"urn:",
        b"data:",
        b"mailto:",
        b"ssh-",
        b"ecdsa-",
        b"sha1-",
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"sha1:",
        b"sha256:",
        b"sha512:",
        b"md5:",
        b"xmlns",
        b"AAAAB3Nza",
        b"AAAAC3Nza",
        b"MII",
        b"op://",
        b"$ANSIBLE_VAULT",
        b"ENC[",
        b"vault:v",
        b"vault:",
        b"ssm:",
        b"secretsmanager:",
        b"projects/",
        b"keyring:",
        b"gs://",
        b"s3://",
        b"@Microsoft.",
        b"alias/",
    ]) || only(b".-:/ +TZ,")
        || is_path(value)
        || is_address(value)
        || is_file_name(value)
        || is_expression(value)
        || is_package(value)
        || is_hash(value)
        || is_attribute(value)
        || (value.starts_with(b"#") && value[1..].iter().all(u8::is_ascii_hexdigit))
}

/// `/run/secrets/app`, `C:\keys\app.pem`: a slash first or several, and words between them.
fn is_path(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> =
        value.split(|byte| matches!(byte, b'/' | b'\\')).filter(|part| !part.is_empty()).collect();
    let is_name = |part: &&[u8]| {
        part.len() <= 24 && part.iter().filter(|byte| byte.is_ascii_digit()).count() * 3 <= part.len()
    };
    let is_rooted = matches!(value.first(), Some(b'/' | b'\\'))
        || value.get(1..3) == Some(b":\\")
        || value.get(1..3) == Some(b":/");
    parts.len() >= 2 && parts.iter().all(is_name) && (is_rooted || words::covered(value) * 2 > value.len())
        || (is_rooted && parts.len() == 1 && words::covered(value) * 2 > value.len())
}

/// `name@host.tld`
fn is_address(value: &[u8]) -> bool {
    let Some(at) = value.iter().position(|byte| *byte == b'@') else { return false };
    let (name, host) = (&value[..at], &value[at + 1..]);
    let plain = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(byte));
    let top = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    at > 0
        && !value.iter().any(u8::is_ascii_uppercase)
        && plain(name)
        && plain(host)
        && host.contains(&b'.')
        && top.len() >= 2
        && top.iter().all(u8::is_ascii_alphabetic)
}

fn is_file_name(value: &[u8]) -> bool {
    const ENDS: [&[u8]; 34] = [
        b".pem",
        b".key",
        b".crt",
        b".cer",
        b".p12",
        b".pfx",
        b".jks",
        b".json",
        b".yaml",
        b".yml",
        b".toml",
        b".txt",
        b".env",
        b".conf",
        b".cfg",
        b".ini",
        b".xml",
        b".html",
        b".md",
        b".js",
        b".ts",
        b".py",
        b".go",
        b".rb",
        b".sh",
        b".com",
        b".org",
        b".net",
        b".io",
        b".dev",
        b".local",
        b".internal",
        b".png",
        b".svg",
    ];
    ENDS.iter().any(|end| value.to_ascii_lowercase().ends_with(end))
}

/// Eight, four, four, four and twelve hexadecimal digits.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Names, calls, indexing and types, as code has them behind an equals sign.
pub(super) fn is_code(value: &[u8], form: Form) -> bool {
    const ANYWHERE: [&[u8]; 16] = [
        b"()",
        b"=>",
        b"->",
        b"::",
        b"&&",
        b"||",
        b"!=",
        b"${",
        b"this.",
        b"[..",
        b")[",
        b"))",
        b"};",
        b"){",
        b");",
        b"function(",
    ];
    let has = |needle: &[u8]| value.windows(needle.len()).any(|window| window == needle);
    // Base64 ends in equals signs.
    let compares = memchr::memmem::find(value.trim_ascii_end(), b"==")
        .is_some_and(|at| !value[at..].iter().all(|byte| *byte == b'='));
    if compares || ANYWHERE.iter().any(|mark| has(mark)) || value.ends_with(b"(") {
        return true;
    }
    let is_identifier = |part: &[u8]| {
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let wordy =
        words::covered(value) * 4 >= value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() * 3;
    // `app.config.secret`, `name[0]`, `fetch(name`
    let dotted = value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_identifier) && wordy;
    let called = value.iter().position(|byte| matches!(byte, b'(' | b'['));
    let called =
        called.is_some_and(|at| at > 0 && value[..at].split(|byte| *byte == b'.').all(is_identifier));
    // `&RegistryConfig`, `#[derive(Clone)]`, `$.ObjectType`: names and signs without quotes.
    let sigils = value.iter().any(|byte| b"$@&*!#(){}[]<>;|%^,".contains(byte));
    let mostly =
        words::covered(value) * 3 >= value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() * 2;
    let unquoted = form != Form::Quoted && form != Form::Cell;
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if unquoted && sigils && mostly && digits < 3 {
        return true;
    }
    if unquoted && matches!(value[0], b'(' | b'.' | b'/' | b')' | b'}' | b']') {
        return true;
    }
    // `required|min:8`, `UserController@passwordReset`: words and signs between quotes
    let is_word = |part: &[u8]| {
        part.len() < 3 || words::covered(part) * 4 >= part.len() * 3 || part.iter().all(u8::is_ascii_digit)
    };
    let listed = value.iter().any(|byte| b"|@".contains(byte))
        && value.split(|byte| b"|@:,=-_".contains(byte)).all(is_word)
        && digits < 4;
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

/// A regular expression: it has classes, groups or repetitions.
fn is_expression(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 10] =
        [b"[^", b"[a-z", b"[A-Z", b"[0-9", b"\\d", b"\\w", b"\\s", b"(?", b".*", b"}$"];
    let signs = value.iter().filter(|byte| b"[](){}^$*+?\\|".contains(byte)).count();
    let grouped =
        [&b"(?:"[..], b"(?i", b"(?P", b"(?<"].iter().any(|mark| memchr::memmem::find(value, mark).is_some());
    grouped || signs > 2 && MARKS.iter().any(|mark| value.windows(mark.len()).any(|part| part == *mark))
}

/// `name@1.2.3`, `owner/image:tag`, `owner/action@v2`, `name-0.10.1`: a package, an image and its version.
fn is_package(value: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./$".contains(byte);
    let parts: Vec<&[u8]> = value.splitn(2, |byte| matches!(byte, b'@' | b':')).collect();
    let has_slash = parts[0].contains(&b'/')
        && parts[0].iter().all(is_name)
        && parts.len() == 2
        && parts[1].iter().all(is_name);
    let owned = has_slash && words::covered(parts[0]) * 2 >= parts[0].len() / 2 && parts[1].len() < 48;
    owned || has_version(value)
}

/// Three numbers between dots.
fn has_version(value: &[u8]) -> bool {
    let mut numbers = 0;
    for part in value.split(|byte| *byte == b'.') {
        let digits = if numbers == 0 {
            part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count()
        } else {
            part.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digits == part.len();
        numbers = if (1..=4).contains(&digits) && (whole || numbers == 0 || numbers == 2) {
            numbers + 1
        } else {
            0
        };
        if numbers == 3 {
            return true;
        }
    }
    false
}

/// `$2b$10$…`, `sha1$…`, `{SSHA}…`: what is kept of a password so that nobody can read it.
fn is_hash(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 15] = [
        b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$", b"$apr1$", b"$argon2", b"$pbkdf2",
        b"$scrypt", b"sha1$", b"pbkdf2_", b"{SSHA", b"{SHA",
    ];
    let is_account =
        value.len() == 42 && value.starts_with(b"0x") && value[2..].iter().all(u8::is_ascii_hexdigit);
    is_account || STARTS.iter().any(|start| value.starts_with(start))
}

/// `[formControl]=`, `AUTH0_ID=`, `&#x27;text`: what stands beside a value in markup, not the value.
fn is_attribute(value: &[u8]) -> bool {
    let is_base64 = value.len().is_multiple_of(4)
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte));
    let has = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    let signs = value.iter().filter(|byte| b"!#$%^&*?@+".contains(byte)).count();
    (value.ends_with(b"=") && !value.ends_with(b"==") && !is_base64 && signs == 0)
        || value.ends_with(b"]=")
        || has(b"&#")
        || has(b"&quot")
        || has(b"&apos")
        || has(b".md#")
        || has(b".html#")
}
