//! Values that are something of their own and no secret, whatever their name says: addresses, paths, numbers, names.

use super::{elsewhere, hashed, quantity, words};

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
        b"gs://",
        b"s3://",
        b"GHSA-",
        b"CVE-",
        b"phc_",
        b"pk_live_",
        b"pk_test_",
    ]) || only(b".-:/ +TZ,")
        || elsewhere::is_kept(value)
        || is_product(value)
        || is_path(value)
        || is_address(value)
        || is_file_name(value)
        || is_expression(value)
        || is_package(value)
        || hashed::is_hash(value)
        || hashed::is_fingerprint(value)
        || is_account(value)
        || is_attribute(value)
        || is_plain_url(value)
        || is_percent_signs(value)
        || is_list(value)
        || is_numbered_uuid(value)
        || is_region(value)
        || is_host_behind_user(value)
        || is_host_path(value)
        || is_standard(value)
        || is_locale(value)
        || is_service(value)
        || is_pattern(value)
        || is_quoted_printable(value)
        || quantity::is_quantity(value)
        || is_call(value)
        || is_recipient(value)
        || [&b"]("[..], b"\":\"", b"\",\""].iter().any(|mark| memchr::memmem::find(value, mark).is_some())
        || (value.starts_with(b"#") && value[1..].iter().all(u8::is_ascii_hexdigit))
}

/// `/run/secrets/app`, `C:\keys\app.pem`: a slash first or several, and words between them.
fn is_path(value: &[u8]) -> bool {
    // `/signin?to=/`: what is asked for there
    if value.starts_with(b"/")
        && let Some(at) = memchr::memchr(b'?', value)
        && at + 1 < value.len()
        && value[at..].contains(&b'=')
    {
        return is_path(&value[..at]);
    }
    let parts: Vec<&[u8]> =
        value.split(|byte| matches!(byte, b'/' | b'\\')).filter(|part| !part.is_empty()).collect();
    let is_name = |part: &&[u8]| {
        part.len() <= 24 && part.iter().filter(|byte| byte.is_ascii_digit()).count() * 3 <= part.len()
    };
    let is_rooted = matches!(value.first(), Some(b'/' | b'\\'))
        || value.get(1..3) == Some(b":\\")
        || value.get(1..3) == Some(b":/")
        || value.starts_with(b"unix:/");
    if is_base64(value) {
        return false;
    }
    parts.len() >= 2 && parts.iter().all(is_name) && (is_rooted || words::covered(value) * 2 > value.len())
        || (is_rooted && parts.len() == 1 && words::covered(value) * 2 > value.len())
}

/// `f=C3=BCr`, and `C3=A4ndern` where the first sign was read as an operator: a letter of a mail's text.
fn is_quoted_printable(value: &[u8]) -> bool {
    let is_letter = |part: &[u8]| {
        part[0].is_ascii_uppercase()
            && part[1].is_ascii_hexdigit()
            && part[2] == b'='
            && matches!(part[3], b'8' | b'9' | b'A' | b'B')
    };
    let is_pair = |part: &[u8]| part[0] == b'=' && part[1] == b'C' && is_letter(&part[1..]);
    value.len() >= 5 && (value[0] == b'C' && is_letter(value) || value.windows(6).any(is_pair))
}

/// `^(one|another)$`: what a value must look like.
fn is_pattern(value: &[u8]) -> bool {
    value.starts_with(b"^") && value.ends_with(b"$") && value.iter().any(|byte| b"([*+\\|".contains(byte))
}

/// Long, of base64's signs, and nothing that words account for: what is no path although it has slashes.
pub(super) fn is_base64(value: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    value.len() >= 32
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && words::covered(value) * 4 < letters
}

/// `mailto://host:465?user=name`: an address of any scheme without a password of its own.
fn is_plain_url(value: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(value, b"://") else { return false };
    let scheme = &value[..at];
    let rest = &value[at + 3..];
    let (names, rest) =
        memchr::memrchr(b'@', rest).map_or((&b""[..], rest), |at| (&rest[..at], &rest[at + 1..]));
    let host = rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next().unwrap_or_default();
    let is_scheme = (2..=16).contains(&scheme.len())
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte));
    // `user:password@`: words, and no password
    let password = memchr::memchr(b':', names).map_or(&b""[..], |at| &names[at + 1..]);
    let is_plain = password.iter().all(u8::is_ascii_lowercase) && words::covered(password) == password.len();
    is_scheme && is_plain && words::covered(host) * 2 >= host.len() / 2
}

