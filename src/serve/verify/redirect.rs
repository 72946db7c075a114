//! Where somebody may be sent back to after signing in: a path of the same host, and nothing else.
//!
//! Browsers take `/\host`, `//host` and what decodes to it for other hosts, and a line break for the end of a header.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// No address of an application is longer.
const LONGEST: usize = 2048;

/// The path and query when they are of this host, however they are read.
pub fn local(path: &str) -> Option<String> {
    if path.len() > LONGEST || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    // Some part on the way may decode once or twice.
    let mut read = path.to_owned();
    for _ in 0..3 {
        if !is_local(&read) {
            return None;
        }
        read = percent_decode_str(&read).decode_utf8().ok()?.into_owned();
    }
    Some(path.to_owned())
}

fn is_local(path: &str) -> bool {
    let start = path.split(['?', '#']).next().unwrap_or_default();
    path.starts_with('/')
        && !path.starts_with("//")
        && !start.contains('\\')
        && !start.contains("//")
        && !path.contains(|c: char| c.is_control())
}

/// The address where people sign in, with where they came from.
pub(super) fn sign_in(address: &str, parameter: &str, back: Option<&str>) -> String {
    let own = address.split(['?', '#']).next().unwrap_or_default();
    // Back to the sign-in or to what clears cookies would be a circle.
    let back = back.filter(|back| {
        let path = back.split(['?', '#']).next().unwrap_or_default();
        path != own && path != "/session/clear" && path != "/api/auth/clear-session"
    });
    let Some(back) = back else { return address.to_owned() };
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{parameter}={}", utf8_percent_encode(back, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn only_paths_of_this_host_are_gone_back_to() {
        for kept in ["/", "/account", "/a/b?c=d&e=%2Ff", "/search?q=http://x", "/a#b", "/%C3%A9", "/a?b=\\c"]
        {
            assert_eq!(local(kept).as_deref(), Some(kept));
        }
        for refused in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2f%2fevil.example",
            "%2f%2fevil",
            "/%2fevil.example",
            "/%5cevil.example",
            "/%255cevil.example",
            "/%252fevil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\tevil",
            "/\r\nSet-Cookie: a=b",
            "/%0d%0aSet-Cookie:a=b",
            "/%250aa",
            "/a b",
            "/é",
            "/.//evil.example",
            "///evil",
            "/\u{2028}",
            "/%ff",
            "data:text/html,x",
            "/\0",
        ] {
            assert_eq!(local(refused), None, "{refused:?}");
        }
        assert!(local(&format!("/{}", "a".repeat(3000))).is_none());
    }

    #[test]
    fn the_sign_in_gets_what_it_needs_and_no_circle() {
        assert_eq!(
            sign_in("/signin", "callbackUrl", Some("/a?b=c&d")),
            "/signin?callbackUrl=%2Fa%3Fb%3Dc%26d"
        );
        assert_eq!(sign_in("/signin?x=1", "to", Some("/a")), "/signin?x=1&to=%2Fa");
        assert_eq!(sign_in("/signin", "to", Some("/signin?to=/signin")), "/signin");
        assert_eq!(sign_in("/signin", "to", Some("/session/clear?rd=/")), "/signin");
        assert_eq!(sign_in("/signin", "to", None), "/signin");
    }

    proptest! {
        #[test]
        fn whatever_is_kept_stays_on_its_host(path in r"[/\\%25fF0aAdD:@.?#a-z\t\n]{0,24}") {
            let base = Url::parse("https://app.example/start").unwrap();
            if let Some(path) = local(&path) {
                let mut read = path;
                for _ in 0..3 {
                    let there = base.join(&read).unwrap();
                    prop_assert_eq!(there.host_str(), Some("app.example"), "{}", read);
                    prop_assert_eq!(there.scheme(), "https");
                    read = percent_decode_str(&read).decode_utf8_lossy().into_owned();
                }
            }
        }
    }
}
