//! What a page shows: the operators of its content, as far as they place text.

use super::font::Font;
use super::layout::{Layout, Spot};
use super::object::{Dict, Object, Parser, is};
use super::store::Store;
use crate::source::document::page::Page;
use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How deep forms may stand in each other.
const DEEPEST: u32 = 8;

/// The most operands of one operator, and graphics states that are kept.
const MOST_OPERANDS: usize = 1 << 16;
const MOST_STATES: usize = 256;

/// The most bytes of the text that one operator shows: the codes of a font may stand for more than one character.
const MOST_SHOWN: usize = 1 << 20;

/// A transformation: a, b, c, d, e, f.
type Matrix = [f32; 6];
const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// What all pages share: fonts that were read, and how many operators may still be followed.
pub(super) struct Shared {
    pub(super) fonts: HashMap<u32, Rc<Font>>,
    pub(super) steps: Cell<u64>,
    /// The numbers of the streams whose content was read.
    pub(super) shown: HashSet<u32>,
}

/// What the names of one content stand for, each looked up once.
struct Names<'n> {
    resources: &'n Dict,
    fonts: OnceCell<Dict>,
    objects: OnceCell<Dict>,
    read: HashMap<Vec<u8>, Option<Rc<Font>>>,
    /// Objects that are no forms.
    pictures: HashSet<Vec<u8>>,
}

impl<'n> Names<'n> {
    fn new(resources: &'n Dict) -> Self {
        let (fonts, objects) = (OnceCell::new(), OnceCell::new());
        Self { resources, fonts, objects, read: HashMap::new(), pictures: HashSet::new() }
    }
}

/// The state that `q` keeps.
#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Rc<Font>,
    size: f32,
    letter_gap: f32,
    word_gap: f32,
    stretch: f32,
    leading: f32,
    rise: f32,
}

/// Reads the content of one page and of the forms in it.
pub(super) struct Reader<'r, 'p> {
    pub(super) store: &'r Store<'p>,
    pub(super) shared: &'r mut Shared,
    layout: Layout,
    state: State,
    kept: Vec<State>,
    text: Matrix,
    line: Matrix,
}

