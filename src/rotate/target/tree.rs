//! The leaves of a tree of keys, with where each stands in the text: YAML, JSON and TOML.
//!
//! A parser of the format tells the places, so that an edit changes one scalar and no other byte.

use super::form::{Quote, Style};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;
use toml_edit::{Document, Item, Table, Value};
use zeroize::Zeroizing;

/// As many levels inside each other are refused: no configuration has them, and each leaf carries its whole path.
const DEEP: usize = 128;
/// How that is said.
const TOO_DEEP: &str = "it has 128 levels inside each other or more";

/// The languages of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Yaml,
    Json,
    Toml,
}

impl Syntax {
    /// The name of a target of this language.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Toml => "toml",
        }
    }
}

/// A scalar of a tree.
pub(super) struct Leaf {
    /// The number of its document in the file.
    pub(super) document: usize,
    /// Its keys from the root, a list's index as a number.
    pub(super) path: Vec<String>,
    pub(super) range: Range<usize>,
    pub(super) line: usize,
    pub(super) style: Style,
    pub(super) value: Zeroizing<String>,
    /// Why it cannot be replaced.
    pub(super) trouble: Option<&'static str>,
}

/// Reads the leaves of a text, or says what is wrong with it and on which line.
pub(super) fn leaves(text: &str, syntax: Syntax) -> Result<Vec<Leaf>, (usize, String)> {
    match syntax {
        Syntax::Yaml => yaml(text),
        Syntax::Json => json(text),
        Syntax::Toml => toml(text),
    }
}

/// YAML reads JSON too, and tells the places; what is no JSON is refused before.
fn json(text: &str) -> Result<Vec<Leaf>, (usize, String)> {
    let checked = serde_json::from_str::<serde::de::IgnoredAny>(text);
    let read = yaml(text);
    // That reader has the same limit, and does not tell it from a fault.
    if let (Err(error), true) = (checked, read.as_ref().err().is_none_or(|(_, why)| why != TOO_DEEP)) {
        return Err((error.line(), "it is no valid JSON (comments are none)".to_owned()));
    }
    let mut leaves = read?;
    for leaf in leaves.iter_mut().filter(|leaf| leaf.style.quote != Quote::Double) {
        leaf.trouble = Some("it is no string");
    }
    Ok(leaves)
}

/// Where the reader of YAML stands.
enum Frame {
    /// In a mapping, and the key whose value comes next.
    Mapping(Option<String>),
    /// In a list, before this item.
    List(usize),
}

fn yaml(text: &str) -> Result<Vec<Leaf>, (usize, String)> {
    let (mut leaves, mut stack, mut document) = (Vec::new(), Vec::<Frame>::new(), 0);
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| (error.marker().line(), "it is no valid YAML".to_owned()))?;
        match event {
            Event::DocumentEnd => document += 1,
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if matches!(stack.last(), Some(Frame::Mapping(None))) {
                    return Err((span.start.line(), "a key that is itself a list or mapping".to_owned()));
                }
                if stack.len() + 1 >= DEEP {
                    return Err((span.start.line(), TOO_DEEP.to_owned()));
                }
                let mapping = matches!(event, Event::MappingStart(..));
                stack.push(if mapping { Frame::Mapping(None) } else { Frame::List(0) });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                stack.pop();
                step(&mut stack);
            }
            Event::Scalar(ref value, style, ..) => {
                if let Some(Frame::Mapping(key @ None)) = stack.last_mut() {
                    *key = Some(value.to_string());
                    continue;
                }
                let mut leaf = scalar(value, style, &span);
                leaf.document = document;
                leaf.path = path(&stack);
                if event.tag().is_some_and(|tag| tag.core_suffix() != Some("str")) {
                    leaf.trouble = Some("it has a tag, so it is no plain value");
                }
                leaves.push(leaf);
                step(&mut stack);
            }
            Event::Alias(..) => {
                let mut leaf = scalar("", ScalarStyle::Plain, &span);
                leaf.document = document;
                leaf.path = path(&stack);
                leaf.trouble = Some("it is a reference (`*name`) to another value");
                leaves.push(leaf);
                step(&mut stack);
            }
            _ => {}
        }
    }
    Ok(leaves)
}

/// A value was read to its end.
fn step(stack: &mut [Frame]) {
    match stack.last_mut() {
        Some(Frame::Mapping(key)) => *key = None,
        Some(Frame::List(index)) => *index += 1,
        None => {}
    }
}

fn path(stack: &[Frame]) -> Vec<String> {
    let key = |frame: &Frame| match frame {
        Frame::Mapping(key) => key.clone().unwrap_or_default(),
        Frame::List(index) => index.to_string(),
    };
    stack.iter().map(key).collect()
}

fn scalar(value: &str, style: ScalarStyle, span: &Span) -> Leaf {
    let (quote, mut trouble) = match style {
        ScalarStyle::Plain => (Quote::Yaml, None),
        ScalarStyle::SingleQuoted => (Quote::Single, None),
        ScalarStyle::DoubleQuoted => (Quote::Double, None),
        ScalarStyle::Literal | ScalarStyle::Folded => {
            (Quote::Yaml, Some("it is a block of lines (`|` or `>`): write it as one quoted line"))
        }
    };
    let range = span.byte_range();
    if range.is_none() {
        trouble = Some("where it stands is not known");
    }
    Leaf {
        document: 0,
        path: Vec::new(),
        range: range.unwrap_or_default(),
        line: span.start.line(),
        style: Style { quote, base64: false },
        value: Zeroizing::new(value.to_owned()),
        trouble,
    }
}

fn toml(text: &str) -> Result<Vec<Leaf>, (usize, String)> {
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    // The parser's own message quotes the line, and the line may hold the secret.
    let document = Document::parse(text).map_err(|error| {
        (line(error.span().map_or(0, |span| span.start)), "it is no valid TOML".to_owned())
    })?;
    let mut leaves = Vec::new();
    table(document.as_table(), &mut Vec::new(), &mut leaves);
    for leaf in &mut leaves {
        leaf.line = line(leaf.range.start);
    }
    Ok(leaves)
}

fn table(table: &Table, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    for (key, item) in table {
        path.push(key.to_owned());
        match item {
            Item::Value(value) => self::value(value, path, leaves),
            Item::Table(inner) => self::table(inner, path, leaves),
            Item::ArrayOfTables(tables) => {
                for (index, inner) in tables.iter().enumerate() {
                    path.push(index.to_string());
                    self::table(inner, path, leaves);
                    path.pop();
                }
            }
            Item::None => {}
        }
        path.pop();
    }
}

fn value(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                self::value(item, path, leaves);
                path.pop();
            }
        }
        Value::InlineTable(inner) => {
            for (key, item) in inner {
                path.push(key.to_owned());
                self::value(item, path, leaves);
                path.pop();
            }
        }
        scalar => {
            let range = scalar.span();
            let text = scalar.as_str();
            let trouble = if text.is_none() {
                Some("it is no string")
            } else if range.is_none() {
                Some("where it stands is not known")
            } else {
                None
            };
            leaves.push(Leaf {
                document: 0,
                path: path.clone(),
                range: range.unwrap_or_default(),
                line: 0,
                style: Style { quote: Quote::Double, base64: false },
                value: Zeroizing::new(text.unwrap_or_default().to_owned()),
                trouble,
            });
        }
    }
}
