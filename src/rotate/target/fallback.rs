//! Lists of further valid keys in a variable of a dotenv file: where the old value stands in one, and the list without
//! it or with it.
//!
//! Applications write them as `a,b`, with blanks, semicolons or white space between, or as a list of JSON, inside quotes
//! or not. What stays keeps its bytes. A list that is none of these is left alone; the old value in it is told.

use crate::dotenv::Assignment;
use crate::secret::Secret;
use std::ops::Range;
use zeroize::Zeroizing;

/// A shorter value may be a word of a sentence: it is taken out of no list that only white space divides.
const A_WORD: usize = 8;

/// The variables that a framework takes for each other: the first that is set counts.
const SAME: [&str; 3] = ["AUTH_SECRET", "NEXTAUTH_SECRET", "BETTER_AUTH_SECRET"];

/// Whether one variable stands in for the other where that is not set.
pub(super) fn stands_in(name: &str, other: &str) -> bool {
    name != other && SAME.contains(&name) && SAME.contains(&other)
}

/// What is said where such a one holds the same value.
pub(super) fn same_value(name: &str, line: usize) -> String {
    format!("{name} (line {line}) holds the same value and is read in its stead; it gets the new one too.")
}

/// Whether frameworks read further valid keys from a variable of this name.
pub(super) fn is_fallback_list(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // `oldSecret` as well as `OLD_SECRET`.
    let camel = ["old", "prev", "legacy"].iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    });
    let is_word = |word: &str| matches!(word, "OLD" | "PREV" | "LEGACY");
    camel
        || ["FALLBACK", "PREVIOUS", "ROTATED", "RETIRED"].iter().any(|part| upper.contains(part))
        || upper.split(['_', '-', '.']).any(is_word)
        || ["_SECRETS", "_KEYS"].iter().any(|end| upper.ends_with(end))
        || matches!(&*upper, "AUTH_SECRET_1" | "AUTH_SECRET_2" | "AUTH_SECRET_3")
}

/// A fallback list without the old value; `None` when it is no such list or does not hold it.
pub(super) fn without_old(list: &Assignment, text: &str, old: &[Secret]) -> Option<Zeroizing<String>> {
    let raw = list.raw(text);
    // Brackets say where a list ends, whatever a parser makes of the quotes in it.
    let bracketed = list.quote.is_none() && raw.starts_with('[') && raw.ends_with(']');
    if list.doubtful && !bracketed || !is_fallback_list(list.name(text)) {
        return None;
    }
    if is_old(&list.read(text), old) {
        return Some(Zeroizing::default());
    }
    shortened(raw, old)
}

/// A list in one text without the old value; `None` when it does not hold it.
pub(super) fn shortened(raw: &str, old: &[Secret]) -> Option<Zeroizing<String>> {
    let divided = ITEMS.iter().map(|divide| divide(raw));
    divided.flatten().find_map(|items| taken_out(raw, &items, old))
}

/// A fallback list with the old value behind the others; `None` where it cannot stand in it safely.
pub(super) fn with_old(list: &Assignment, text: &str, old: &Secret) -> Option<Zeroizing<String>> {
    let name = list.name(text).to_ascii_uppercase();
    let plain = |c: &u8| c.is_ascii_alphanumeric() || b"-_.+/=:@".contains(c);
    let old = std::str::from_utf8(old.expose())
        .ok()
        .filter(|old| !old.is_empty() && old.as_bytes().iter().all(plain))?;
    if list.doubtful || !["FALLBACK", "PREVIOUS"].iter().any(|part| name.contains(part)) {
        return None;
    }
    let raw = list.raw(text);
    if raw.starts_with('[') {
        let mut items: Vec<String> = serde_json::from_str(raw).ok().filter(|_| list.quote != Some(b'"'))?;
        items.push(old.to_owned());
        return Some(Zeroizing::new(serde_json::to_string(&items).expect("strings are JSON")));
    }
    let divider = match raw {
        "" => "",
        raw if raw.contains(',') => ",",
        raw if raw.contains(';') => ";",
        raw if raw.contains([' ', '\t', '\n']) => return None,
        _ => ",",
    };
    Some(Zeroizing::new(format!("{raw}{divider}{old}")))
}

/// One item of a list: where it stands, with its quotes, and where its value stands, without them.
struct Item {
    whole: Range<usize>,
    value: Range<usize>,
    /// Whether only white space divides it from the others.
    loose: bool,
}

/// A way to divide a list.
type Divide = fn(&str) -> Option<Vec<Item>>;

/// The ways to divide a list; `None` where the text is no such list.
const ITEMS: [Divide; 4] = [
    quoted,
    |raw| Some(divided(raw, |c| c == ',', false)),
    |raw| Some(divided(raw, |c| c == ';', false)),
    |raw| Some(divided(raw, char::is_whitespace, true)),
];

fn divided(raw: &str, is_divider: fn(char) -> bool, loose: bool) -> Vec<Item> {
    let mut at = 0;
    let item = |part: &str| {
        let (start, end) = (at, at + part.len());
        at = end + 1;
        let trimmed = part.trim();
        let start = start + (part.len() - part.trim_start().len());
        let value = start..(start + trimmed.len()).min(end);
        Item { whole: value.clone(), value, loose }
    };
    // Every divider is one byte; another white space divides nothing.
    raw.split(|c: char| c.is_ascii() && is_divider(c))
        .map(item)
        .filter(|item| !item.value.is_empty())
        .collect()
}

