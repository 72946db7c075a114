//! All objects of a file, found by reading it from the start: what its tables say may be broken, and leaves out what an
//! earlier version held and a later one only no longer names.

use super::filter::{self, Unread};
use super::object::{Dict, Object, Parser, is};
use crate::source::document::seen::Seen;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

/// The most objects of one file.
const MOST_OBJECTS: usize = 1 << 20;

/// The most bytes of the streams that hold objects.
const MOST_PACKED: usize = 128 << 20;

/// The bytes that are gone through for one file, in objects that are parsed and in streams that are unpacked: so many for
/// each of its own, and some. An object costs a few at least.
const WORK: (usize, usize) = (16, 512 << 20);
const LEAST_WORK: usize = 16;

/// Where an object stands: in the file, or in one of the streams that hold objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Plain(usize),
    Packed(usize, usize),
}

/// An object, and the bytes of its stream if it is one.
pub(super) struct Body {
    pub(super) object: Object,
    pub(super) stream: Option<Range<usize>>,
}

pub(super) struct Store<'p> {
    bytes: &'p [u8],
    /// The last object of each number.
    last: HashMap<u32, Place>,
    /// All objects, in the order of the file.
    pub(super) all: Vec<(u32, Place)>,
    packed: Vec<Vec<u8>>,
    packed_bytes: usize,
    pub(super) root: Option<Object>,
    pub(super) is_encrypted: bool,
    /// Whether something was left out that was too much, or that cannot be read.
    is_cut: Cell<bool>,
    is_partial: Cell<bool>,
    /// How many more bytes may be unpacked, and gone through.
    left: Cell<usize>,
    work: Cell<usize>,
}

impl<'p> Store<'p> {
    pub(super) fn new(bytes: &'p [u8], most: usize) -> Self {
        Self::within(bytes, most, bytes.len().saturating_mul(WORK.0).saturating_add(WORK.1))
    }

    /// Of a file of which so many bytes are unpacked, and so many gone through.
    fn within(bytes: &'p [u8], most: usize, work: usize) -> Self {
        let mut store = Self {
            bytes,
            last: HashMap::new(),
            all: Vec::new(),
            packed: Vec::new(),
            packed_bytes: 0,
            root: None,
            is_encrypted: false,
            is_cut: Cell::new(false),
            is_partial: Cell::new(false),
            left: Cell::new(most),
            work: Cell::new(work),
        };
        store.index();
        store
    }

    /// Notes that something was left out that was too much.
    pub(super) fn cut(&self) {
        self.is_cut.set(true);
    }

    /// Notes that something cannot be read.
    pub(super) fn miss(&self) {
        self.is_partial.set(true);
    }

    /// How much of the file was seen.
    pub(super) fn seen(&self) -> Seen {
        match (self.is_encrypted, self.is_cut.get(), self.is_partial.get()) {
            (true, ..) => Seen::Encrypted,
            (_, true, _) => Seen::Cut,
            (.., true) => Seen::Partly,
            _ => Seen::All,
        }
    }

    /// How many more bytes may be unpacked.
    pub(super) fn left(&self) -> usize {
        self.left.get()
    }

    /// Counts bytes that were gone through.
    pub(super) fn charge(&self, bytes: usize) {
        self.work.set(self.work.get().saturating_sub(bytes));
    }

    /// Whether more may be gone through.
    fn may_go_on(&self) -> bool {
        self.is_cut.set(self.is_cut.get() || self.work.get() == 0);
        self.work.get() > 0
    }

    /// The object that stands in these bytes at a place, and where it ends.
    fn parse(&self, bytes: &[u8], at: usize) -> Option<(Object, usize)> {
        if !self.may_go_on() {
            return None;
        }
        let mut parser = Parser::new(bytes, at);
        let object = parser.next();
        self.charge(parser.at.saturating_sub(at) + LEAST_WORK);
        Some((object?, parser.at))
    }