/// `%20%2520`: blanks and signs, encoded.
fn is_percent_signs(value: &[u8]) -> bool {
    let is_sign = |part: &[u8]| {
        part.iter().all(u8::is_ascii_hexdigit) && part.len().is_multiple_of(2) && part.len() <= 4
    };
    value.first() == Some(&b'%') && value[1..].split(|byte| *byte == b'%').all(is_sign)
}

/// `us-east-1`, `europe-west4`: where a cloud keeps things.
fn is_region(value: &[u8]) -> bool {
    const SIDES: [&[u8]; 8] =
        [b"east", b"west", b"north", b"south", b"central", b"northeast", b"southeast", b"northwest"];
    let words: Vec<&[u8]> = value.split(|byte| *byte == b'-').collect();
    let last = words.last().copied().unwrap_or_default();
    let side = last.iter().position(u8::is_ascii_digit).map_or(last, |at| &last[..at]);
    (2..=4).contains(&words.len())
        && value.len() <= 24
        && words.iter().any(|word| SIDES.contains(word) || SIDES.contains(&side))
        && last.last().is_some_and(u8::is_ascii_digit)
        && last.iter().filter(|byte| byte.is_ascii_digit()).count() == 1
}

/// `RFC-4013`, `WPA2-Personal`, `TLSv1.2`: the names of standards.
fn is_standard(value: &[u8]) -> bool {
    const BODIES: [&[u8]; 23] = [
        b"2FA-",
        b"MFA-",
        b"FIDO2/",
        b"SCRAM",
        b"RFC",
        b"ISO",
        b"IEEE",
        b"WPA",
        b"TLS",
        b"SSL",
        b"SHA",
        b"AES",
        b"UTF",
        b"ChaCha20",
        b"XChaCha20",
        b"Apache-",
        b"AGPL-",
        b"LGPL-",
        b"GPL-",
        b"MPL-",
        b"BSD-",
        b"CC-BY",
        b"EPL-",
    ];
    let rest = BODIES.iter().find_map(|body| value.strip_prefix(*body));
    rest.is_some_and(|rest| {
        let letters = rest.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
            && (letters < 4 || words::covered(rest) * 4 >= letters * 3)
    })
}

/// The numbers of regions that locales name (UN M49, as CLDR uses them).
const REGIONS: [&[u8]; 6] = [b"001", b"142", b"150", b"202", b"419", b"053"];
/// The scripts that locales name (ISO 15924, as CLDR uses them).
const SCRIPTS: [&[u8]; 14] = [
    b"Adlm", b"Arab", b"Beng", b"Cyrl", b"Deva", b"Guru", b"Hans", b"Hant", b"Latn", b"Mong", b"Olck",
    b"Tfng", b"Vaii", b"Mtei",
];

/// `en_001`, `zh_Hant_HK`: a language and where it is spoken, or how it is written.
fn is_locale(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| matches!(byte, b'_' | b'-'));
    let is_language = parts
        .next()
        .is_some_and(|part| matches!(part.len(), 2 | 3) && part.iter().all(u8::is_ascii_lowercase));
    let is_place = |part: &[u8]| {
        (part.len() == 2 && part.iter().all(u8::is_ascii_uppercase))
            || REGIONS.contains(&part)
            || SCRIPTS.contains(&part)
    };
    is_language && value.len() > 4 && parts.all(is_place)
}

/// `admin_server:464`: a name and a port.
fn is_service(value: &[u8]) -> bool {
    let Some(at) = memchr::memrchr(b':', value) else { return false };
    let (name, port) = (&value[..at], &value[at + 1..]);
    let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    (2..=5).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit)
        && letters > 3
        && name.iter().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(byte))
        && words::covered(name) * 4 >= letters * 3
}

/// `linear-gradient(90deg,#0ea5e9)`: a call of words, with several arguments.
fn is_call(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'(', value) else { return false };
    let name = &value[..at];
    let letters = name.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    letters > 2
        && value.ends_with(b")")
        && value[at..].contains(&b',')
        && name.iter().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(byte))
        && words::covered(name) * 3 >= letters
}