/// The strings of `["a", "b"]`, with `'` or `\"` around them too.
fn quoted(raw: &str) -> Option<Vec<Item>> {
    let inner = raw.trim_start().strip_prefix('[')?.trim_end().strip_suffix(']')?;
    let mut at = raw.find('[')? + 1;
    let end = at + inner.len();
    let mut items = Vec::new();
    loop {
        at += raw[at..end].len() - raw[at..end].trim_start().len();
        let rest = &raw[at..end];
        if rest.is_empty() {
            return Some(items);
        }
        let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
        let value = at + quote.len()..at + quote.len() + closing(&rest[quote.len()..], quote)?;
        let whole = at..value.end + quote.len();
        at = whole.end + (raw[whole.end..end].len() - raw[whole.end..end].trim_start().len());
        items.push(Item { whole, value, loose: false });
        match raw[at..end].chars().next() {
            Some(',') => at += 1,
            Some(_) => return None,
            None => {}
        }
    }
}

/// Where the quote closes again; a quote behind a backslash does not.
fn closing(text: &str, quote: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(quote) {
            return Some(at);
        }
        let c = rest.chars().next()?;
        at += c.len_utf8();
        if c == '\\' {
            at += text.get(at..)?.chars().next()?.len_utf8();
        }
    }
}

/// The text without the items that are old, each with the divider before it, or, of the first, the one behind it.
fn taken_out(raw: &str, items: &[Item], old: &[Secret]) -> Option<Zeroizing<String>> {
    let goes: Vec<_> = items.iter().map(|item| goes(raw, item, old)).collect();
    if !goes.contains(&true) {
        return None;
    }
    let (first, last) = (items.first()?, items.last()?);
    let mut out = Zeroizing::new(String::with_capacity(raw.len()));
    out.push_str(&raw[..first.whole.start]);
    let mut stayed = false;
    for (index, item) in items.iter().enumerate().filter(|(index, _)| !goes[*index]) {
        if stayed {
            out.push_str(&raw[items[index - 1].whole.end..item.whole.start]);
        }
        out.push_str(&raw[item.whole.clone()]);
        stayed = true;
    }
    out.push_str(&raw[last.whole.end..]);
    if !stayed && !raw.trim_start().starts_with('[') {
        out.clear();
    }
    Some(out)
}

fn goes(raw: &str, item: &Item, old: &[Secret]) -> bool {
    let value = &raw[item.value.clone()];
    let read = || serde_json::from_str::<String>(&format!("\"{value}\"")).ok().map(Zeroizing::new);
    // better-auth numbers its secrets: `2:new,1:old`.
    let bare = value.split_once(':').map_or(value, |(_, bare)| bare.trim_start());
    if item.loose && bare.len() < A_WORD {
        return false;
    }
    is_old(value, old) || is_old(bare, old) || read().is_some_and(|value| is_old(&value, old))
}

fn is_old(value: &str, old: &[Secret]) -> bool {
    !value.is_empty() && old.contains(&Secret::from(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dotenv;
    use proptest::prelude::*;

    fn without(text: &str) -> Option<String> {
        let list = dotenv::parse(text).remove(0);
        without_old(&list, text, &[Secret::from("old-value".to_owned())]).map(|rest| rest.to_string())
    }

    #[test]
    fn the_old_value_leaves_every_form_of_list() {
        for (before, after) in [
            ("K_KEYS=a,old-value,b", "a,b"),
            ("K_KEYS='a, old-value , b'", "a , b"),
            ("K_KEYS=\"old-value; a;b\"", "a;b"),
            ("K_KEYS=\"a old-value b\"", "a b"),
            ("K_KEYS=\"a\nold-value\nb\"", "a\nb"),
            ("K_KEYS=\"[\\\"old-value\\\",\\\"new\\\"]\"", "[\\\"new\\\"]"),
            ("K_KEYS=\"['new', 'old-value']\"", "['new']"),
            ("K_KEYS='[ \"a\" , \"old-value\", \"b\" ]'", "[ \"a\", \"b\" ]"),
            ("K_KEYS=[\"old-value\"]", "[]"),
            ("K_KEYS=\"2:new, 1:old-value\"", "2:new"),
            ("OLD_SECRET=old-value", ""),
            ("SECRET_OLD=old-value", ""),
            ("SECRET_PREVIOUS='old-value,old-value'", ""),
            ("SECRET_PREV_1=old-value", ""),
        ] {
            assert_eq!(without(before).as_deref(), Some(after), "{before}");
        }
    }

    #[test]
    fn what_is_no_list_or_does_not_hold_it_is_left() {
        for text in [
            "K_KEYS='{\"1\":\"old-value\"}'",
            "K_KEYS=not-old-value,b",
            "K_KEYS='[\"a\", old-value]'",
            "GOLD_KEY=old-value",
            "JWT=old-value",
        ] {
            assert_eq!(without(text), None, "{text}");
        }
        let (text, old) = ("K_OLD='the magic word'", [Secret::from("magic".to_owned())]);
        assert!(without_old(&dotenv::parse(text)[0], text, &old).is_none());
    }

    proptest! {
        #[test]
        fn the_others_stay_in_their_order(
            items in proptest::collection::vec("[a-z0-9+/=]{1,12}|old-value", 1..6), form in 0_usize..5,
        ) {
            prop_assume!(items.iter().any(|item| item == "old-value"));
            let kept: Vec<_> = items.iter().filter(|item| *item != "old-value").cloned().collect();
            let write = |items: &[String]| match form {
                0 => items.join(","),
                1 => items.join(" ; "),
                2 => items.join(" "),
                3 => serde_json::to_string(items).unwrap(),
                _ => serde_json::to_string(items).unwrap().replace('"', "\\\""),
            };
            let quote = if form == 4 { '"' } else { '\'' };
            let text = format!("K_KEYS={quote}{}{quote}", write(&items));
            prop_assert_eq!(without(&text).unwrap(), write(&kept));
        }
    }
}