impl<'r, 'p> Reader<'r, 'p> {
    pub(super) fn new(store: &'r Store<'p>, shared: &'r mut Shared) -> Self {
        let state = State {
            matrix: IDENTITY,
            font: Rc::new(Font::unknown()),
            size: 1.0,
            letter_gap: 0.0,
            word_gap: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        Self {
            store,
            shared,
            layout: Layout::default(),
            state,
            kept: Vec::new(),
            text: IDENTITY,
            line: IDENTITY,
        }
    }

    /// Tells the text that was read, of a page of this width.
    pub(super) fn finish(self, width: Option<f32>, page: &mut Page<'_>) {
        if self.layout.is_cut() {
            self.store.cut();
        }
        self.layout.finish(width, page);
    }

    /// Follows the operators of a content.
    pub(super) fn read(&mut self, content: &[u8], resources: &Dict, depth: u32) {
        let (mut parser, mut operands) = (Parser::new(content, 0), Vec::new());
        let mut names = Names::new(resources);
        while let Some(object) = parser.next() {
            let Some(left) = self.shared.steps.get().checked_sub(1) else { return };
            self.shared.steps.set(left);
            match object {
                Object::Word(word) => {
                    if word == b"BI" {
                        parser.at = behind_picture(content, parser.at);
                    } else {
                        self.operator(&word, &operands, &mut names, depth);
                    }
                    operands.clear();
                }
                object if operands.len() < MOST_OPERANDS => operands.push(object),
                _ => self.store.cut(),
            }
        }
    }

    fn operator(&mut self, operator: &[u8], operands: &[Object], names: &mut Names<'_>, depth: u32) {
        let number = |at: usize| operands.get(at).and_then(Object::number).unwrap_or(0.0);
        match operator {
            b"q" if self.kept.len() < MOST_STATES => self.kept.push(self.state.clone()),
            b"Q" => self.state = self.kept.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => self.state.matrix = product(matrix(operands), self.state.matrix),
            b"BT" => (self.text, self.line) = (IDENTITY, IDENTITY),
            b"Tf" => {
                self.state.size = number(1);
                if let Some(font) =
                    operands.first().and_then(Object::name).and_then(|name| self.font(names, name))
                {
                    self.state.font = font;
                }
            }
            b"Tc" => self.state.letter_gap = number(0),
            b"Tw" => self.state.word_gap = number(0),
            b"Tz" => self.state.stretch = number(0) / 100.0,
            b"TL" => self.state.leading = number(0),
            b"Ts" => self.state.rise = number(0),
            b"Td" => self.step(number(0), number(1)),
            b"TD" => {
                self.state.leading = -number(1);
                self.step(number(0), number(1));
            }
            b"Tm" => (self.text, self.line) = (matrix(operands), matrix(operands)),
            b"T*" => self.step(0.0, -self.state.leading),
            b"Tj" => self.show(operands.first()),
            b"TJ" => self.show_all(operands.first()),
            b"'" => {
                self.step(0.0, -self.state.leading);
                self.show(operands.first());
            }
            b"\"" => {
                (self.state.word_gap, self.state.letter_gap) = (number(0), number(1));
                self.step(0.0, -self.state.leading);
                self.show(operands.get(2));
            }
            b"Do" if depth < DEEPEST => {
                if let Some(name) = operands.first().and_then(Object::name) {
                    self.form(name, names, depth);
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, x: f32, y: f32) {
        self.line = product([1.0, 0.0, 0.0, 1.0, x, y], self.line);
        self.text = self.line;
    }

    fn show_all(&mut self, operand: Option<&Object>) {
        for object in operand.and_then(Object::array).unwrap_or_default() {
            match object {
                Object::Number(back) => self.advance(-back / 1000.0 * self.state.size),
                object => self.show(Some(object)),
            }
        }
    }

    fn show(&mut self, operand: Option<&Object>) {
        let Some(Object::Text(codes)) = operand else { return };
        let font = Rc::clone(&self.state.font);
        let (from, mut shown) = (self.spot(), String::new());
        if font.is_mute() && !codes.is_empty() {
            self.store.miss();
        }
        font.each(codes, |text, width, is_blank| {
            if shown.len() + text.len() <= MOST_SHOWN {
                shown.push_str(text);
            } else {
                self.store.cut();
            }
            let blank = if is_blank { self.state.word_gap } else { 0.0 };
            self.advance(width * self.state.size + self.state.letter_gap + blank);
        });
        let mut to = self.spot();
        // Letters that are spaced out end before the space.
        let space = self.state.letter_gap * self.state.stretch * scale(product(self.text, self.state.matrix));
        (to.x, to.y) = (to.x - to.along.0 * space, to.y - to.along.1 * space);
        self.layout.add(&shown, from, to);
    }

    fn advance(&mut self, width: f32) {
        self.text = product([1.0, 0.0, 0.0, 1.0, width * self.state.stretch, 0.0], self.text);
    }

    /// Where the next character is set.
    fn spot(&self) -> Spot {
        let set = product(self.text, self.state.matrix);
        let (length, rise) = (scale(set), self.state.rise);
        let along = if length > 0.0 { (set[0] / length, set[1] / length) } else { (1.0, 0.0) };
        let size = (self.state.size * set[2].hypot(set[3])).abs().max(0.01);
        Spot { x: set[4] + set[2] * rise, y: set[5] + set[3] * rise, along, size }
    }

    fn font(&mut self, names: &mut Names<'_>, name: &[u8]) -> Option<Rc<Font>> {
        if let Some(known) = names.read.get(name) {
            return known.clone();
        }
        let fonts = names.fonts.get_or_init(|| self.store.dict(names.resources, b"Font").unwrap_or_default());
        let font = fonts.get(name).and_then(|object| self.read_font(object));
        names.read.insert(name.to_vec(), font.clone());
        font
    }

    fn read_font(&mut self, object: &Object) -> Option<Rc<Font>> {
        if let Object::Reference(number) = object
            && let Some(font) = self.shared.fonts.get(number)
        {
            return Some(Rc::clone(font));
        }
        let Object::Dict(dict) = self.store.resolve(object) else { return None };
        let font = Rc::new(Font::read(self.store, &dict));
        if let Object::Reference(number) = object {
            self.shared.fonts.insert(*number, Rc::clone(&font));
        }
        Some(font)
    }

    /// Reads a form that the content shows.
    fn form(&mut self, name: &[u8], names: &mut Names<'_>, depth: u32) {
        if names.pictures.contains(name) {
            return;
        }
        let (store, resources) = (self.store, names.resources);
        let objects = names.objects.get_or_init(|| store.dict(resources, b"XObject").unwrap_or_default());
        let Some(object) = objects.get(name) else { return };
        let form = store.resolve(object);
        if !form.dict().is_some_and(|form| is(form, b"Subtype", b"Form")) {
            names.pictures.insert(name.to_vec());
            return;
        }
        let Some((dict, content)) = store.stream(object) else { return };
        if let Object::Reference(number) = object {
            self.shared.shown.insert(*number);
        }
        let own = self.store.dict(&dict, b"Resources");
        let kept = (self.state.clone(), self.text, self.line, std::mem::take(&mut self.kept));
        if let Some(Object::Array(operands)) = self.store.get(&dict, b"Matrix") {
            self.state.matrix = product(matrix(&operands), self.state.matrix);
        }
        self.read(&content, own.as_ref().unwrap_or(resources), depth + 1);
        (self.state, self.text, self.line, self.kept) = kept;
    }
}

/// Where a picture in the content ends.
fn behind_picture(content: &[u8], at: usize) -> usize {
    let rest = &content[at..];
    let is_end = |end: &usize| {
        let before =
            end.checked_sub(1).and_then(|before| rest.get(before)).is_some_and(u8::is_ascii_whitespace);
        before && rest.get(end + 2).is_none_or(u8::is_ascii_whitespace)
    };
    memchr::memmem::find_iter(rest, b"EI").find(is_end).map_or(content.len(), |end| at + end + 2)
}

fn matrix(operands: &[Object]) -> Matrix {
    std::array::from_fn(|at| operands.get(at).and_then(Object::number).unwrap_or(IDENTITY[at]))
}

fn product(first: Matrix, second: Matrix) -> Matrix {
    let row = |at: usize| {
        let (x, y) = (first[at], first[at + 1]);
        (x * second[0] + y * second[2], x * second[1] + y * second[3])
    };
    let (along, up, start) = (row(0), row(2), row(4));
    [along.0, along.1, up.0, up.1, start.0 + second[4], start.1 + second[5]]
}

/// How long a step to the right becomes.
fn scale(matrix: Matrix) -> f32 {
    matrix[0].hypot(matrix[1])
}
