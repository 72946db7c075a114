//! Where something stands in a page, a document or a program: a selector, a path of jq, a class, a variable. It is written
//! where a value is expected, and is none.

use super::label::digits;
use super::words;

/// Whether a value says where something stands.
pub(super) fn is_place(value: &[u8]) -> bool {
    is_selector(value)
        || is_query(value)
        || is_namespace(value)
        || is_variable(value)
        || is_alternatives(value)
        || is_lookup(value)
        || is_commits(value)
}

fn letters(value: &[u8]) -> usize {
    value.iter().filter(|byte| byte.is_ascii_alphabetic()).count()
}

fn is_wordy(value: &[u8]) -> bool {
    words::covered(value) * 4 >= letters(value) * 3
}

fn is_identifier(part: &[u8]) -> bool {
    part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// `#user-password-input`, `.login-form__password`: an element of a page, by its name or its class.
fn is_selector(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"#").or_else(|| value.strip_prefix(b".")) else { return false };
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(byte);
    name.iter().all(is_part)
        && name.iter().any(|byte| b"-_".contains(byte))
        && digits(name) < 2
        && is_wordy(name)
}

/// `.items[0].hideName`: where jq finds it.
fn is_query(value: &[u8]) -> bool {
    let Some(path) = value.strip_prefix(b".") else { return false };
    let mut parts = path.split(|byte| matches!(byte, b'.' | b'['));
    let is_index =
        |part: &[u8]| part.strip_suffix(b"]").is_some_and(|index| index.iter().all(u8::is_ascii_digit));
    path.contains(&b'[') && parts.all(|part| is_index(part) || is_identifier(part)) && is_wordy(path)
}

/// `App\Auth\RequirePassword:route,100`: a class, and what it is made with.
fn is_namespace(value: &[u8]) -> bool {
    let class = value.split(|byte| matches!(byte, b':' | b'@')).next().unwrap_or_default();
    let parts = class.split(|byte| *byte == b'\\').filter(|part| !part.is_empty());
    let is_name = |part: &[u8]| part[0].is_ascii_uppercase() && is_identifier(part);
    parts.clone().count() > 2 && parts.clone().all(is_name) && is_wordy(class)
}

/// `$$cssData3`, `%DB_NAME`: a variable's name behind the signs that its language puts before it.
fn is_variable(value: &[u8]) -> bool {
    let signs = value.iter().take_while(|byte| b"$%".contains(byte)).count();
    let name = &value[signs..];
    let is_constant =
        name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') && name.contains(&b'_');
    let is_internal =
        signs == 2 && value[0] == b'$' && digits(name) < 2 && words::covered(name) * 4 >= letters(name);
    (1..=2).contains(&signs) && is_identifier(name) && (is_constant || is_internal)
}

/// `AuthName|AuthUserFile2|SessionCookie`: names to choose from, as an expression lists keywords.
fn is_alternatives(value: &[u8]) -> bool {
    let parts = value.split(|byte| *byte == b'|').filter(|part| !part.is_empty());
    let is_name = |part: &[u8]| is_identifier(part) && digits(part) < 3;
    memchr::memchr_iter(b'|', value).take(2).count() == 2
        && parts.clone().all(is_name)
        && words::covered(value) * 3 >= letters(value) * 2
}

/// `value=$USER_NAME`, `created_by__name__icontains=pbkdf2`: a name, and what else says it or is looked for.
fn is_lookup(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'=', value) else { return false };
    let (name, rest) = (&value[..at], &value[at + 1..]);
    let is_variable = rest.first() == Some(&b'$')
        && rest.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || b"{(".contains(byte));
    let is_field = memchr::memmem::find(name, b"__").is_some() && is_wordy(name);
    name.len() > 2 && is_identifier(name) && (is_variable && is_wordy(name) || is_field)
}

/// `545ff6d..1b3648f`: from one state of a file to the next.
fn is_commits(value: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(value, b"..") else { return false };
    let is_id = |part: &[u8]| (7..=40).contains(&part.len()) && part.iter().all(u8::is_ascii_hexdigit);
    is_id(&value[..at]) && is_id(value[at + 2..].strip_prefix(b".").unwrap_or(&value[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_no_values() {
        for value in [
            "#user_name_input",
            "#job-submission-ssh-name",
            ".collections[0].hideNames",
            "App\\Auth\\Middleware\\RequireLogin:route.name,100",
            "$$ngAnimateCSS3Data",
            "%LOAD_NAME",
            "SessionCryptoName|SessionCookieName2|SessionCookieRemove",
            "value=$USER_NAME",
            "created_by__name__icontains=pbkdf2",
            "545ff6d..1b3648f",
        ] {
            assert!(is_place(value.as_bytes()), "{value}");
        }
        for value in ["#Winter2024!", ".x7Kp-2q_", "$ecret77pass", "Kx9|mPq2|vL8", "x=Kx9#mPq2", "%K9x_2Qm"] {
            assert!(!is_place(value.as_bytes()), "{value}");
        }
    }
}
