//! The target `serve-token:NAME`: an administrator's token of `unleak serve`, in the state folder.
//!
//! Its hash alone is kept there, so nobody can read the value; but which one it is can be told, and the old hash put back.
//! A running server takes the new value with the next request, and refuses the old one.

use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use crate::token::{TokenInfo, Tokens};
use jiff::Timestamp;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token of the server.
#[derive(Clone)]
pub(super) struct ServeToken {
    tokens: Arc<Tokens>,
    name: String,
    state: PathBuf,
}

impl ServeToken {
    pub(super) fn parse(name: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let state = around.state.as_deref().filter(|_| !name.is_empty()).ok_or(Error::Target)?;
        let failed = |error: crate::token::Error| remote(name, &error);
        let tokens = Arc::new(Tokens::open(state).map_err(failed)?);
        Ok(Self { tokens, name: name.to_owned(), state: state.to_owned() })
    }

    fn failed(&self, error: &crate::token::Error) -> Error {
        remote(&self.name, error)
    }

    fn now(&self) -> Result<TokenInfo, Error> {
        let missing = || Error::Remote {
            place: self.to_string(),
            what: "there is no token of this name (`unleak serve token list`)".to_owned(),
        };
        let all = self.tokens.list().map_err(|error| self.failed(&error))?;
        all.into_iter().find(|token| token.name == self.name).ok_or_else(missing)
    }

    fn held(&self, before: TokenInfo) -> Box<dyn Held> {
        let mut facts = Facts { place: self.to_string(), count: 1, ..Facts::default() };
        facts.warnings.push(format!(
            "{self} is kept as a hash: name the place where its user reads it as a further --target, or nobody will have the new value."
        ));
        Box::new(HeldToken { target: self.clone(), before, facts })
    }
}

fn remote(name: &str, error: &crate::token::Error) -> Error {
    Error::Remote { place: format!("serve-token:{name}"), what: error.to_string() }
}

impl fmt::Display for ServeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serve-token:{}", self.name)
    }
}

impl fmt::Debug for ServeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServeToken").field(&self.name).finish()
    }
}

impl Place for ServeToken {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        Ok(self.held(self.now()?))
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let before = serde_json::from_slice(sealed).map_err(|_| Error::NoWayBack(self.to_string()))?;
        Ok(self.held(before))
    }

    fn variable(&self) -> &str {
        &self.name
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.state.display().to_string())
    }
}

#[derive(Debug)]
struct HeldToken {
    target: ServeToken,
    before: TokenInfo,
    facts: Facts,
}

impl HeldToken {
    fn replaced(&self, new: &Secret) -> TokenInfo {
        self.before.with(new, Timestamp::now())
    }

    /// Puts one in the place of the other, by its hash.
    fn replace(&self, from: &str, to: TokenInfo) -> Result<(), Error> {
        self.target.tokens.replace(from, to).map_err(|error| self.target.failed(&error))
    }
}

impl Held for HeldToken {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        let (now, new) = (self.target.now()?, self.replaced(new));
        Ok(State::of(now.digest(), self.before.digest(), new.digest()))
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        match self.state(new)? {
            State::New => Ok(()),
            State::Old => self.replace(self.before.digest(), self.replaced(new)),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        match self.state(new)? {
            State::Old => Ok(()),
            State::New => self.replace(self.replaced(new).digest(), self.before.clone()),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.state(new)? == State::New))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&self.before).expect("a token's record is plain data"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Scope;

    #[test]
    fn a_token_is_replaced_put_back_and_never_over_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        let old = text(&tokens.add("ci", Scope::Write, Timestamp::UNIX_EPOCH).unwrap());
        let state = Some(folder.path().to_owned());
        let around =
            Surroundings { env: &|_| None, read_command: None, graceful: false, directory: None, state };
        let target = ServeToken::parse("ci", &around).unwrap();
        assert!(ServeToken::parse("nobody", &around).unwrap().read().is_err());
        let new = Secret::from("a new value".to_owned());
        let held = target.read().unwrap();
        assert_eq!(held.state(&new).unwrap(), State::Old);
        held.write(&new).unwrap();
        held.write(&new).unwrap();
        assert_eq!(held.read_back(&new).unwrap(), Some(true));
        assert!(tokens.find(&old).is_none());
        assert_eq!(tokens.find("a new value").map(|token| token.scope), Some(Scope::Write));
        // After a crash, from what was sealed.
        let held = target.recover(&held.sealed()).unwrap();
        held.restore(&new, None).unwrap();
        assert!(tokens.find(&old).is_some() && tokens.find("a new value").is_none());
        tokens.remove("ci").unwrap();
        tokens.add("ci", Scope::Read, Timestamp::UNIX_EPOCH).unwrap();
        assert!(held.write(&new).is_err() && held.restore(&new, None).is_err());
    }
}
