//! The passwords that everybody tries first, and the words that people choose for one.

use super::{label, phrase, placeholder, thing};

/// Passwords that stand in every list of the commonest, in examples and in tests.
pub(super) fn is_weak(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 39] = [
        b"hunter",
        b"supersecret",
        b"topsecret",
        b"trustno",
        b"password",
        b"passwd",
        b"passw",
        b"passwort",
        b"pass",
        b"pwd",
        b"secret",
        b"admin",
        b"administrator",
        b"root",
        b"user",
        b"guest",
        b"test",
        b"testing",
        b"tester",
        b"testpass",
        b"testpassword",
        b"demo",
        b"foo",
        b"bar",
        b"foobar",
        b"abc",
        b"qwerty",
        b"qwertz",
        b"asdf",
        b"asdfgh",
        b"letmein",
        b"welcome",
        b"login",
        b"hello",
        b"token",
        b"key",
        b"dev",
        b"local",
        b"change",
    ];
    let says = |read: fn(u8) -> u8, value: &[u8], pairs: bool| {
        let letters = value.iter().map(|byte| read(byte.to_ascii_lowercase()));
        let letters: Vec<u8> = letters.filter(u8::is_ascii_alphabetic).collect();
        let letters = letters.strip_prefix(b"my").filter(|rest| rest.len() > 2).unwrap_or(&letters);
        WORDS.contains(&letters) || pairs && words_pair(letters, &WORDS)
    };
    let some = |byte| match byte {
        b'@' => b'a',
        b'0' => b'o',
        b'$' => b's',
        byte => byte,
    };
    // `p@55w0rd123`: digits for letters, and digits behind them
    let all = |byte| match byte {
        b'@' | b'4' => b'a',
        b'0' => b'o',
        b'$' | b'5' => b's',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'7' => b't',
        byte => byte,
    };
    let end = value.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |at| at + 1);
    says(some, value, true) || says(all, &value[..end], false)
}

/// `testuser`, `adminpass`: two of the words.
fn words_pair(letters: &[u8], words: &[&[u8]]) -> bool {
    words
        .iter()
        .filter_map(|word| letters.strip_prefix(*word))
        .any(|rest| words.contains(&rest) || rest.len() < 2)
}

/// Whether a weak value is one of those that stand in examples, tests and for a start in configurations too. Who walks over
/// the keyboard has chosen.
pub fn is_common(value: &[u8]) -> bool {
    !is_walk(value)
        && (is_weak(value) || label::names_itself(value) || !value.iter().any(u8::is_ascii_alphabetic))
}

/// `qwerty123`, `letmein`: weak, and yet what somebody chose for themselves.
fn is_walk(value: &[u8]) -> bool {
    const WALKS: [&[u8]; 8] =
        [b"qwerty", b"qwertz", b"asdf", b"asdfgh", b"letmein", b"welcome", b"trustno", b"toor"];
    let letters: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    WALKS.contains(&&*letters)
}

/// `dragon`, `summer-velvet-ocean`, `guitarShadow`: words and nothing else, of which none says what a thing of a program is,
/// what a sentence about passwords says, or what an option may be.
pub(in crate::detect) fn is_chosen_word(value: &[u8]) -> bool {
    let is_sign = |byte: u8| b"-_.!".contains(&byte);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || is_sign(*byte);
    if !(4..=40).contains(&value.len())
        || !value.iter().all(is_part)
        || !value[0].is_ascii_alphanumeric()
        || thing::is_thing(value)
        || is_weak(value) && !is_walk(value)
        || label::names_itself(value)
        || placeholder::stands_for_one(value)
        || placeholder::says_stand_in(value)
    {
        return false;
    }
    let parts =
        || value.split(|byte| is_sign(*byte) || byte.is_ascii_digit()).filter(|part| !part.is_empty());
    let is_word = |part: &[u8]| {
        let small = part.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        let lower = part.to_ascii_lowercase();
        // `guitarShadow`, `Dragon`: no more than two words, as names in code have capitals.
        let capitals = part.len() - small;
        capitals <= 2 && small > 0 && !phrase::is_of_program(&lower) && !is_option(&lower)
    };
    parts().map(<[u8]>::len).max().is_some_and(|longest| longest >= 4)
        && parts().count() <= 5
        && parts().all(is_word)
}

/// What options that are named like passwords are set to, and the names of what keeps or asks for one.
fn is_option(word: &[u8]) -> bool {
    const OPTIONS: &str = "true false yes null none never always auto plain plaintext text ldap ldaps basic digest ntlm kerberos \
        negotiate scram cram radius sasl saml oidc bearer input prompt interactive keyring keychain keystore keytab pass \
        gnome wallet kwallet gopass lastpass bitwarden keepass keepassxc onepassword agent askpass stdin varchar char integer \
        number boolean bool object array scalar required optional minlength maxlength length weak medium strength score \
        hash hashed bcrypt scrypt argon argondi pbkdf crypt blowfish clear cleartext noop hidden visible label title placeholder hint help info \
        error warning confirm confirmation verify recovery forget forgotten renew expired expiry policy rotate rotation \
        column field property attribute param parameter argument variable constant prefix suffix pattern regex format \
        encoded encrypted decoder encoder encryption unencrypted obscure manual simple plugin external internal native";
    OPTIONS.split_ascii_whitespace().any(|option| word == option.as_bytes())
}
