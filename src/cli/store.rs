//! How a session store is named on the command line, the same for every command that works on one.

use super::{Context, Failure, input};
use crate::exit::Exit;
use crate::rotate::{StoreAccess, protect};
use crate::secret::{RedactingWriter, Redactor, Secret};
use crate::session::Options;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// The store, its password, and what should not be detected.
#[derive(clap::Args, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StoreArguments {
    /// The session store, without a password: `postgres://USER@HOST/DB`, `mysql://USER@HOST/DB`, `redis://HOST/DB` (`rediss:` with TLS; `redis+sentinel://HOST/SERVICE/DB`; a cluster by some of its nodes, with commas) or `sqlite:PATH`.
    #[arg(long, value_name = "URL", conflicts_with = "store_from")]
    pub(super) store: Option<String>,
    /// Where to read the session store's whole address, with password: `env:VARIABLE` or `file:PATH`.
    #[arg(long, value_name = "SOURCE")]
    pub(super) store_from: Option<String>,
    /// A file that holds the store's password; else UNLEAK_STORE_PASSWORD is used, or what the store's own client reads: PGPASSWORD, MYSQL_PWD, REDISCLI_AUTH.
    #[arg(long, value_name = "FILE")]
    pub(super) store_password_file: Option<PathBuf>,
    /// The form of the session table or of the keys in Redis, when it should not be detected.
    #[arg(long)]
    pub(super) dialect: Option<String>,
    /// The session table, or the prefix of the keys in Redis, when it should not be detected.
    #[arg(long)]
    pub(super) table: Option<String>,
}

impl StoreArguments {
    /// The store with what it takes to connect; `None` when none was named. `options` say what else matters, and
    /// `variable` is the one that the password came from before.
    pub(super) fn access(
        &self,
        options: Options,
        variable: Option<&str>,
        context: &Context,
    ) -> Result<Option<StoreAccess>, Failure> {
        let text = match (&self.store, &self.store_from) {
            (Some(url), _) => Secret::from(url.clone()),
            (None, Some(source)) => input::secret(source, context)?,
            (None, None) => return Ok(None),
        };
        let url = std::str::from_utf8(text.expose()).map_err(|_| {
            Failure::usage("the store's address is not text").hinted("check the source of --store-from")
        })?;
        let options = Options {
            password: self.password(url, variable, context)?,
            table: self.table.clone(),
            dialect: self.dialect.clone(),
            ..options
        };
        let access = StoreAccess::new(url.trim(), options).map_err(|error| {
            let failure = Failure::from_error(&error, Exit::Usage);
            match error.hint() {
                Some(hint) => failure.hinted(hint),
                None => failure,
            }
        })?;
        if self.store.is_some() && access.url_has_password() {
            return Err(Failure::usage("the store's address holds a password, which every user of this machine can read in the process list")
                .hinted("leave it out of --store and set UNLEAK_STORE_PASSWORD, or use --store-password-file or --store-from env:VARIABLE"));
        }
        Ok(Some(access))
    }

    /// The store that must have been named. From here on no secret of it can be printed.
    pub(super) fn guarded(&self, options: Options, context: &mut Context) -> Result<StoreAccess, Failure> {
        protect();
        let access = self.access(options, None, context)?.ok_or_else(|| {
            Failure::usage("no session store was named")
                .hinted("give --store postgres://USER@HOST/DB or sqlite:PATH, or --store-from env:VARIABLE")
        })?;
        let redactor = Redactor::new(access.secrets());
        guard(&mut context.out, &redactor);
        guard(&mut context.err, &redactor);
        Ok(access)
    }

    /// The store's password: from the file, else from the environment.
    fn password(
        &self,
        url: &str,
        variable: Option<&str>,
        context: &Context,
    ) -> Result<Option<Secret>, Failure> {
        if let Some(path) = &self.store_password_file {
            return input::file(path).map(Some);
        }
        let found = input::password_variable(context, url).map(|(_, password)| password);
        match (variable, &found) {
            (Some(name), None) => Err(Failure::usage(format!(
                "the store's password came from the environment variable {name}, which is not set now"
            ))
            .hinted("passwords are not remembered: set it again, or give --store-password-file")),
            _ => Ok(found),
        }
    }
}

fn guard(stream: &mut Box<dyn io::Write>, redactor: &Redactor) {
    let inner = std::mem::replace(stream, Box::new(io::sink()));
    *stream = Box::new(RedactingWriter::new(inner, redactor.clone()));
}
