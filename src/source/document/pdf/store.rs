//! All objects of a file, found by reading it from the start: what its tables say may be broken, and leaves out what an
//! earlier version held and a later one only no longer names.

use super::filter;
use super::object::{Dict, Object, Parser, is};
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

/// The most objects of one file.
const MOST_OBJECTS: usize = 1 << 20;

/// The most bytes of the streams that hold objects.
const MOST_PACKED: usize = 128 << 20;

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
    pub(super) root: Option<Object>,
    pub(super) is_encrypted: bool,
    /// Whether something was left out that was too much.
    pub(super) is_cut: Cell<bool>,
    /// How many more bytes may be unpacked.
    left: Cell<usize>,
}

impl<'p> Store<'p> {
    pub(super) fn new(bytes: &'p [u8], most: usize) -> Self {
        let mut store = Self {
            bytes,
            last: HashMap::new(),
            all: Vec::new(),
            packed: Vec::new(),
            root: None,
            is_encrypted: false,
            is_cut: Cell::new(false),
            left: Cell::new(most),
        };
        store.index();
        store
    }

    fn index(&mut self) {
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&self.bytes[from..], b"obj") {
            let at = from + found;
            from = at + 3;
            if self.all.len() >= MOST_OBJECTS {
                self.is_cut.set(true);
                break;
            }
            let Some(number) = number_before(self.bytes, at) else { continue };
            let Some(body) = self.body(Place::Plain(from)) else { continue };
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
            if let Some(Object::Dict(dict)) = Parser::new(self.bytes, at + 7).next() {
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
        let Some(first) = dict.get(&b"First"[..]).and_then(Object::count) else { return };
        let held: usize = self.packed.iter().map(Vec::len).sum();
        let Some(bytes) = self.decode(dict, stream).filter(|bytes| held + bytes.len() <= MOST_PACKED) else {
            return;
        };
        let (mut places, mut parser) = (Vec::new(), Parser::new(&bytes, 0));
        while parser.at < first && places.len() < MOST_OBJECTS {
            let (Some(Object::Number(number)), Some(Object::Number(offset))) = (parser.next(), parser.next())
            else {
                break;
            };
            places.push((Object::Number(number).count(), Object::Number(offset).count()));
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
                Some(Body { object: Parser::new(&self.packed[stream], at).next()?, stream: None })
            }
            Place::Plain(at) => {
                let mut parser = Parser::new(self.bytes, at);
                let object = parser.next()?;
                let stream = object.dict().and_then(|dict| self.stream_behind(dict, parser.at));
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
                    Place::Plain(at) => Parser::new(self.bytes, at).next()?.count(),
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
        let bytes = filter::decode(&direct, &self.bytes[stream])?;
        let left = self.left.get().checked_sub(bytes.len());
        self.is_cut.set(self.is_cut.get() || left.is_none() || bytes.len() >= filter::LARGEST);
        self.left.set(left.unwrap_or(0));
        left.map(|_| bytes)
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
