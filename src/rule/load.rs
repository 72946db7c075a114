//! Reads rules: the built-in ones and those of a file or folder. What it returns keeps every promise of `Rule`.

use super::form::Rule;
use super::{fragment, store};
use regex_automata::util::syntax as automata;
use regex_syntax::ParserBuilder;
use serde_yaml::Spanned;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The largest rule file.
const LARGEST_FILE: u64 = 4 << 20;
/// How much one match may span, so that a scan may look at a window of a large file.
const LONGEST_MATCH: usize = 8192;
/// The same for blocks with a `-----BEGIN` line.
const LONGEST_BLOCK: usize = 16384;

/// Why rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read the rules in {}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is no rule file, or not one that somebody wrote.
    #[error("{} is larger than {} MiB", .0.display(), LARGEST_FILE >> 20)]
    TooLarge(PathBuf),
    /// A folder without rules.
    #[error("{} holds no rule file", .0.display())]
    Empty(PathBuf),
    /// No YAML, or YAML of another form.
    #[error("{file}:{line}:{column}: {reason}")]
    Form {
        /// The file's name.
        file: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A rule that breaks a promise.
    #[error("{file}:{line}:{column}: rule `{id}`: {problem}")]
    Rule {
        /// The file's name.
        file: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// The rule.
        id: String,
        /// Which promise.
        #[source]
        problem: Problem,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "give a rule file, or a folder with *.yaml or *.yml files".to_owned(),
            Self::TooLarge(_) => "split it, or check that it is a rule file".to_owned(),
            Self::Empty(_) => "rule files end in .yaml or .yml".to_owned(),
            Self::Form { .. } => {
                "a rule file is a list of rules; `unleak rules show ID` prints one".to_owned()
            }
            Self::Rule { problem, .. } => return problem.hint(),
        })
    }
}

/// A promise of `Rule` that a rule breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not lower-case words joined by hyphens.
    #[error("the id must be lower-case words and digits joined by hyphens")]
    Id,
    /// Two rules of one name.
    #[error("the id is taken by {0}")]
    Taken(String),
    /// A field is empty.
    #[error("`{0}` is empty")]
    EmptyField(&'static str),
    /// A keyword that cannot be looked for.
    #[error("keyword `{0}` must be at least three bytes")]
    Keyword(String),
    /// A regular expression that does not compile.
    #[error("`{field}` does not compile: {reason}")]
    Pattern {
        /// `pattern` or `filters.not`.
        field: &'static str,
        /// The compiler's reason, on one line.
        reason: String,
    },
    /// A match could be of any length, or of a very large one.
    #[error("a match of `pattern` may span {0} bytes; at most {LONGEST_MATCH} are allowed")]
    Span(String),
    /// The pattern matches the empty text.
    #[error("`pattern` matches the empty text")]
    MatchesNothing,
    /// Fewer than two examples or counterexamples.
    #[error("`{0}` needs at least two entries")]
    Few(&'static str),
    /// A rule that finds names must say of what.
    #[error("a rule with `named` needs a `promise`: password or key")]
    Promise,
    /// The reference is no address.
    #[error("`reference` must be an https address")]
    Reference,
}

impl Problem {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Taken(_) => "choose another id; ids are unique among all files",
                Self::Pattern { .. } => "the syntax is that of the Rust crate regex, without Unicode classes",
                Self::Span(_) => "write {1,200} instead of + and {0,200} instead of *",
                Self::Few(_) => "write lines that the rule must find, and lines like them that it must not",
                _ => return None,
            }
            .to_owned(),
        )
    }

    /// The field whose line tells where the problem is.
    fn field(&self) -> &'static str {
        match self {
            Self::Id | Self::Taken(_) => "id",
            Self::EmptyField(field) | Self::Few(field) => field,
            Self::Keyword(_) => "keywords",
            Self::Pattern { field: "filters.not", .. } => "not",
            Self::Pattern { .. } | Self::Span(_) | Self::MatchesNothing => "pattern",
            Self::Promise => "named",
            Self::Reference => "reference",
        }
    }
}

