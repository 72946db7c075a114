//! What kind of file holds a secret, as its path tells: a lock file holds check sums, not passwords; a test holds what tests
//! use. It lowers only what a rule of names found, and says why; what a format proves stays as sure as it is.

use crate::detect::Reason;
use crate::finding::Confidence;

/// The kinds of file that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nature {
    /// Versions and check sums of packages.
    Lock,
    /// A map from what a bundler made to what people wrote.
    SourceMap,
    /// The words of a program in a language of people.
    Translation,
    /// Code without blanks and names.
    Minified,
    /// Other people's code.
    Vendored,
    /// A program wrote it.
    Generated,
    /// Shows what a configuration looks like.
    Template,
    /// Tests and their data.
    Test,
}

impl Nature {
    /// What kind of file a path names, if it is a special one.
    pub(super) fn of(path: &str) -> Option<Self> {
        let lower = path.to_ascii_lowercase();
        let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
        let in_folder = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if LOCKS.contains(&name) || ends(&[".lock", ".lockfile", ".lock.json", "-lock.json", ".sum"]) {
            Some(Self::Lock)
        } else if ends(&[".js.map", ".css.map", ".mjs.map", ".cjs.map", ".ts.map"]) {
            Some(Self::SourceMap)
        } else if ends(&[".po", ".pot", ".xlf", ".xliff", ".arb", ".lang"])
            || in_folder(&LANGUAGES)
            || is_language(name)
            || name == "strings.xml" && folders.rsplit('/').next().is_some_and(|of| of.starts_with("values-"))
        {
            Some(Self::Translation)
        } else if ends(&[".min.js", ".min.mjs", ".min.css", "-min.js", ".bundle.js", ".chunk.js"]) {
            Some(Self::Minified)
        } else if in_folder(&["node_modules", "bower_components", "site-packages", "third_party", "vendor"]) {
            Some(Self::Vendored)
        } else if ends(&[".pb.go", "_pb2.py", ".pb.cc", ".g.dart", ".designer.cs", ".snap"])
            || name.contains("generated")
        {
            Some(Self::Generated)
        } else if ends(&[".example", ".sample", ".template", ".dist", ".tmpl", ".tpl"])
            || [".example.", ".sample.", ".template."].iter().any(|part| name.contains(part))
        {
            Some(Self::Template)
        } else if in_folder(&[
            "test",
            "tests",
            "__tests__",
            "spec",
            "specs",
            "testdata",
            "fixtures",
            "fixture",
            "mocks",
        ]) || [".test.", ".spec.", "_test.", "_spec."].iter().any(|part| name.contains(part))
            || name.starts_with("test_")
        {
            Some(Self::Test)
        } else {
            None
        }
    }

    /// How sure a rule of names can be for this reason of a value that stands only in such files.
    pub(super) fn most(self, reason: Reason) -> Confidence {
        match self {
            // Of a translation words are all that it is made of, and those of other languages look irregular.
            Self::Lock | Self::SourceMap | Self::Translation => Confidence::Low,
            // So are the short names of such code, several together.
            Self::Minified if matches!(reason, Reason::Passphrase | Reason::Chosen) => Confidence::Low,
            Self::Minified | Self::Vendored | Self::Generated | Self::Template | Self::Test => {
                Confidence::Medium
            }
        }
    }

    /// The kind, as the reason of a finding names it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Lock => "only in lock files, which hold check sums",
            Self::SourceMap => "only in source maps",
            Self::Translation => "only in translations",
            Self::Minified => "only in minified code",
            Self::Vendored => "only in other people's code",
            Self::Generated => "only in generated files",
            Self::Template => "only in examples and templates",
            Self::Test => "only in tests and their data",
        }
    }
}

/// Folders of translations.
const LANGUAGES: [&str; 11] = [
    "locale",
    "locales",
    "_locales",
    "lang",
    "langs",
    "languages",
    "i18n",
    "l10n",
    "nls",
    "translation",
    "translations",
];