/// `0x` and forty hexadecimal digits: an account of a block chain.
fn is_account(value: &[u8]) -> bool {
    value.len() == 42 && value.starts_with(b"0x") && value[2..].iter().all(u8::is_ascii_hexdigit)
}

/// `age1…`: to whom one encrypts with age.
fn is_recipient(value: &[u8]) -> bool {
    value.len() == 62
        && value.starts_with(b"age1")
        && value.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// `docker.acme.com/team/image`: a host and a path.
fn is_host_path(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'/', value) else { return false };
    let (host, path) = (&value[..at], &value[at + 1..]);
    let top = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    top.len() < host.len()
        && (2..=6).contains(&top.len())
        && top.iter().all(u8::is_ascii_lowercase)
        && host
            .iter()
            .chain(path)
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_/:".contains(byte))
}

/// `@host.tld/path`: what stands behind a user and a password that are none.
fn is_host_behind_user(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"@") else { return false };
    let host = rest.split(|byte| b"/:?".contains(byte)).next().unwrap_or_default();
    host.len() < rest.len()
        && (host.contains(&b'.') || host == b"localhost")
        && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
}

/// `user01,user02`: names between commas.
fn is_list(value: &[u8]) -> bool {
    let is_name = |part: &[u8]| {
        let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        letters > 1
            && part.len() - letters <= 3
            && part[letters..].iter().all(u8::is_ascii_digit)
            && words::covered(&part[..letters]) * 4 >= letters * 3
    };
    value.contains(&b',') && value.split(|byte| *byte == b',').all(is_name)
}

/// A UUID and a number: the name of a thing and of its part or version.
fn is_numbered_uuid(value: &[u8]) -> bool {
    let (Some(uuid), Some(rest)) = (value.get(..36), value.get(36..)) else { return false };
    (2..=4).contains(&rest.len())
        && b":/#-_".contains(&rest[0])
        && rest[1..].iter().all(u8::is_ascii_digit)
        && is_uuid(uuid)
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
    const ENDS: [&[u8]; 62] = [
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
        b".sql",
        b".sock",
        b".log",
        b".java",
        b".php",
        b".lock",
        b".exe",
        b".dll",
        b".jar",
        b".zip",
        b".csv",
        b".bat",
        b".pub",
        b".asc",
        b".gpg",
        b".der",
        b".csr",
        b".kdbx",
        b".keystore",
        b".properties",
        b".tf",
        b".tfvars",
        b".hcl",
        b".pdf",
        b".docx",
        b".xlsx",
        b".sqlite",
        b".sops",
    ];
    let ends = |end: &&[u8]| {
        value.len().checked_sub(end.len()).is_some_and(|start| value[start..].eq_ignore_ascii_case(end))
    };
    ENDS.iter().any(ends)
}

/// Eight, four, four, four and twelve hexadecimal digits.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
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

/// `MongoDB&reg;`, `Duo™`: what bears a sign of a trade mark, however that is written, is a name.
fn is_product(value: &[u8]) -> bool {
    let has = |sign: &&[u8]| memchr::memmem::find(value, sign).is_some();
    [&b"&reg;"[..], b"&trade;", b"&copy;", "®".as_bytes(), "™".as_bytes(), "©".as_bytes()].iter().any(has)
        || value.ends_with(b"&reg")
        || value.ends_with(b"&trade")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_mark_is_a_name() {
        for value in ["MongoDB&reg;", "Mongo4DB&reg", "Duo\u{2122}"] {
            assert!(is_product(value.as_bytes()), "{value}");
        }
        assert!(!is_product(b"x&region=7") && !is_product(b"Quartz&41"));
    }

    #[test]
    fn a_locale_is_one_of_those_there_are() {
        for value in ["en_001", "es-419", "zh_Hant_HK", "sr_Latn_RS", "yue-Hans"] {
            assert!(is_locale(value.as_bytes()), "{value}");
        }
        for value in ["abc-123", "web_907", "abc-Pass", "en_USA", "zh_"] {
            assert!(!is_locale(value.as_bytes()), "{value}");
        }
    }
}
