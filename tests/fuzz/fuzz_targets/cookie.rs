//! Cookie headers, the cookies of every framework, tokens in them, and where a visitor is sent back to.
#![no_main]
use unleak::cookie::{Form, JwtKey, joined, parse};
use unleak::secret::Secret;
use unleak::serve::verify::local;
use unleak::session::user_in;
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let key = JwtKey::Secret(Secret::from(&b"secret"[..]));
    for cookie in joined(&parse(&Secret::from(data))) {
        for form in Form::ALL {
            // Nothing that a fuzzer makes is signed.
            assert!(form.open(b"secret", &cookie.name, &cookie.value).is_none());
        }
        assert!(key.open(&cookie.value).is_none());
    }
    drop(user_in(data, None));
    if let Some(path) = std::str::from_utf8(data).ok().and_then(local) {
        assert!(path.starts_with('/') && !path.starts_with("//") && path.is_ascii());
    }
});