    fn index(&mut self) {
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&self.bytes[from..], b"obj") {
            let at = from + found;
            from = at + 3;
            if self.all.len() >= MOST_OBJECTS || !self.may_go_on() {
                self.cut();
                break;
            }
            let Some(number) = number_before(self.bytes, at) else { continue };
            let Some(body) = self.body(Place::Plain(from)) else {
                self.miss();
                continue;
            };
            self.add(number, Place::Plain(from));
            if let (Some(dict), Some(stream)) = (body.object.dict(), &body.stream) {
                if is(dict, b"Type", b"ObjStm") {
                    self.unpack(dict, stream.clone());
                }
                if is(dict, b"Type", b"XRef") {
                    self.trailer(dict);
                }
            }
            from = body.stream.map_or(from, |stream| stream.end);
        }
        for at in memchr::memmem::find_iter(self.bytes, b"trailer") {
            if let Some((Object::Dict(dict), _)) = self.parse(self.bytes, at + 7) {
                self.trailer(&dict);
            }
        }
    }

    fn add(&mut self, number: u32, place: Place) {
        self.last.insert(number, place);
        self.all.push((number, place));
    }

    fn trailer(&mut self, dict: &Dict) {
        self.is_encrypted |= dict.contains_key(&b"Encrypt"[..]);
        if let Some(root) = dict.get(&b"Root"[..]) {
            self.root = Some(root.clone());
        }
    }

    /// Adds the objects that a stream holds.
    fn unpack(&mut self, dict: &Dict, stream: Range<usize>) {
        let first = dict.get(&b"First"[..]).and_then(Object::count);
        let (Some(first), Some(bytes)) = (first, self.decode(dict, stream)) else { return self.miss() };
        if self.packed_bytes + bytes.len() > MOST_PACKED {
            return self.cut();
        }
        self.packed_bytes += bytes.len();
        let (mut places, mut parser) = (Vec::new(), Parser::new(&bytes, 0));
        while parser.at < first && places.len() < MOST_OBJECTS {
            let (Some(Object::Number(number)), Some(Object::Number(offset))) = (parser.next(), parser.next())
            else {
                break;
            };
            places.push((Object::Number(number).count(), Object::Number(offset).count()));
        }
        if dict.get(&b"N"[..]).and_then(Object::count).is_some_and(|count| count > places.len()) {
            self.miss();
        }
        if self.all.len() + places.len() > MOST_OBJECTS {
            self.cut();
        }
        for (number, offset) in places {
            if let (Some(number), Some(offset)) =
                (number.and_then(|number| u32::try_from(number).ok()), offset)
                && self.all.len() < MOST_OBJECTS
            {
                self.add(number, Place::Packed(self.packed.len(), first.saturating_add(offset)));
            }
        }
        self.packed.push(bytes);
    }

    /// The object at a place.
    pub(super) fn body(&self, place: Place) -> Option<Body> {
        match place {
            Place::Packed(stream, at) => {
                Some(Body { object: self.parse(&self.packed[stream], at)?.0, stream: None })
            }
            Place::Plain(at) => {
                let (object, end) = self.parse(self.bytes, at)?;
                let stream = object.dict().and_then(|dict| self.stream_behind(dict, end));
                Some(Body { object, stream })
            }
        }
    }

    /// The bytes of the stream that follows a dictionary.
    fn stream_behind(&self, dict: &Dict, at: usize) -> Option<Range<usize>> {
        let rest = &self.bytes[at..];
        let start = at + rest.len() - rest.trim_ascii_start().strip_prefix(b"stream")?.len();
        let start = start
            + match self.bytes[start..] {
                [b'\r', b'\n', ..] => 2,
                [b'\n' | b'\r', ..] => 1,
                _ => 0,
            };
        let told = match dict.get(&b"Length"[..]) {
            Some(Object::Reference(number)) => {
                let place = self.last.get(number).copied();
                // The length of a length would be no number.
                place.and_then(|place| match place {
                    Place::Plain(at) => self.parse(self.bytes, at)?.0.count(),
                    Place::Packed(..) => None,
                })
            }
            Some(length) => length.count(),
            None => None,
        };
        let told = told.and_then(|length| start.checked_add(length)).filter(|end| {
            let behind = self.bytes.get(*end..).map(<[u8]>::trim_ascii_start);
            behind.is_some_and(|behind| behind.starts_with(b"endstream"))
        });
        let end =
            told.or_else(|| memchr::memmem::find(&self.bytes[start..], b"endstream").map(|len| start + len));
        Some(start..end.unwrap_or(self.bytes.len()))
    }

    /// The object itself, where it is only referred to.
    pub(super) fn resolve(&self, object: &Object) -> Object {
        let mut object = object.clone();
        for _ in 0..8 {
            let Object::Reference(number) = object else { return object };
            match self.last.get(&number).and_then(|place| self.body(*place)) {
                Some(body) => object = body.object,
                None => break,
            }
        }
        Object::Word(b"null".to_vec())
    }

    /// An entry of a dictionary, itself.
    pub(super) fn get(&self, dict: &Dict, key: &[u8]) -> Option<Object> {
        dict.get(key).map(|object| self.resolve(object))
    }

    /// An entry that is a dictionary.
    pub(super) fn dict(&self, dict: &Dict, key: &[u8]) -> Option<Dict> {
        if let Object::Dict(dict) = self.get(dict, key)? { Some(dict) } else { None }
    }

    /// The dictionary and the content of the stream that is referred to.
    pub(super) fn stream(&self, object: &Object) -> Option<(Dict, Vec<u8>)> {
        let Object::Reference(number) = object else { return None };
        self.stream_at(*self.last.get(number)?)
    }

    /// The dictionary and the content of the stream at a place.
    pub(super) fn stream_at(&self, place: Place) -> Option<(Dict, Vec<u8>)> {
        let Body { object: Object::Dict(dict), stream: Some(stream) } = self.body(place)? else {
            return None;
        };
        let content = self.decode(&dict, stream)?;
        Some((dict, content))
    }

    /// Whether a place is that of the last object of its number.
    pub(super) fn is_last(&self, number: u32, place: Place) -> bool {
        self.last.get(&number) == Some(&place)
    }

    fn decode(&self, dict: &Dict, stream: Range<usize>) -> Option<Vec<u8>> {
        // Parameters may stand elsewhere too.
        let direct: Dict = [&b"Filter"[..], b"DecodeParms", b"F", b"DP"]
            .into_iter()
            .filter_map(|key| Some((key.to_vec(), self.direct(dict.get(key)?))))
            .collect();
        if !self.may_go_on() {
            return None;
        }
        let unpacked = match filter::decode(&direct, &self.bytes[stream]) {
            Ok(unpacked) => unpacked,
            Err(why) => {
                self.is_partial.set(self.is_partial.get() || why == Unread::Unknown);
                return None;
            }
        };
        self.charge(unpacked.work);
        let left = self.left.get().checked_sub(unpacked.bytes.len());
        self.is_cut.set(self.is_cut.get() || left.is_none() || unpacked.is_cut);
        self.is_partial.set(self.is_partial.get() || unpacked.is_damaged);
        self.left.set(left.unwrap_or(0));
        left.map(|_| unpacked.bytes)
    }

    fn direct(&self, object: &Object) -> Object {
        match self.resolve(object) {
            Object::Array(array) => Object::Array(array.iter().map(|object| self.resolve(object)).collect()),
            object => object,
        }
    }
}

