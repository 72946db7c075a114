//! The properties of a document: title, comments, and those that people name themselves.

use super::page::{Give, Page};
use super::seen::Seen;
use super::xml::{self, Node};
use std::rc::Rc;

/// The longest name that is told, since one may stand before very many values.
const LONGEST_NAME: usize = 512;

/// Tells each property as a line: its name, and what it says.
pub(super) fn read(bytes: &[u8], give: &Give<'_>) -> Seen {
    let mut page = Page::new(give, "properties");
    let (mut names, mut text): (Vec<Rc<str>>, String) = (Vec::new(), String::new());
    let mut is_cut = false;
    let seen = xml::each(bytes, &mut |node| match node {
        Node::Open(tag) => {
            let own = tag.attribute("name");
            // A value stands in an element that tells its type, inside the one with the name.
            let is_value = own.is_none() && names.len() > 1;
            let outer = names.last().filter(|_| is_value).cloned();
            names.push(outer.unwrap_or_else(|| {
                let name = own.as_deref().unwrap_or_else(|| tag.name());
                let end = name.floor_char_boundary(LONGEST_NAME);
                is_cut |= end < name.len();
                name[..end].into()
            }));
            text.clear();
        }
        Node::Text(part) => text.push_str(part),
        Node::Close(_) => {
            let (name, value) = (names.pop(), std::mem::take(&mut text));
            if let Some(name) = name.filter(|_| !value.trim().is_empty()) {
                page.line(&format!("{name}: {}", value.trim()));
            }
        }
    });
    if is_cut { Seen::Cut } else { seen }
}
