//! One configuration among others, and what all of them make of the findings.

use super::{Config, Error, Override};
use crate::coverage::{LayerKind, LayerUse, LeftOut};
use crate::finding::{Confidence, Finding, Occurrence, Scan};
use crate::rule::{Rule, Text};
use std::collections::{BTreeMap, HashSet};

/// A configuration and the paths that it counts for.
#[derive(Debug)]
pub struct Layer {
    /// What it says.
    pub(super) config: Config,
    /// The folder it counts for, with `/` at its end; empty for everything.
    folder: String,
    /// What it did so far.
    pub(super) usage: LayerUse,
}

impl Layer {
    /// A configuration, by the name that reports give it. `folder` is relative to the root of what is scanned, and empty
    /// for all but a folder's own.
    pub fn new(config: Config, kind: LayerKind, name: String, folder: &str) -> Self {
        let sorted = |ids: Vec<&str>| {
            let mut ids: Vec<String> = ids.into_iter().map(ToOwned::to_owned).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let usage = LayerUse {
            kind,
            file: name,
            disabled: sorted(config.disable.iter().map(|entry| entry.id.as_str()).collect()),
            overridden: sorted(config.overrides.iter().map(|change| change.id.as_str()).collect()),
            ..LayerUse::default()
        };
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Self { config, folder, usage }
    }

    /// What it did so far.
    pub fn usage(&self) -> &LayerUse {
        &self.usage
    }

    /// Whether every id it names is one of these.
    pub(super) fn check(&self, ids: &HashSet<Text>) -> Result<(), Error> {
        let disabled = self.config.disable.iter().map(|entry| (&entry.id, entry.at));
        let mut named = disabled.chain(self.config.overrides.iter().map(|change| (&change.id, change.at)));
        match named.find(|(id, _)| !ids.contains(id.as_str())) {
            None => Ok(()),
            Some((id, at)) => Err(Error::UnknownRuleAt {
                path: self.config.path.clone(),
                line: at.line,
                column: at.column,
                id: id.clone(),
            }),
        }
    }

    /// Changes the rules of which it says that they are called otherwise.
    pub(super) fn call_otherwise(&self, rules: &mut [Rule]) {
        for change in &self.config.overrides {
            rules.iter_mut().filter(|rule| rule.id == change.id).for_each(|rule| change.apply(rule));
        }
    }

    /// Why it leaves out a place of a secret.
    fn hides(&self, finding: &Finding, place: &Occurrence) -> Option<Hidden> {
        let inner = match &place.path {
            Some(path) => Some(path.strip_prefix(&self.folder)?),
            None if self.folder.is_empty() => None,
            None => return None,
        };
        let config = &self.config;
        if inner.is_some_and(|path| config.allowed_paths.holds(path)) {
            return Some(Hidden::Path);
        }
        // A rule that a root's configuration turns off everywhere does not run at all.
        let is_off = |paths: &Option<super::Globs>| match paths {
            None => !self.folder.is_empty(),
            Some(globs) => inner.is_some_and(|path| globs.holds(path)),
        };
        if config.disable.iter().any(|entry| entry.id == finding.rule && is_off(&entry.paths)) {
            return Some(Hidden::Rule);
        }
        config.allowed_values.holds(finding.secret.expose()).then_some(Hidden::Value)
    }

    /// Changes a finding of which every place stands under its folder.
    fn change(&self, finding: &mut Finding) {
        let is_inside =
            |place: &Occurrence| place.path.as_ref().is_some_and(|path| path.starts_with(&self.folder));
        if self.folder.is_empty() || !finding.occurrences.iter().all(is_inside) {
            return;
        }
        for change in self.config.overrides.iter().filter(|change| change.id == finding.rule) {
            finding.title = change.title.clone().unwrap_or_else(|| std::mem::take(&mut finding.title));
            finding.severity = change.severity.unwrap_or(finding.severity);
            finding.confidence = change.confidence.unwrap_or(finding.confidence);
        }
    }
}

impl Override {
    /// Changes a rule before it runs.
    fn apply(&self, rule: &mut Rule) {
        if let Some(title) = &self.title {
            rule.title = title.clone().into();
        }
        rule.severity = self.severity.unwrap_or(rule.severity);
        rule.confidence = self.confidence.unwrap_or(rule.confidence);
    }
}

/// Why a place is left out.
#[derive(Clone, Copy)]
enum Hidden {
    Path,
    Rule,
    Value,
}

/// All configurations, the widest first. Those of folders are read when something was found under them.
pub struct Layers<'r> {
    /// An organisation's and the root's.
    pub whole: &'r mut [Layer],
    /// Reads the configuration of a folder below the root, by its path; `None` where there is none.
    pub read: &'r dyn Fn(&str) -> Result<Option<Layer>, Error>,
    /// The ids of all rules there are.
    pub ids: &'r HashSet<Text>,
    /// Findings that an override makes less sure than this are left out.
    pub min_confidence: Confidence,
}

impl Layers<'_> {
    /// Drops from a scan what the layers allow, changes what they call otherwise, and tells what each did.
    ///
    /// # Errors
    /// When the configuration of a folder is wrong.
    pub fn apply(self, scan: &mut Scan) -> Result<Vec<LayerUse>, Error> {
        let mut folders = BTreeMap::new();
        for finding in &scan.findings {
            for path in finding.occurrences.iter().filter_map(|place| place.path.as_ref()) {
                self.look_above(path, &mut folders)?;
            }
        }
        let mut below: Vec<Layer> = folders.into_values().flatten().collect();
        let whole = self.whole.iter_mut();
        let mut layers: Vec<&mut Layer> = whole.chain(&mut below).collect();
        let left_out = &mut scan.configuration.left_out;
        scan.findings.retain_mut(|finding| {
            // A live value is one in a test folder too.
            !finding.live_in.is_empty() || keep(finding, &mut layers, self.min_confidence, left_out)
        });
        Ok(layers.into_iter().map(|layer| layer.usage.clone()).collect())
    }

    /// Reads the configurations of the folders around a path, outer ones first.
    fn look_above(&self, path: &str, folders: &mut BTreeMap<String, Option<Layer>>) -> Result<(), Error> {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if !folder.is_empty() && !folders.contains_key(folder) {
                let layer = (self.read)(folder)?;
                layer.iter().try_for_each(|layer| layer.check(self.ids))?;
                folders.insert(folder.to_owned(), layer);
            }
        }
        Ok(())
    }
}

/// Whether a finding counts after all layers.
fn keep(
    finding: &mut Finding,
    layers: &mut [&mut Layer],
    min_confidence: Confidence,
    left_out: &mut LeftOut,
) -> bool {
    let mut last = None;
    let places = std::mem::take(&mut finding.occurrences);
    for place in places {
        let hidden = layers
            .iter()
            .enumerate()
            .find_map(|(number, layer)| Some((number, layer.hides(finding, &place)?)));
        match hidden {
            None => finding.occurrences.push(place),
            hidden => last = hidden,
        }
    }
    if let (true, Some((number, why))) = (finding.occurrences.is_empty(), last) {
        layers[number].usage.left_out += 1;
        match why {
            Hidden::Path => left_out.paths += 1,
            Hidden::Rule => left_out.rules += 1,
            Hidden::Value => left_out.values += 1,
        }
        return false;
    }
    layers.iter().for_each(|layer| layer.change(finding));
    let is_sure = finding.confidence >= min_confidence;
    left_out.confidence += u64::from(!is_sure);
    is_sure
}
