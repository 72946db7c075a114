//! The target `github:OWNER/REPO#NAME`: a secret of GitHub Actions, of a repository or (`OWNER/REPO@ENVIRONMENT`) of one
//! of its environments.
//!
//! It goes there in a sealed box for the repository's public key, and nobody can read it back.

use super::client::{Answer, Client, Trust};
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use zeroize::Zeroizing;

/// A secret of GitHub Actions.
#[derive(Clone, Debug)]
pub(super) struct GithubTarget {
    client: Client,
    token: Secret,
    repository: String,
    environment: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct Key {
    key_id: String,
    key: String,
}

impl GithubTarget {
    pub(super) fn parse(rest: &str, around: &Surroundings<'_>) -> Result<Self, Error> {
        let (place, name) = rest.rsplit_once('#').ok_or(Error::Target)?;
        let (repository, environment) = match place.split_once('@') {
            Some((repository, environment)) => (repository, Some(environment.to_owned())),
            None => (place, None),
        };
        let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        let is_name = |text: &str| !text.is_empty() && text.bytes().all(fine) && !text.starts_with('.');
        let (owner, repo) = repository.split_once('/').ok_or(Error::Target)?;
        if ![owner, repo, name].into_iter().chain(environment.as_deref()).all(is_name) {
            return Err(Error::Target);
        }
        let missing =
            Error::NoCredential { place: format!("github:{place}"), wanted: "GH_TOKEN or GITHUB_TOKEN" };
        let token = (around.env)("GH_TOKEN").or_else(|| (around.env)("GITHUB_TOKEN")).ok_or(missing)?;
        let base = around.text("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        // Without the address: one that is refused may hold a password.
        let bad = |what: &str| Error::Remote { place: format!("github:{place}"), what: what.to_owned() };
        let client = Client::new(&base, &Trust::default()).map_err(bad)?;
        Ok(Self { client, token, repository: repository.to_owned(), environment, name: name.to_owned() })
    }

    fn ask(&self, method: &str, what: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let body = body.map(|body| serde_json::to_vec(body).expect("plain data"));
        let bearer = Zeroizing::new([b"Bearer ", self.token.expose()].concat());
        let headers: [(&str, &[u8]); 4] = [
            ("accept", b"application/vnd.github+json"),
            ("x-github-api-version", b"2022-11-28"),
            ("content-type", b"application/json"),
            ("authorization", &bearer),
        ];
        let path = match &self.environment {
            Some(environment) => {
                format!("/repos/{}/environments/{environment}/secrets/{what}", self.repository)
            }
            None => format!("/repos/{}/actions/secrets/{what}", self.repository),
        };
        self.client.call(method, &path, &headers, body.as_deref()).map_err(|what| self.failed(&what))
    }

    fn failed(&self, what: &str) -> Error {
        Error::Remote { place: self.to_string(), what: what.to_owned() }
    }

    fn expect(&self, answer: &Answer, doing: &str) -> Result<(), Error> {
        match answer.status {
            200 | 201 | 204 => Ok(()),
            401 => Err(self.failed("the token is not accepted (401)")),
            403 => Err(self.failed("the token may not do that (403); it needs write access to secrets")),
            404 => {
                Err(self
                    .failed(&format!("{doing}: there is no such repository, environment or secret (404)")))
            }
            status => Err(self.failed(&format!("{doing}: it answered {status}"))),
        }
    }

    fn put(&self, value: &Secret) -> Result<(), Error> {
        let answer = self.ask("GET", "public-key", None)?;
        self.expect(&answer, "its public key")?;
        let key: Key = answer.json().map_err(|what| self.failed(&what))?;
        let bad = || self.failed("its public key is not usable");
        let bytes = STANDARD.decode(&key.key).map_err(|_| bad())?;
        let public = PublicKey::from_slice(&bytes).map_err(|_| bad())?;
        let sealed = public.seal(&mut OsRng, value.expose()).map_err(|_| bad())?;
        let body = json!({"encrypted_value": STANDARD.encode(sealed), "key_id": key.key_id});
        let answer = self.ask("PUT", &self.name, Some(&body))?;
        self.expect(&answer, "the change")
    }

    fn held(&self) -> Box<dyn Held> {
        let mut facts = Facts { place: self.to_string(), count: 1, blind: true, ..Facts::default() };
        facts.warnings.push(format!("{self} cannot be read back."));
        facts.warnings.extend(self.client.warning());
        facts.warnings.push("Workflows take the new value when they run next; what they have deployed keeps the old one until it is deployed again.".to_owned());
        Box::new(HeldGithub { target: self.clone(), facts })
    }
}

impl fmt::Display for GithubTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.environment.as_ref().map_or_else(String::new, |environment| format!("@{environment}"));
        write!(f, "github:{}{at}#{}", self.repository, self.name)
    }
}

impl Place for GithubTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        let answer = self.ask("GET", &self.name, None)?;
        self.expect(&answer, "looking for it")?;
        Ok(self.held())
    }

    fn recover(&self, _sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        Ok(self.held())
    }

    fn variable(&self) -> &str {
        &self.name
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.client.base().to_owned())
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}

#[derive(Debug)]
struct HeldGithub {
    target: GithubTarget,
    facts: Facts,
}

impl Held for HeldGithub {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, _new: &Secret) -> Result<State, Error> {
        Ok(State::Unknown)
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        self.target.put(new)
    }

    fn restore(&self, _new: &Secret, elsewhere: Option<&Secret>) -> Result<(), Error> {
        let old = elsewhere.ok_or_else(|| Error::NoWayBack(self.facts.place.clone()))?;
        self.target.put(old)
    }

    fn read_back(&self, _new: &Secret) -> Result<Option<bool>, Error> {
        Ok(None)
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::default()
    }
}
