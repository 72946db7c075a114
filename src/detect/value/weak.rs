//! The passwords that everybody tries first.

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
