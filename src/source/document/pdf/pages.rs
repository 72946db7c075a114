//! The pages of a document, in their order, and those that no tree of pages names any more.

use super::content::{Reader, Shared};
use super::object::{Dict, Object, is};
use super::store::{Place, Store};
use crate::source::document::page::{Give, Page};
use std::collections::HashSet;

/// The most pages, and how deep the tree of them may be.
const MOST_PAGES: usize = 50_000;
const DEEPEST: u32 = 32;

/// Tells all pages, and notes the numbers of what they show.
pub(super) fn read(store: &Store<'_>, shared: &mut Shared, shown: &mut HashSet<u32>, give: &Give<'_>) {
    let mut tree = Tree { store, pages: Vec::new(), seen: HashSet::new() };
    let root = store.root.as_ref().map(|root| store.resolve(root));
    if let Some(pages) = root.as_ref().and_then(Object::dict).and_then(|root| root.get(&b"Pages"[..])) {
        tree.walk(pages, &Dict::new(), 0);
    }
    let Tree { pages, seen, .. } = tree;
    for (number, page) in pages.iter().enumerate() {
        one(store, shared, shown, page, &format!("page {}", number + 1), give);
    }
    // Pages that were taken out, or changed since.
    for &(number, place) in &store.all {
        let is_known = seen.contains(&number) && store.is_last(number, place);
        if is_known || matches!(place, Place::Plain(_)) && !may_be_page(store, place) {
            continue;
        }
        if let Some(Object::Dict(page)) = store.body(place).map(|body| body.object).filter(is_page) {
            one(store, shared, shown, &page, "page of an earlier version", give);
        }
    }
}

fn may_be_page(store: &Store<'_>, place: Place) -> bool {
    store.body(place).is_some_and(|body| body.stream.is_none() && is_page(&body.object))
}

fn is_page(object: &Object) -> bool {
    object.dict().is_some_and(|dict| is(dict, b"Type", b"Page"))
}

struct Tree<'t, 'p> {
    store: &'t Store<'p>,
    pages: Vec<Dict>,
    seen: HashSet<u32>,
}

impl Tree<'_, '_> {
    fn walk(&mut self, object: &Object, inherited: &Dict, depth: u32) {
        if depth > DEEPEST || self.pages.len() >= MOST_PAGES {
            return;
        }
        if let Object::Reference(number) = object
            && !self.seen.insert(*number)
        {
            return;
        }
        let Object::Dict(mut node) = self.store.resolve(object) else { return };
        for key in [&b"Resources"[..], b"MediaBox"] {
            if let (None, Some(value)) = (node.get(key), inherited.get(key)) {
                node.insert(key.to_vec(), value.clone());
            }
        }
        match self.store.get(&node, b"Kids") {
            Some(Object::Array(kids)) => kids.iter().for_each(|kid| self.walk(kid, &node, depth + 1)),
            _ => self.pages.push(node),
        }
    }
}

/// How wide a page is, from the left edge of its coordinates.
fn width(store: &Store<'_>, page: &Dict) -> Option<f32> {
    match store.get(page, b"MediaBox")? {
        Object::Array(corners) => store.resolve(corners.get(2)?).number(),
        _ => None,
    }
}

/// Tells one page.
fn one(
    store: &Store<'_>,
    shared: &mut Shared,
    shown: &mut HashSet<u32>,
    page: &Dict,
    name: &str,
    give: &Give<'_>,
) {
    let parts = match page.get(&b"Contents"[..]) {
        Some(Object::Reference(number)) => match store.resolve(&Object::Reference(*number)) {
            Object::Array(parts) => parts,
            _ => vec![Object::Reference(*number)],
        },
        Some(Object::Array(parts)) => parts.clone(),
        _ => Vec::new(),
    };
    // An operator may end in the next part.
    let mut content = Vec::new();
    for part in &parts {
        if let Object::Reference(number) = part {
            shown.insert(*number);
        }
        if let Some((_, bytes)) = store.stream(part) {
            content.extend(bytes);
            content.push(b'\n');
        }
    }
    let resources = store.dict(page, b"Resources").unwrap_or_default();
    let mut reader = Reader::new(store, shared);
    reader.read(&content, &resources, 0);
    reader.finish(width(store, page), &mut Page::new(give, name));
}
