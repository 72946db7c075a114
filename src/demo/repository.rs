//! The leaking history: a rotation report that itself holds the new secret, and its deletion, which removes nothing.
//!
//! Data and a loop, made with libgit2: the demo needs no git on the machine.

use super::Error;
use crate::durable::{self, Mode};
use crate::secret::Secret;
use git2::{Repository, RepositoryInitOptions, Signature, Time};
use std::path::Path;

/// The path of the report that leaks.
pub(super) const LEAK: &str = "docs/rotation-report.md";

/// Where the secret stands in the texts below.
const SECRET: &str = "{{secret}}";
/// 12 September 2025, 09:00 UTC.
const START: i64 = 1_757_667_600;
const HOUR: i64 = 3600;

struct Change {
    author: &'static str,
    hour: i64,
    message: &'static str,
    put: &'static [(&'static str, &'static str)],
    remove: &'static [&'static str],
}

const HISTORY: &[Change] = &[
    Change {
        author: "Kim Dev",
        hour: 0,
        message: "Log in with sessions",
        put: &[
            ("README.md", "# Invoices\n\nSends invoices. Configuration: see `.env.example`.\n"),
            (".gitignore", ".env\nsessions.db\n"),
            (".env.example", "NODE_ENV=development\nSESSION_SECRET=your-secret-here\n"),
            (
                "src/session.js",
                "const session = require('express-session')\n\n\
                 module.exports = session({\n  secret: process.env.SESSION_SECRET,\n  resave: false,\n  \
                 saveUninitialized: false\n})\n",
            ),
        ],
        remove: &[],
    },
    Change {
        author: "Dana Ops",
        hour: 79,
        message: "Report of the emergency rotation",
        put: &[(
            LEAK,
            "# Emergency rotation of the session secret\n\n\
             **Status:** resolved\n\n\
             ## Actions\n\n\
             1. Deleted the document that held the old secret.\n\
             2. Made a new one with `crypto.randomBytes(64)`.\n\
             3. Restarted the application with it:\n\n   \
             `SESSION_SECRET={{secret}}`\n\n\
             4. Checked that `/api/user` answers 401.\n\n\
             **Risk level:** zero residual risk\n",
        )],
        remove: &[],
    },
    Change {
        author: "Kim Dev",
        hour: 98,
        message: "Number invoices by year",
        put: &[("src/invoice.js", "exports.number = (year, n) => `${year}-${String(n).padStart(4, '0')}`\n")],
        remove: &[],
    },
    Change {
        author: "Dana Ops",
        hour: 103,
        message: "Redact the rotation report",
        put: &[(
            "docs/rotation-report-redacted.md",
            "# Emergency rotation of the session secret\n\n\
             New secret: `[REDACTED-128-CHARACTER-HEX-STRING]`\n\n\
             No credentials in versioned files. **Risk level:** zero residual risk\n",
        )],
        remove: &[LEAK],
    },
];

/// How many commits the history has.
pub(super) const COMMITS: usize = HISTORY.len();

/// Makes the repository in `folder`, which does not exist yet.
pub(super) fn make(folder: &Path, secret: &Secret) -> Result<(), Error> {
    let mut options = RepositoryInitOptions::new();
    // Nothing of this machine's configuration may get in.
    options.external_template(false).initial_head("main");
    let repository = Repository::init_opts(folder, &options)?;
    HISTORY.iter().try_for_each(|change| commit(&repository, folder, change, secret))
}

fn commit(repository: &Repository, folder: &Path, change: &Change, secret: &Secret) -> Result<(), Error> {
    let mut index = repository.index()?;
    for (name, text) in change.put {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io("make a folder"))?;
        }
        let text = text.replace(SECRET, &String::from_utf8_lossy(secret.expose()));
        durable::write_atomic(&path, text.as_bytes(), Mode::Public)?;
        index.add_path(Path::new(name))?;
    }
    for name in change.remove {
        std::fs::remove_file(folder.join(name)).map_err(Error::io("delete a file"))?;
        index.remove_path(Path::new(name))?;
    }
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let address = format!("{}@example.org", change.author.to_lowercase().replace(' ', "."));
    let who = Signature::new(change.author, &address, &Time::new(START + change.hour * HOUR, 0))?;
    let parent = repository.head().ok().map(|head| head.peel_to_commit()).transpose()?;
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some("HEAD"), &who, &who, change.message, &tree, &parents)?;
    Ok(())
}
