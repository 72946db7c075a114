//! Carrying what is known of a text gives what looking at it alone gives, through chains of random edits.

use super::*;
use crate::detect::tests::rule;
use crate::finding::Confidence;
use proptest::prelude::*;

/// Rules of different reach, some of which claim the same bytes or look around.
fn detector() -> Detector {
    Detector::new(vec![
        rule("short", "kab", r"\bkab(?<secret>[a-c]{1,3})\b", Confidence::High),
        rule("long", "kab", r"[a-c\n ]{0,12}kab[a-ck ]{0,9}(?<secret>b{2})", Confidence::Medium),
        rule("line", "aaaa", r"^aaaa(?<secret>[bc]{1,4})$", Confidence::Low),
        rule("behind", "ccbb", r"(?<secret>a{1,3})[^a]{0,4}ccbb", Confidence::High),
    ])
    .unwrap()
}

/// How a text is made from the one before: parts of that, each followed by some text.
type Edit = Vec<(u16, u16, String)>;

fn edit() -> impl Strategy<Value = Edit> {
    proptest::collection::vec((0..256u16, 0..256u16, "(kab|aaaa|ccbb|[abck \n]){0,3}"), 0..5)
}

fn apply(base: &[u8], edit: &[(u16, u16, String)]) -> (Vec<u8>, Vec<Copied>) {
    let (mut text, mut copies) = (Vec::new(), Vec::new());
    for (from, len, between) in edit {
        let from = usize::from(*from) % (base.len() + 1);
        let len = usize::from(*len) % (base.len() - from + 1);
        if len > 0 {
            copies.push(Copied { from, to: text.len(), len });
            text.extend_from_slice(&base[from..from + len]);
        }
        text.extend_from_slice(between.as_bytes());
    }
    (text, copies)
}

