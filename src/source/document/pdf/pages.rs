//! The pages of a document, in their order, and those that no tree of pages names any more.

use super::content::{Reader, Shared};
use super::filter::LARGEST;
use super::object::{Dict, Object, is};
use super::store::{Place, Store};
use crate::source::document::page::{Give, Page};
use std::collections::HashSet;
use std::rc::Rc;

/// The most pages, and how deep the tree of them may be.
const MOST_PAGES: usize = 50_000;
const DEEPEST: u32 = 32;

/// Tells all pages, and notes the numbers of what they show.
pub(super) fn read(store: &Store<'_>, shared: &mut Shared, give: &Give<'_>) {
    let mut tree = Tree { store, shared, give, pages: 0, seen: HashSet::new() };
    let root = store.root.as_ref().map(|root| store.resolve(root));
    if let Some(pages) = root.as_ref().and_then(Object::dict).and_then(|root| root.get(&b"Pages"[..])) {
        tree.walk(pages, &Inherited::default(), 0);
    }
    let seen = std::mem::take(&mut tree.seen);
    // Pages that were taken out, or changed since.
    for &(number, place) in &store.all {
        let is_known = seen.contains(&number) && store.is_last(number, place);
        if is_known || matches!(place, Place::Plain(_)) && !may_be_page(store, place) {
            continue;
        }
        if let Some(Object::Dict(page)) = store.body(place).map(|body| body.object).filter(is_page) {
            tree.page(&page, &Inherited::default(), "page of an earlier version");
        }
    }
}

fn may_be_page(store: &Store<'_>, place: Place) -> bool {
    store.body(place).is_some_and(|body| body.stream.is_none() && is_page(&body.object))
}

fn is_page(object: &Object) -> bool {
    object.dict().is_some_and(|dict| is(dict, b"Type", b"Page"))
}

/// What a page has from the nodes above it, each of which it may be the only one to tell.
#[derive(Clone, Default)]
struct Inherited {
    resources: Option<Rc<Dict>>,
    width: Option<f32>,
}

struct Tree<'t, 'p> {
    store: &'t Store<'p>,
    shared: &'t mut Shared,
    give: &'t Give<'t>,
    pages: usize,
    seen: HashSet<u32>,
}

impl Tree<'_, '_> {
    /// Tells the pages below a node. None is kept, since a few bytes can refer to very many.
    fn walk(&mut self, object: &Object, inherited: &Inherited, depth: u32) {
        if depth > DEEPEST || self.pages >= MOST_PAGES {
            return self.store.cut();
        }
        if let Object::Reference(number) = object
            && !self.seen.insert(*number)
        {
            return;
        }
        let Object::Dict(node) = self.store.resolve(object) else { return self.store.miss() };
        if let Some(Object::Array(kids)) = self.store.get(&node, b"Kids") {
            let resources = self.store.dict(&node, b"Resources").map(Rc::new);
            let inherited = Inherited {
                resources: resources.or_else(|| inherited.resources.clone()),
                width: width(self.store, &node).or(inherited.width),
            };
            kids.iter().for_each(|kid| self.walk(kid, &inherited, depth + 1));
        } else {
            self.pages += 1;
            self.page(&node, inherited, &format!("page {}", self.pages));
        }
    }

    /// Tells one page.
    fn page(&mut self, page: &Dict, inherited: &Inherited, name: &str) {
        let parts = match page.get(&b"Contents"[..]) {
            Some(Object::Reference(number)) => match self.store.resolve(&Object::Reference(*number)) {
                Object::Array(parts) => parts,
                _ => vec![Object::Reference(*number)],
            },
            Some(Object::Array(parts)) => parts.clone(),
            _ => Vec::new(),
        };
        // An operator may end in the next part.
        let mut content = Vec::new();
        for part in &parts {
            let Some((_, bytes)) = self.store.stream(part) else {
                self.store.miss();
                continue;
            };
            if content.len() + bytes.len() > LARGEST {
                self.store.cut();
                break;
            }
            if let Object::Reference(number) = part {
                self.shared.shown.insert(*number);
            }
            content.extend(bytes);
            content.push(b'\n');
        }
        let own = self.store.dict(page, b"Resources").map(Rc::new);
        let resources = own.or_else(|| inherited.resources.clone()).unwrap_or_default();
        let mut reader = Reader::new(self.store, self.shared);
        reader.read(&content, &resources, 0);
        let width = width(self.store, page).or(inherited.width);
        reader.finish(width, &mut Page::new(self.give, name));
    }
}

/// How wide a page is, from the left edge of its coordinates.
fn width(store: &Store<'_>, page: &Dict) -> Option<f32> {
    match store.get(page, b"MediaBox")? {
        Object::Array(corners) => store.resolve(corners.get(2)?).number(),
        _ => None,
    }
}
