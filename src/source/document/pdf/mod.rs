//! The text of PDF: pages as they are shown, and what stands beside them: properties, links, fields, attached files.
//!
//! Read by our own code: a scanner wants every object of a file, also those that only an earlier version named, which
//! libraries for PDF pass over; it wants no drawing, and bounds on everything. Broken files are read as far as they go.

mod cmap;
mod content;
mod filter;
mod font;
mod glyph;
mod layout;
mod object;
mod pages;
mod rest;
mod store;

use super::page::Give;
use super::seen::Seen;
use content::Shared;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use store::Store;

/// The most operators of all pages together.
const MOST_STEPS: u64 = 50_000_000;

/// Takes a file that is attached: its name and its content.
pub(in crate::source) type Attach<'a> = dyn Fn(&str, &[u8]) + 'a;

/// How far from its start a PDF may have its header: a printer's commands or a mark of encoding may stand before it.
pub(in crate::source) const HEADER: usize = 1024;

/// Whether a file that begins so is a PDF. A header that stands further behind begins a line, and is no more than that.
pub(in crate::source) fn is_pdf(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(HEADER)];
    let is_header = |at: usize| match &start[at..] {
        _ if at == 0 => start.starts_with(b"%PDF-"),
        [b'%', b'P', b'D', b'F', b'-', b'0'..=b'9', b'.', b'0'..=b'9', b'\r' | b'\n' | b' ', ..] => {
            // A line's end, what pads a header, or the mark of an encoding.
            matches!(start[at - 1], b'\n' | b'\r' | 0 | 0xbf)
        }
        _ => false,
    };
    memchr::memchr_iter(b'%', start).any(is_header)
}

/// Tells the text of a PDF, page by page, of which at most so many bytes are unpacked. Gives how much of it was seen, and
/// how many bytes were unpacked.
pub(in crate::source) fn read(
    bytes: &[u8],
    most: usize,
    give: &Give<'_>,
    attach: &Attach<'_>,
) -> (Seen, usize) {
    let store = Store::new(bytes, most);
    if !store.is_encrypted {
        let mut shared =
            Shared { fonts: HashMap::new(), steps: Cell::new(MOST_STEPS), shown: HashSet::new() };
        pages::read(&store, &mut shared, give);
        rest::read(&store, &mut shared, give, attach);
        if shared.steps.get() == 0 {
            store.cut();
        }
    }
    (store.seen(), most - store.left())
}