/// The number before `N G obj`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let head = &bytes[at.saturating_sub(24)..at];
    let head = before_number(head.trim_ascii_end())?;
    let blank = head.trim_ascii_end();
    let start = before_number(blank)?;
    let digits = &blank[start.len()..];
    if blank.len() == head.len() || digits.len() > 9 {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What stands before the digits at the end, if there are any.
fn before_number(bytes: &[u8]) -> Option<&[u8]> {
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &bytes[..bytes.len() - digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much is seen of a file that is gone through with little work, and how many objects it has.
    fn seen(file: &[u8]) -> (Seen, usize) {
        let store = Store::within(file, 1 << 20, 1 << 20);
        (store.seen(), store.all.len())
    }

    #[test]
    fn objects_that_do_not_end_are_read_with_bounded_work() {
        assert_eq!(seen(&b"1 0 obj[ ".repeat(5000)), (Seen::All, 5000));
        for open in ["1 0 obj(", "1 0 obj<", "1 0 obj<<%", "trailer("] {
            let (seen, objects) = seen(&open.as_bytes().repeat(5000));
            assert!(seen == Seen::Cut && objects < 5000, "{open}: {objects}");
        }
    }

    #[test]
    fn a_stream_is_unpacked_with_bounded_work() {
        let packed = format!(">{}", " ".repeat(1 << 16));
        let file =
            format!("1 0 obj << /Filter /AHx /Length {} >> stream\n{packed}\nendstream endobj", packed.len());
        let store = Store::within(file.as_bytes(), 1 << 20, 1 << 20);
        let unpacked = (0..100).filter(|_| store.stream(&Object::Reference(1)).is_some()).count();
        assert!((4..20).contains(&unpacked) && store.seen() == Seen::Cut, "{unpacked} times");
    }

    #[test]
    fn objects_that_cannot_be_unpacked_are_told() {
        for (dict, content) in [
            ("/N 1 /First 5", "1 0  (text)"),
            ("/N 2 /First 5", "1 0  (text)"),
            ("/N 1", "1 0  (text)"),
            ("/N 1 /First 5 /Filter /Unknown", "1 0  (text)"),
        ] {
            let file = format!("7 0 obj << /Type /ObjStm {dict} >> stream\n{content}\nendstream endobj");
            let expected = if dict == "/N 1 /First 5" { Seen::All } else { Seen::Partly };
            assert_eq!(seen(file.as_bytes()).0, expected, "{dict}");
        }
    }
}