/// How patterns are read: bytes, ASCII classes, `^` and `$` at every line.
pub fn syntax() -> automata::Config {
    automata::Config::new().unicode(false).utf8(false).multi_line(true)
}

/// The rules that come with unleak, without their examples, which no scan needs.
pub fn builtin() -> Vec<Rule> {
    store::read(include_str!(concat!(env!("OUT_DIR"), "/rules.txt")))
        .expect("build.rs wrote rules of this form")
}

/// The same with their examples.
pub fn builtin_with_examples() -> Vec<Rule> {
    let lines: Vec<(Vec<String>, Vec<String>)> =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/examples.json")))
            .expect("build.rs wrote lines of this form");
    let rules = builtin().into_iter().zip(lines);
    rules.map(|(rule, (examples, counterexamples))| Rule { examples, counterexamples, ..rule }).collect()
}

/// Reads the text of one rule file; `name` stands in errors.
pub fn from_yaml(name: &str, text: &str) -> Result<Vec<Rule>, Error> {
    let mut ids = HashMap::new();
    read_text(name, text, &mut ids)
}

/// Reads the texts of the rule files of a folder, each with the name that stands in errors. Ids are unique among all.
pub fn from_texts(files: &[(String, String)]) -> Result<Vec<Rule>, Error> {
    let mut ids = HashMap::new();
    let rules = files.iter().map(|(name, text)| read_text(name, text, &mut ids));
    Ok(rules.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A rule file, or all `*.yaml` and `*.yml` files of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"));
    files.sort();
    if files.is_empty() { Err(Error::Empty(path.to_owned())) } else { Ok(files) }
}

/// Reads a rule file, or all `*.yaml` and `*.yml` files of a folder in the order of their names.
pub fn from_path(path: &Path) -> Result<Vec<Rule>, Error> {
    from_files(files(path)?)
}

/// The same, of a path that somebody else chose: nothing that stands outside of `root`, also by a link, is opened, since
/// an error would tell of it.
pub fn from_path_within(root: &Path, path: &Path) -> Result<Vec<Rule>, Error> {
    let within = |path: &Path| {
        let real =
            |path: &Path| path.canonicalize().map_err(|source| Error::Read { path: path.to_owned(), source });
        if real(path)?.starts_with(real(root)?) {
            return Ok(());
        }
        let outside = io::Error::other(format!("it stands outside of {}", root.display()));
        Err(Error::Read { path: path.to_owned(), source: outside })
    };
    let path = root.join(path);
    within(&path)?;
    let files = files(&path)?;
    files.iter().try_for_each(|file| within(file))?;
    from_files(files)
}

fn from_files(files: Vec<PathBuf>) -> Result<Vec<Rule>, Error> {
    let mut ids = HashMap::new();
    let mut rules = Vec::new();
    for file in files {
        let text = read_file(&file)?;
        rules.extend(read_text(&file.to_string_lossy(), &text, &mut ids)?);
    }
    Ok(rules)
}

/// `FILE:LINE:COLUMN` of a field of a rule that stands in a rule file or folder.
pub fn place(path: &Path, id: &str, field: &str) -> Option<String> {
    files(path).ok()?.iter().find_map(|file| {
        let text = read_file(file).ok()?;
        let is_id = |line: &str| {
            let value = line.trim_start_matches([' ', '-']).strip_prefix("id:");
            value.is_some_and(|value| value.trim_matches([' ', '"', '\'', '\r']) == id)
        };
        let start = text.lines().position(is_id)? as u64 + 1;
        let (line, column) = locate(&text, start, field);
        Some(format!("{}:{line}:{column}", file.display()))
    })
}

fn read_file(path: &Path) -> Result<String, Error> {
    use io::Read as _;
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(Error::TooLarge(path.to_owned()));
    }
    Ok(text)
}

/// Ids that were read so far, with the place of each.
type Ids = HashMap<String, String>;

