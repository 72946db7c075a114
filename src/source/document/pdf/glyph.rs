//! Characters by the names that fonts have for them, and by their numbers in the common tables.

/// Names that are no single letter.
const NAMED: [(&str, &str); 66] = [
    ("space", " "),
    ("exclam", "!"),
    ("quotedbl", "\""),
    ("numbersign", "#"),
    ("dollar", "$"),
    ("percent", "%"),
    ("ampersand", "&"),
    ("quotesingle", "'"),
    ("quoteright", "'"),
    ("quoteleft", "`"),
    ("grave", "`"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("asterisk", "*"),
    ("plus", "+"),
    ("comma", ","),
    ("hyphen", "-"),
    ("minus", "-"),
    ("period", "."),
    ("slash", "/"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("colon", ":"),
    ("semicolon", ";"),
    ("less", "<"),
    ("equal", "="),
    ("greater", ">"),
    ("question", "?"),
    ("at", "@"),
    ("bracketleft", "["),
    ("backslash", "\\"),
    ("bracketright", "]"),
    ("asciicircum", "^"),
    ("circumflex", "^"),
    ("underscore", "_"),
    ("braceleft", "{"),
    ("bar", "|"),
    ("braceright", "}"),
    ("asciitilde", "~"),
    ("tilde", "~"),
    ("quotedblleft", "\u{201c}"),
    ("quotedblright", "\u{201d}"),
    ("quotedblbase", "\u{201e}"),
    ("quotesinglbase", "\u{201a}"),
    ("endash", "\u{2013}"),
    ("emdash", "\u{2014}"),
    ("bullet", "\u{2022}"),
    ("ellipsis", "\u{2026}"),
    ("germandbls", "\u{df}"),
    ("section", "\u{a7}"),
    ("Euro", "\u{20ac}"),
    ("ff", "ff"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("nbspace", " "),
    ("arrowright", "\u{2192}"),
];

/// Letters with a sign above or below, by the sign's name.
const SIGNED: [(&str, &str); 8] = [
    ("dieresis", "aäeëiïoöuüyÿAÄEËIÏOÖUÜ"),
    ("acute", "aáeéiíoóuúyýAÁEÉIÍOÓUÚ"),
    ("grave", "aàeèiìoòuùAÀEÈIÌOÒUÙ"),
    ("circumflex", "aâeêiîoôuûAÂEÊIÎOÔUÛ"),
    ("tilde", "aãnñoõAÃNÑOÕ"),
    ("ring", "aåAÅuů"),
    ("caron", "cčsšzžrřeěCČSŠZŽ"),
    ("cedilla", "cçCÇsş"),
];

/// The characters of 0x80 to 0x9f on Windows.
const WINDOWS: &str = "\u{20ac} \u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\u{2030}\u{160}\u{2039}\u{152} \u{17d}  \u{2018}\u{2019}\u{201c}\u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153} \u{17e}\u{178}";

/// The text of a glyph's name.
pub(super) fn named(name: &str) -> Option<String> {
    let name = name.split('.').next().unwrap_or(name);
    let mut letters = name.chars();
    let first = letters.next()?;
    if letters.next().is_none() {
        return Some(first.to_string());
    }
    if let Some((_, text)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some((*text).to_owned());
    }
    let digits = name.strip_prefix("uni").and_then(|digits| digits.get(..4)).or(name.strip_prefix('u'));
    if let Some(character) =
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32)
    {
        return Some(character.to_string());
    }
    let (_, pairs) = SIGNED.iter().find(|(sign, _)| &name[first.len_utf8()..] == *sign)?;
    let mut pairs = pairs.chars();
    while let (Some(plain), Some(signed)) = (pairs.next(), pairs.next()) {
        if plain == first {
            return Some(signed.to_string());
        }
    }
    Some(first.to_string())
}

/// The text of a byte where nothing else is said: Windows' table, and the ligatures that TeX's fonts begin with.
pub(super) fn plain(byte: u8) -> String {
    match byte {
        11 => "ff".to_owned(),
        12 => "fi".to_owned(),
        13 => "fl".to_owned(),
        14 => "ffi".to_owned(),
        15 => "ffl".to_owned(),
        0x80..=0x9f => WINDOWS.chars().nth(usize::from(byte - 0x80)).unwrap_or(' ').to_string(),
        0xa0 => " ".to_owned(),
        0xad => "-".to_owned(),
        byte => char::from(byte).to_string(),
    }
}

/// How wide the characters from the blank on are in Helvetica, which files need not say.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// How wide a byte's character is in a font of which only the name is known.
pub(super) fn width(byte: u8, font: &[u8]) -> f32 {
    if memchr::memmem::find(font, b"Courier").is_some() {
        return 0.6;
    }
    let width = HELVETICA.get(usize::from(byte.wrapping_sub(b' '))).copied().unwrap_or(556);
    let narrow = if memchr::memmem::find(font, b"Times").is_some() { 0.9 } else { 1.0 };
    f32::from(width) / 1000.0 * narrow
}
