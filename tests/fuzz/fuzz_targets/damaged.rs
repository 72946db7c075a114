//! Cookies that a framework made, encrypted tokens (JWE) and pieces among them, of which a part is the fuzzer's: the first
//! byte says of which form, the second which part.
#![no_main]
use jiff::Timestamp;
use unleak::cookie::{Contents, Form, FormKey};
use unleak::secret::Secret;
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [form, part, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let form = Form::ALL[usize::from(*form) % Form::ALL.len()];
    let secret = if form == Form::Laravel { format!("base64:{}=", "A".repeat(43)) } else { "secret".to_owned() };
    let contents = Contents::new(*br#"{"sub":"7"}"#);
    let made = form.make(secret.as_bytes(), "sid", &contents, Timestamp::UNIX_EPOCH).unwrap();
    let key = FormKey::new(form, &Secret::from(secret));
    let whole = key.open("sid", &made).unwrap();
    for separator in [".", "--", ":", "%"] {
        let mut parts: Vec<&str> = made.split(separator).collect();
        let at = usize::from(*part) % parts.len();
        parts[at] = text;
        // Whatever opens says what was signed.
        if let Some(opened) = key.open("sid", &parts.join(separator)) {
            assert!(opened.bytes == whole.bytes);
        }
    }
});