/// Through a chain of edits, what is found and what is remembered is what looking at each text alone gives, by a detector
/// that has seen no text made from another, and so keeps no memo.
fn chain(
    detector: &Detector,
    alone: &Detector,
    start: String,
    edits: Vec<Edit>,
) -> Result<(), TestCaseError> {
    let mut text = start.into_bytes();
    let mut trace = detector.whole(&text).unwrap();
    for edit in edits {
        let (next, copies) = apply(&text, &edit);
        let patch = Patch { copies: &copies, base_len: text.len(), len: next.len() };
        let carried = detector.patched(&next, &trace, patch).unwrap();
        let alone = alone.whole(&next).unwrap();
        prop_assert_eq!(
            &carried,
            &alone,
            "{:?} from {:?}",
            String::from_utf8_lossy(&next),
            String::from_utf8_lossy(&text)
        );
        (text, trace) = (next, carried);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn carrying_is_looking(start in "(kab|aaaa|ccbb|[abck \n]){0,40}", edits in proptest::collection::vec(edit(), 1..4)) {
        chain(&detector(), &detector(), start, edits)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Whether a broken token goes on in the next line depends on what stands in that, but on nothing that is further away
    /// than a copy is trusted.
    #[test]
    fn what_stands_far_behind_a_broken_token_does_not_count(
        token in "[a-z0-9]{20,40}", word in "[a-z]{3}[0-9][a-z0-9]{0,150}", ends in proptest::array::uniform2("[=: \n]"),
    ) {
        let rules = || vec![rule("open", "tok_", "tok_[a-z0-9]{20,80}", Confidence::High)];
        let (detector, alone) = (Detector::new(rules()).unwrap(), Detector::new(rules()).unwrap());
        let same = format!("{}tok_{token}\n{word}", "x ".repeat(20));
        let [base, next] = ends.map(|end| format!("{same}{end}"));
        let trace = detector.whole(base.as_bytes()).unwrap();
        let copies = [Copied { from: 0, to: 0, len: same.len() }];
        let patch = Patch { copies: &copies, base_len: base.len(), len: next.len() };
        let carried = detector.patched(next.as_bytes(), &trace, patch).unwrap();
        prop_assert_eq!(carried, alone.whole(next.as_bytes()).unwrap(), "{} from {}", next, base);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// The same of what stands before the name of a secret, where a rule takes any value that it is given.
    #[test]
    fn what_stands_far_before_a_name_does_not_count(
        before in "[a-z_.\\-]{0,110}", starts in proptest::array::uniform2("(|sha256 of |hash of the | |NEXT_PUBLIC_|=)"),
    ) {
        let rules = || vec![rule("loose", "session_secret", "session_secret{{to}}{{value}}", Confidence::High)];
        let (detector, alone) = (Detector::new(rules()).unwrap(), Detector::new(rules()).unwrap());
        let same = format!("{before}session_secret={}\n", ["kX9", "mPq2vL77zT4w"].concat());
        let [base, next] = starts.map(|start| format!("{start}{same}"));
        let trace = detector.whole(base.as_bytes()).unwrap();
        let copies = [Copied { from: base.len() - same.len(), to: next.len() - same.len(), len: same.len() }];
        let patch = Patch { copies: &copies, base_len: base.len(), len: next.len() };
        let carried = detector.patched(next.as_bytes(), &trace, patch).unwrap();
        prop_assert_eq!(carried, alone.whole(next.as_bytes()).unwrap(), "{} from {}", next, base);
    }
}

/// Live values, whole and cut off, one of which is a part of another.
fn live() -> Detector {
    let values = ["kabaacbbckabcabcccabk", "baacbbck", "a b\nc-k.a"];
    let named = values.map(|value| (value.to_owned(), value.to_owned().into()));
    Detector::with_known(detector().rules().to_vec(), crate::detect::Known::new(named)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn carrying_live_values_is_looking(
        start in "(kabaacbb|ckabcabc|ccabk|a b|\n|%0ac-|c-k.a|kab|%61|-){0,20}",
        edits in proptest::collection::vec(edit(), 1..4),
    ) {
        chain(&live(), &live(), start, edits)?;
    }
}

/// Encoded and broken in the ways that are decoded, with what looks like that and is not.
const ENCODED: [&str; 46] = [
    "eHh4IGthYiBrYWJhYiB5eXl5IA==", // xxx kAb kabab yyyy
    "eHh4IGthYmFiIHl5eXkgeHh4IHl5eSB6enogenp6IHh4eHh4a2FiY2IgeHh4IGthYmFhIHh4eHggeHg",
    "eHh4IGthYmFiIHl5eXkgeHh4IHl5\neSB6enogenp6IHh4eHh4a2FiY2IgeHh4\n  IGthYmFhIHh4eHggeHg=\n",
    "ZUhoNElHdGhZbUZpSUhsNWVYa2dlSGg0", // the start of the former, twice
    "78787820 6b6162",
    "787878206b616261622079797979",
    "0x787878206b616261622079797979 ",
    "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ\n",
    "src/detect/decode/eHh4IGthYmFiIHl5eXkg",
    "=",
    "\r\n",
    "\n    ",
    "\n",
    "\n\n",
    " ",
    "key: >-\n  ",
    "key: |\n",
    "%6bab%61 ",
    "%6",
    "b%61",
    "\\u006bab\\x61\\142 ",
    "\\/",
    ":\\/\\/kab",
    "&#107;ab&#x61;b ",
    "&quot;kab",
    "x = \"ka\" + \"ba\"",
    "\" +\n    \"",
    "'ka' . 'bb'",
    "ka\\\n  bbb",
    "x\0x\0x\0x\0x\0x\0 \0k\0a\0b\0b\0 \0x\0x\0x\0x\0x\0",
    "\0x\0x\0x\0x\0x\0x\0 \0k\0a\0b\0b\0 \0x\0x\0x\0x\0x",
    "00000000: 7878 206b 6162 6162 2078 7878 7878 7878  xx kabab xxxxxxx\n",
    "00000010: 6b61 6262 0a  kabb.\n",
    "78 78 20 6b 61 62 61 62 20 78 78 78 78\n",
    "  78 78 20",
    "some words of a line\n",
    "x = [\"ka\", \"bab\"].join(\"\")\n",
    "x = ''.join(['k', 'abb'])",
    "x = \"%s%s\" % (\"ka\", \"bb\")\n",
    "strings.Join(\n",
    "[]string{\"ka\", \"bb\"}, \"\")",
    "x=3D\"kab=\nab\"",
    "=6bab=62",
    "=3D",
    "\x1b[31mka\x1b[0mbab",
    "kab\x1b[1;32m",
];

/// Wherever the blocks lie in which a dump is looked for: also on the blank behind its last digit.
#[test]
fn a_dump_is_told_once() {
    let digits = "78 78 20 6b 61 62 61 62 20 78 78 78 78";
    for before in 0..32 {
        let text = format!("{}src/eHh4IGthYmFiIHl5eXkg{digits}{digits}\n", "z".repeat(before));
        let trace = detector().whole(text.as_bytes()).unwrap();
        let dumps = trace.held.iter().filter(|held| held.kind == Kind::Dump).count();
        assert_eq!(dumps, 1, "{before}: {:?}", trace.held);
    }
}

fn encoded(most: usize) -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(&ENCODED[..]);
    proptest::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The same for what is encoded: a part that has anything new in reach is decoded again, and no other is lost.
    #[test]
    fn carrying_what_is_encoded_is_looking(
        start in encoded(25),
        edits in proptest::collection::vec(proptest::collection::vec((any::<u16>(), any::<u16>(), encoded(3)), 0..5), 1..4),
    ) {
        chain(&detector(), &detector(), start, edits)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The same when a few lines change, near what is encoded in one line or in several.
    #[test]
    fn carrying_beside_lines_that_change_is_looking(
        lines in proptest::collection::vec(encoded(4), 1..12),
        changes in proptest::collection::vec((any::<u16>(), 0..3_usize, encoded(3)), 1..4),
    ) {
        let (detector, alone) = (detector(), detector());
        let mut lines = lines;
        let mut text = lines.join("\n").into_bytes();
        let mut trace = detector.whole(&text).unwrap();
        for (at, removed, line) in changes {
            let at = usize::from(at) % (lines.len() + 1);
            let end = (at + removed).min(lines.len());
            let (start, old) = (lines[..at].join("\n").len(), text.len());
            let kept = lines[end..].join("\n").len();
            lines.splice(at..end, [line]);
            let next = lines.join("\n").into_bytes();
            let copies = [Copied { from: 0, to: 0, len: start }, Copied { from: old - kept, to: next.len() - kept, len: kept }];
            let copies: Vec<_> = copies.into_iter().filter(|copy| copy.len > 0).collect();
            let patch = Patch { copies: &copies, base_len: old, len: next.len() };
            let carried = detector.patched(&next, &trace, patch).unwrap();
            prop_assert_eq!(&carried, &alone.whole(&next).unwrap(), "{:?} from {:?}", String::from_utf8_lossy(&next), String::from_utf8_lossy(&text));
            (text, trace) = (next, carried);
        }
    }
}
