//! XML as a row of tags and texts, without prefixes. What is broken ends the row, which is told; its bytes are scanned as
//! they are too.

use super::seen::Seen;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// A tag or a text.
pub(super) enum Node<'x> {
    /// A tag, which a `Close` follows even where it closes itself.
    Open(Tag<'x>),
    /// The end of the element with this name.
    Close(&'x str),
    /// Text, without escapes. Several may follow each other.
    Text(&'x str),
}

/// The beginning of an element.
pub(super) struct Tag<'x> {
    start: &'x BytesStart<'x>,
}

impl Tag<'_> {
    /// The name without its prefix.
    pub(super) fn name(&self) -> &str {
        local(self.start.name().into_inner())
    }

    /// An attribute, by its name without the prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.start.attributes();
        let found =
            attributes.with_checks(false).flatten().find(|found| local(found.key.into_inner()) == name)?;
        let value: Cow<'_, str> = found.value;
        Some(unescape(&value).map_or_else(|_| value.clone().into_owned(), Cow::into_owned))
    }

    /// The last attribute of a name: `r:id` stands behind `id`.
    pub(super) fn last_attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.start.attributes();
        let found = attributes
            .with_checks(false)
            .flatten()
            .filter(|found| local(found.key.into_inner()) == name)
            .last()?;
        Some(found.value.into_owned())
    }

    /// An attribute that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.attribute(name)?.parse().ok()
    }
}

/// Tells all that stands in a file.
pub(super) fn each(bytes: &[u8], tell: &mut dyn FnMut(Node<'_>)) -> Seen {
    let text = decoded(bytes);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => tell(Node::Open(Tag { start: &start })),
            Ok(Event::Empty(start)) => {
                tell(Node::Open(Tag { start: &start }));
                tell(Node::Close(local(start.name().into_inner())));
            }
            Ok(Event::End(end)) => tell(Node::Close(local(end.name().into_inner()))),
            Ok(Event::Text(text)) => tell(Node::Text(&text)),
            Ok(Event::CData(text)) => tell(Node::Text(&text)),
            Ok(Event::GeneralRef(name)) => {
                let escape = format!("&{};", &*name);
                tell(Node::Text(&unescape(&escape).unwrap_or(Cow::Borrowed(&escape))));
            }
            Ok(Event::Eof) => return Seen::All,
            Err(_) => return Seen::Partly,
            Ok(_) => {}
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The text of a file, which is UTF-8 nearly always.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        Cow::Owned(String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}