/// Languages.
const CODES: &str =
    "ar bg ca cs da de el en es fa fi fr he hi hr hu id it ja ko nb nl no pl pt ro ru sk sv th tr uk vi zh";

/// `de.json`, `pt-br.yml`, `messages_fr.properties`: data named by a language.
fn is_language(name: &str) -> bool {
    let Some((stem, "json" | "yml" | "yaml" | "properties" | "php" | "resx")) = name.rsplit_once('.') else {
        return false;
    };
    let is_code = |code: &str| CODES.split(' ').any(|known| known == code);
    let mut parts = stem.split(['-', '_', '.']).rev();
    let last = parts.next().unwrap_or_default();
    let before = parts.next();
    // `pt-br`, `zh-cn`: a country behind the language.
    let is_last = is_code(last) || last.len() == 2 && before.is_some_and(is_code);
    is_last
        && before.is_none_or(|before| is_code(before) || ["messages", "strings", "lang"].contains(&before))
}

/// Lock files whose names do not say so.
const LOCKS: [&str; 12] = [
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-lock.yml",
    "packages.lock.json",
    "project.assets.json",
    "package.resolved",
    "mix.lock",
    "gradle.lockfile",
    "deps.edn.lock",
    "go.work.sum",
    "pubspec.lock",
    "conan.lock",
];

/// Files that people write for people.
const DOCUMENTS: [&str; 12] = [
    ".md",
    ".mdx",
    ".markdown",
    ".rst",
    ".adoc",
    ".asciidoc",
    ".textile",
    ".wiki",
    ".docx",
    ".odt",
    ".pdf",
    ".html",
];

/// Whether a file is a document: there a hash of a password is shown, and no login reads it.
pub(super) fn is_document(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    DOCUMENTS.iter().any(|end| lower.ends_with(end))
}

/// The kind of all these files, if it is one for all, or the one that tells most.
pub(super) fn of_all<'p>(mut paths: impl Iterator<Item = Option<&'p str>>) -> Option<Nature> {
    let first = Nature::of(paths.next()??)?;
    // The largest of several kinds lowers least.
    paths.try_fold(first, |nature, path| Some(nature.max(Nature::of(path?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_nature_of_files() {
        for (path, nature) in [
            ("package-lock.json", Nature::Lock),
            ("web/yarn.lock", Nature::Lock),
            ("go.sum", Nature::Lock),
            ("dist/app.js.map", Nature::SourceMap),
            ("app/i18n/en.json", Nature::Translation),
            ("src/messages_fr.properties", Nature::Translation),
            ("config/locales/devise.de.yml", Nature::Translation),
            ("res/values-de/strings.xml", Nature::Translation),
            ("static/jquery.min.js", Nature::Minified),
            ("node_modules/a/index.js", Nature::Vendored),
            (".env.example", Nature::Template),
            ("src/login.test.ts", Nature::Test),
            ("tests/data/config.yml", Nature::Test),
        ] {
            assert_eq!(Nature::of(path), Some(nature), "{path}");
        }
        for path in [
            "README.md",
            "docs/setup.md",
            ".env",
            "src/contest.rs",
            "locksmith.py",
            "k8s/prod.yaml",
            "k8s/db.yaml",
            "res/values/strings.xml",
        ] {
            assert_eq!(Nature::of(path), None, "{path}");
        }
    }

    #[test]
    fn documents_are_told_from_what_programs_read() {
        assert!(["README.md", "docs/a.RST", "plan.docx"].iter().all(|path| is_document(path)));
        assert!(![".htpasswd", "dump.sql", "users.txt", "md"].iter().any(|path| is_document(path)));
    }

    #[test]
    fn one_ordinary_place_is_enough_to_be_sure() {
        assert_eq!(of_all([Some("yarn.lock"), Some("app.py")].into_iter()), None);
        assert_eq!(of_all([Some("yarn.lock"), None].into_iter()), None);
        assert_eq!(of_all([Some("yarn.lock"), Some("a.test.js")].into_iter()), Some(Nature::Test));
        assert_eq!(of_all(std::iter::empty()), None);
    }
}
