//! Which files of an office document hold its text, and what a person would call them.

use super::flow::{self, Family};
use super::page::Give;
use super::seen::Seen;
use super::xml::{self, Node};
use super::{properties, sheet};
use std::collections::HashMap;

/// Folders of the files of docx, xlsx and pptx.
const FOLDERS: [&str; 3] = ["word/", "xl/", "ppt/"];

/// Files of these folders that hold no text of the document.
const NO_TEXT: [&str; 9] = [
    "styles",
    "settings",
    "fontTable",
    "numbering",
    "theme",
    "webSettings",
    "slideMaster",
    "slideLayout",
    "stylesWithEffects",
];

/// What tells how an open document is encrypted, and the file that holds all of some that are.
const MANIFEST: &str = "META-INF/manifest.xml";
const ENCRYPTED: &str = "encrypted-package";

/// Reads a file of the document, by its name.
type Load<'l> = dyn FnMut(&str) -> Option<Vec<u8>> + 'l;

/// Whether a zip file with these members is a document.
pub(in crate::source) fn is_office(names: &[String]) -> bool {
    let is_part = |name: &String| {
        name == "content.xml"
            || name == ENCRYPTED
            || FOLDERS.iter().any(|folder| name.starts_with(folder)) && name.strip_suffix(".xml").is_some()
    };
    names.iter().any(is_part)
}

/// Tells the text of a document, part by part.
pub(in crate::source) fn read(names: &[String], load: &mut Load<'_>, give: &Give<'_>) -> Seen {
    let is_there = |name: &str| names.iter().any(|other| other == name);
    let is_encrypted = is_there(ENCRYPTED) || load(MANIFEST).is_some_and(|bytes| says_encrypted(&bytes));
    let mut seen = if is_encrypted { Seen::Encrypted } else { Seen::All };
    if is_there("content.xml") {
        for (file, part) in [("content.xml", "text"), ("styles.xml", "headers and footers")] {
            if let Some(bytes) = load(file).filter(|_| is_there(file)) {
                seen = seen.max(flow::read(&bytes, Family::OpenDocument, part, give));
            }
        }
    }
    let sheets = called(load, "xl/workbook.xml", "sheet");
    let slides = called(load, "ppt/presentation.xml", "sldId");
    let mut shared = None;
    for name in names {
        let Some(stem) = name.rsplit('/').next().and_then(|file| file.strip_suffix(".xml")) else { continue };
        let is_properties = name.starts_with("docProps/") || name == "meta.xml";
        let is_part = FOLDERS.iter().any(|folder| name.starts_with(folder))
            && !NO_TEXT.contains(&stem.trim_end_matches(|c: char| c.is_ascii_digit()));
        if !is_properties && !is_part || name.contains("/theme/") {
            continue;
        }
        if stem == "sharedStrings" || stem == "workbook" || stem == "presentation" {
            continue;
        }
        let Some(bytes) = load(name) else { continue };
        let own = if is_properties {
            properties::read(&bytes, give)
        } else if name.starts_with("xl/worksheets/") {
            let shared = shared.get_or_insert_with(|| {
                let (texts, own) = load("xl/sharedStrings.xml").map(|bytes| sheet::shared(&bytes)).unzip();
                seen = seen.max(own.unwrap_or(Seen::All));
                texts.unwrap_or_default()
            });
            let own = sheets
                .get(name)
                .map_or_else(|| stem.trim_start_matches("sheet").to_owned(), |(title, _)| title.clone());
            sheet::read(&bytes, shared, &own, give)
        } else {
            let part = match slides.get(name) {
                Some((_, number)) => format!("slide {number}"),
                None => part(stem),
            };
            flow::read(&bytes, Family::OpenXml, &part, give)
        };
        seen = seen.max(own);
    }
    seen
}

/// Whether a file that begins with `start` is an encrypted document in the container that documents had before zip files,
/// which `bytes` of it tell: its directory names what is encrypted, in two bytes a character.
pub(in crate::source) fn is_locked(start: &[u8], bytes: &[u8]) -> bool {
    const START: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    let name = || "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect::<Vec<_>>();
    start.starts_with(START) && memchr::memmem::find(bytes, &name()).is_some()
}

/// Whether a manifest says of a file how it is encrypted.
fn says_encrypted(manifest: &[u8]) -> bool {
    let mut is_encrypted = false;
    xml::each(manifest, &mut |node| {
        is_encrypted |= matches!(node, Node::Open(tag) if tag.name() == "encryption-data");
    });
    is_encrypted
}

/// The files that a list refers to, with the name and the number that each has there.
fn called(load: &mut Load<'_>, list: &str, element: &str) -> HashMap<String, (String, usize)> {
    let mut files = HashMap::new();
    let Some((folder, file)) = list.split_once('/') else { return files };
    let (Some(list), Some(links)) = (load(list), load(&format!("{folder}/_rels/{file}.rels"))) else {
        return files;
    };
    let mut targets = HashMap::new();
    xml::each(&links, &mut |node| {
        if let Node::Open(tag) = node
            && let (Some(id), Some(target)) = (tag.attribute("Id"), tag.attribute("Target"))
        {
            let target = target.strip_prefix('/').map_or_else(|| format!("{folder}/{target}"), str::to_owned);
            targets.insert(id, target);
        }
    });
    xml::each(&list, &mut |node| {
        if let Node::Open(tag) = node
            && tag.name() == element
            && let Some(target) = tag.last_attribute("id").and_then(|id| targets.get(&id))
        {
            let number = files.len() + 1;
            files.insert(target.clone(), (tag.attribute("name").unwrap_or_default(), number));
        }
    });
    files
}

/// What a person would call a file of the document.
fn part(stem: &str) -> String {
    let word = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &stem[word.len()..];
    match (word, number) {
        ("document", _) => "text".to_owned(),
        ("notesSlide", number) => format!("notes {number}"),
        (word, "") => word.to_owned(),
        (word, number) => format!("{word} {number}"),
    }
}