fn read_text(file: &str, text: &str, ids: &mut Ids) -> Result<Vec<Rule>, Error> {
    let spanned: Vec<Spanned<Rule>> = serde_yaml::from_str(text).map_err(|error| form_error(file, &error))?;
    let mut rules = Vec::with_capacity(spanned.len());
    for Spanned { value: mut rule, referenced, .. } in spanned {
        let start = referenced.line();
        if let Err(problem) = check(&mut rule, ids, &format!("{file}:{start}")) {
            let (line, column) = locate(text, start, problem.field());
            return Err(Error::Rule {
                file: file.to_owned(),
                line,
                column,
                id: rule.id.into_owned(),
                problem,
            });
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn form_error(file: &str, error: &serde_yaml::Error) -> Error {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let reason = error.without_snippet().to_string().replace('\n', " ");
    Error::Form { file: file.to_owned(), line, column, reason }
}

/// The place of a field: the first line from the rule's start on that begins with its name.
fn locate(text: &str, start: u64, field: &str) -> (u64, u64) {
    (1..)
        .zip(text.lines())
        .skip_while(|(line, _)| *line < start)
        .find_map(|(line, content)| {
            let name = content.trim_start_matches([' ', '-']);
            let is_field = name.strip_prefix(field).is_some_and(|rest| rest.starts_with(':'));
            is_field.then(|| (line, (content.len() - name.len()) as u64 + 1))
        })
        .unwrap_or((start, 1))
}

/// Expands a rule's fragments and holds it against the promises of `Rule`.
fn check(rule: &mut Rule, ids: &mut Ids, place: &str) -> Result<(), Problem> {
    if !is_id(&rule.id) {
        return Err(Problem::Id);
    }
    if let Some(taken) = ids.insert(rule.id.to_string(), place.to_owned()) {
        return Err(Problem::Taken(taken));
    }
    fragment::expand_rule(rule)
        .map_err(|unknown| Problem::Pattern { field: "pattern", reason: unknown.to_string() })?;
    check_text(rule)?;
    if rule.named && rule.promise.is_none() {
        return Err(Problem::Promise);
    }
    check_pattern(&rule.pattern)?;
    rule.filters.not.iter().try_for_each(|not| parse("filters.not", not).map(drop))
}

fn is_id(id: &str) -> bool {
    id.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn check_text(rule: &Rule) -> Result<(), Problem> {
    for (field, text) in [("title", &rule.title), ("advice", &rule.advice)] {
        if text.trim().is_empty() {
            return Err(Problem::EmptyField(field));
        }
    }
    if rule.keywords.is_empty() {
        return Err(Problem::EmptyField("keywords"));
    }
    if let Some(keyword) = rule.keywords.iter().find(|keyword| keyword.len() < 3) {
        return Err(Problem::Keyword(keyword.to_string()));
    }
    for (field, lines) in [("examples", &rule.examples), ("counterexamples", &rule.counterexamples)] {
        if lines.len() < 2 {
            return Err(Problem::Few(field));
        }
    }
    let is_address = rule.reference.strip_prefix("https://").is_some_and(|rest| rest.contains('.'));
    if is_address { Ok(()) } else { Err(Problem::Reference) }
}

fn check_pattern(pattern: &str) -> Result<(), Problem> {
    let hir = parse("pattern", pattern)?;
    let limit = if pattern.contains("-----BEGIN") { LONGEST_BLOCK } else { LONGEST_MATCH };
    match hir.properties().maximum_len() {
        None => return Err(Problem::Span("any number of".to_owned())),
        Some(length) if length > limit => return Err(Problem::Span(length.to_string())),
        Some(_) => {}
    }
    if hir.properties().look_set().contains_word_unicode() {
        let reason = "a word boundary of Unicode; leave out `(?u)`".to_owned();
        return Err(Problem::Pattern { field: "pattern", reason });
    }
    if hir.properties().minimum_len() == Some(0) { Err(Problem::MatchesNothing) } else { Ok(()) }
}

fn parse(field: &'static str, pattern: &str) -> Result<regex_syntax::hir::Hir, Problem> {
    ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build().parse(pattern).map_err(|error| {
        let reason = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        Problem::Pattern { field, reason }
    })
}
