//! The properties of a document: title, comments, and those that people name themselves.

use super::page::{Give, Page};
use super::xml::{self, Node};

/// Tells each property as a line: its name, and what it says.
pub(super) fn read(bytes: &[u8], give: &Give<'_>) {
    let mut page = Page::new(give, "properties");
    let (mut names, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    xml::each(bytes, &mut |node| match node {
        Node::Open(tag) => {
            let own = tag.attribute("name");
            // A value stands in an element that tells its type, inside the one with the name.
            let is_value = own.is_none() && names.len() > 1;
            let name = own.or_else(|| names.last().filter(|_| is_value).cloned());
            names.push(name.unwrap_or_else(|| tag.name().to_owned()));
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
}
