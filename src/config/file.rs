//! The file as it is written, and what is made of it.

use super::{Config, Disabled, Error, Globs, Override, Position, ReadRules, Sessions, Values};
use crate::finding::{Confidence, Severity};
use serde::Deserialize;
use serde_yaml::Spanned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    rules: Vec<PathBuf>,
    disable: Vec<Spanned<Disable>>,
    r#override: BTreeMap<String, Spanned<Change>>,
    allow: Allow,
    sessions: Option<Spanned<Sessions>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "neither the id of a rule nor `{rule: ID, paths: [globs]}`")]
enum Disable {
    Everywhere(String),
    There(DisableThere),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableThere {
    rule: String,
    paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    title: Option<String>,
    severity: Option<Severity>,
    confidence: Option<Confidence>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Allow {
    paths: Vec<Spanned<String>>,
    values: Vec<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "neither a text nor `{pattern: REGEX}`")]
enum Value {
    Exact(String),
    Matching(Matching),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matching {
    pattern: String,
}

/// Reads the text of a configuration. Where there can be no rule files, none is opened.
pub(super) fn read(path: &Path, text: &str, rules: Option<&ReadRules<'_>>) -> Result<Config, Error> {
    // Without the excerpt: what was taken for a configuration may be a file of secrets.
    let form = |error: serde_yaml::Error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let reason = error.without_snippet().to_string().replace('\n', " ");
        Error::Invalid { path: path.to_owned(), line, column, reason }
    };
    let file: Option<File> = serde_yaml::from_str(text).map_err(form)?;
    let File { rules: files, disable, r#override: overrides, allow, sessions } = file.unwrap_or_default();
    let mut config = Config { path: path.to_owned(), ..Config::default() };
    for name in &files {
        let read = rules.ok_or_else(|| Error::RulesOfFolder(path.to_owned()))?;
        let read =
            read(name).map_err(|source| Error::Rules { path: path.to_owned(), source: Box::new(source) })?;
        config.rules.extend(read);
    }
    for entry in disable {
        let entry = disabled(&config, entry)?;
        config.disable.push(entry);
    }
    for (id, change) in overrides {
        let change = changed(&config, id, change)?;
        config.overrides.push(change);
    }
    let globs = Globs::new(allow.paths.iter().map(|glob| glob.value.as_str()));
    config.allowed_paths = globs.map_err(|(number, reason)| {
        config.wrong(position(&allow.paths[number]), format!("allow.paths: {reason}"))
    })?;
    config.allowed_values = allowed(&config, allow.values)?;
    if let Some(sessions) = sessions {
        let at = position(&sessions);
        sessions.value.check().map_err(|reason| config.wrong(at, reason.to_owned()))?;
        config.sessions = sessions.value;
    }
    Ok(config)
}

fn disabled(config: &Config, entry: Spanned<Disable>) -> Result<Disabled, Error> {
    let at = position(&entry);
    let (id, paths) = match entry.value {
        Disable::Everywhere(id) => (id, None),
        Disable::There(DisableThere { rule, paths }) => {
            if paths.is_empty() {
                return Err(config.wrong(at, format!("`paths` of rule `{rule}` is empty")));
            }
            let globs = Globs::new(paths.iter().map(String::as_str));
            (rule, Some(globs.map_err(|(_, reason)| config.wrong(at, reason))?))
        }
    };
    Ok(Disabled { id, paths, at })
}

fn changed(config: &Config, id: String, change: Spanned<Change>) -> Result<Override, Error> {
    let at = position(&change);
    let Change { title, severity, confidence } = change.value;
    if title.is_none() && severity.is_none() && confidence.is_none() {
        let reason = format!("the override of `{id}` changes neither severity nor confidence nor title");
        return Err(config.wrong(at, reason));
    }
    if title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(config.wrong(at, format!("the title of `{id}` is empty")));
    }
    Ok(Override { id, title, severity, confidence, at })
}

fn allowed(config: &Config, entries: Vec<Spanned<Value>>) -> Result<Values, Error> {
    let mut values = Values::default();
    for entry in entries {
        let at = position(&entry);
        match entry.value {
            Value::Exact(text) if text.is_empty() => {
                return Err(config.wrong(at, "an allowed value is empty".to_owned()));
            }
            Value::Exact(text) => values.add_exact(text),
            Value::Matching(Matching { pattern }) => {
                values
                    .add_pattern(&pattern)
                    .map_err(|reason| config.wrong(at, format!("`pattern`: {reason}")))?;
            }
        }
    }
    Ok(values)
}

fn position<T>(of: &Spanned<T>) -> Position {
    Position { line: of.referenced.line(), column: of.referenced.column() }
}
