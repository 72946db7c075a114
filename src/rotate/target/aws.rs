//! The targets `aws-sm:NAME[#KEY]` and `aws-ssm:NAME`: AWS Secrets Manager and the Parameter Store.
//!
//! Secrets Manager is written in its own steps: the new version is staged as AWSPENDING, read back, and made AWSCURRENT
//! in place of the version that was read. Parameter Store knows no condition, so it is read right before.

use super::client::{Client, Trust};
use super::sigv4::{Credentials, signed};
use super::{Facts, Held, Place, State, Surroundings};
use crate::rotate::Error;
use crate::secret::Secret;
use rand::TryRng as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt;
use zeroize::Zeroizing;

/// The type of a parameter that is encrypted.
const ENCRYPTED: &str = "SecureString";
/// How many pages of parameters are asked for.
const PAGES: usize = 100;

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    SecretsManager,
    Parameters,
}

/// A secret or a parameter.
#[derive(Clone, Debug)]
pub(super) struct AwsTarget {
    service: Service,
    name: String,
    /// The key of a secret that is a JSON object.
    key: Option<String>,
    region: String,
    host: String,
    client: Client,
    credentials: Credentials,
}

/// A value at one moment.
struct Version {
    id: String,
    /// The type of a parameter.
    kind: String,
    text: Zeroizing<String>,
    /// The key of KMS that a parameter is encrypted with.
    encrypted_with: Option<String>,
}

/// A version as it is sealed, its fields in their order; the last was not always there.
#[derive(Deserialize)]
struct Sealed(String, String, String, #[serde(default)] Option<String>);

impl AwsTarget {
    /// `None` when the kind is none of AWS.
    pub(super) fn parse(kind: &str, rest: &str, around: &Surroundings<'_>) -> Option<Result<Self, Error>> {
        let (service, endpoint) = match kind {
            "aws-sm" => (Service::SecretsManager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            "aws-ssm" => (Service::Parameters, "AWS_ENDPOINT_URL_SSM"),
            _ => return None,
        };
        Some(Self::new(service, rest, around, &[endpoint, "AWS_ENDPOINT_URL"]))
    }

    fn new(
        service: Service,
        rest: &str,
        around: &Surroundings<'_>,
        endpoints: &[&str],
    ) -> Result<Self, Error> {
        let (name, key) = match rest.split_once('#') {
            Some((name, key)) if service == Service::SecretsManager => (name, Some(key.to_owned())),
            _ => (rest, None),
        };
        if name.is_empty() || key.as_ref().is_some_and(String::is_empty) {
            return Err(Error::Target);
        }
        let place = || format!("{}:{name}", service.kind());
        let arn_region = name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(str::to_owned);
        let text = |names: &[&str]| names.iter().find_map(|name| around.text(name));
        let region = arn_region.or_else(|| text(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
        let region = region.ok_or_else(|| Error::NoCredential { place: place(), wanted: "AWS_REGION" })?;
        let domain = domain(&region).ok_or(Error::Target)?;
        let missing =
            Error::NoCredential { place: place(), wanted: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" };
        let credentials = Credentials::from(around).ok_or(missing)?;
        let base = text(endpoints).unwrap_or_else(|| format!("https://{}.{region}.{domain}", service.id()));
        let bad = |what: &str| Error::Remote { place: place(), what: what.to_owned() };
        let client = Client::new(&base, &Trust::default()).map_err(bad)?;
        let host = base.split_once("://").map_or("", |(_, rest)| rest).trim_end_matches('/').to_owned();
        Ok(Self { service, name: name.to_owned(), key, region, host, client, credentials })
    }

    fn failed(&self, what: &str) -> Error {
        Error::Remote { place: self.to_string(), what: what.to_owned() }
    }

    /// One call of the service; its error's name when it refuses.
    fn call(&self, action: &str, body: &Value) -> Result<Result<Value, String>, Error> {
        let body = Zeroizing::new(serde_json::to_vec(body).expect("plain data"));
        let target = format!("{}.{action}", self.service.prefix());
        let headers = signed(&self.credentials, &self.region, self.service.id(), &self.host, &target, &body);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &value[..])).collect();
        let answer =
            self.client.call("POST", "/", &headers, Some(&body)).map_err(|what| self.failed(&what))?;
        let value: Value = answer.json().map_err(|what| self.failed(&what))?;
        if answer.status == 200 {
            return Ok(Ok(value));
        }
        let name = value["__type"].as_str().unwrap_or("an error").rsplit('#').next().unwrap_or_default();
        Ok(Err(name.chars().filter(char::is_ascii_alphanumeric).take(60).collect()))
    }

    fn must(&self, action: &str, body: &Value) -> Result<Value, Error> {
        self.call(action, body)?.map_err(|name| self.failed(&format!("{action} was refused with {name}")))
    }

    fn current(&self) -> Result<Version, Error> {
        let no = || self.failed("it holds no text");
        match self.service {
            Service::SecretsManager => {
                let current = json!({"SecretId": self.name, "VersionStage": "AWSCURRENT"});
                let answer = self.must("GetSecretValue", &current)?;
                let text = answer["SecretString"].as_str().ok_or_else(no)?;
                let id = answer["VersionId"].as_str().ok_or_else(no)?;
                Ok(Version {
                    id: id.to_owned(),
                    kind: String::new(),
                    text: Zeroizing::new(text.to_owned()),
                    encrypted_with: None,
                })
            }
            Service::Parameters => {
                let answer =
                    self.must("GetParameter", &json!({"Name": self.name, "WithDecryption": true}))?;
                let parameter = &answer["Parameter"];
                let text = parameter["Value"].as_str().ok_or_else(no)?;
                let kind = parameter["Type"].as_str().unwrap_or(ENCRYPTED).to_owned();
                Ok(Version {
                    id: parameter["Version"].to_string(),
                    kind,
                    text: Zeroizing::new(text.to_owned()),
                    encrypted_with: None,
                })
            }
        }
    }

    /// The key that a parameter is encrypted with. A change that does not name it takes the account's default one.
    fn key_of_parameter(&self) -> Result<String, Error> {
        let names = parameter_names(&self.name);
        let filter = json!([{"Key": "Name", "Option": "Equals", "Values": names}]);
        let mut body = json!({"ParameterFilters": filter});
        let unknown = |why: &str| {
            self.failed(&format!("the key that it is encrypted with is not known, and without it the new value would get the account's default one: {why}"))
        };
        // Pages may be empty and still not be the last.
        for _ in 0..PAGES {
            let answer = self.call("DescribeParameters", &body)?;
            let answer =
                answer.map_err(|name| unknown(&format!("DescribeParameters was refused with {name}")))?;
            let all = answer["Parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let ours = |found: &&Value| match found["ARN"].as_str() {
                Some(arn) if self.name.starts_with("arn:") => arn == self.name,
                _ => found["Name"].as_str().is_some_and(|name| names.iter().any(|ours| ours == name)),
            };
            if let Some(found) = all.iter().find(ours) {
                let key = found["KeyId"].as_str();
                return key.map(str::to_owned).ok_or_else(|| unknown("DescribeParameters does not show it"));
            }
            match answer["NextToken"].as_str() {
                Some(next) => body["NextToken"] = json!(next),
                None => break,
            }
        }
        Err(unknown("DescribeParameters does not find it"))
    }

    /// Makes `text` the value that counts, in place of the version `on`.
    fn put(&self, text: &str, on: &Version, encrypted_with: Option<&str>) -> Result<(), Error> {
        if self.service == Service::Parameters {
            let mut body = json!({"Name": self.name, "Value": text, "Type": on.kind, "Overwrite": true});
            if let Some(key) = encrypted_with.filter(|_| on.kind == ENCRYPTED) {
                body["KeyId"] = json!(key);
            }
            return self.must("PutParameter", &body).map(|_| ());
        }
        let token = token()?;
        let body = json!({
            "SecretId": self.name, "ClientRequestToken": token, "SecretString": text, "VersionStages": ["AWSPENDING"],
        });
        self.must("PutSecretValue", &body)?;
        let pending = json!({"SecretId": self.name, "VersionId": token, "VersionStage": "AWSPENDING"});
        if self.must("GetSecretValue", &pending)?["SecretString"].as_str() != Some(text) {
            return Err(self.failed("the staged version does not read back"));
        }
        let made = self.make_current(&token, &on.id);
        // A version that is still pending would stop the next rotation of the service's own, whatever became of ours.
        let done = json!({"SecretId": self.name, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token});
        let freed = self.call("UpdateSecretVersionStage", &done).map(|_| ());
        made.and(freed)
    }

    fn make_current(&self, version: &str, instead_of: &str) -> Result<(), Error> {
        let body = json!({
            "SecretId": self.name, "VersionStage": "AWSCURRENT",
            "MoveToVersionId": version, "RemoveFromVersionId": instead_of,
        });
        match self.call("UpdateSecretVersionStage", &body)? {
            Ok(_) => Ok(()),
            Err(name) if name.starts_with("InvalidParameter") => {
                Err(Error::ChangedMeanwhile(self.to_string()))
            }
            Err(name) => Err(self.failed(&format!("UpdateSecretVersionStage was refused with {name}"))),
        }
    }

    /// The secret in a text: all of it, or one key of the object that it is.
    fn value(&self, text: &str) -> Result<Secret, Error> {
        let Some(key) = &self.key else { return Ok(Secret::from(text.to_owned())) };
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| self.failed("it is no JSON object, so it has no keys"))?;
        let value = object.get(key).and_then(Value::as_str);
        value.map(|value| Secret::from(value.to_owned())).ok_or_else(|| self.failed("it has no such key"))
    }

    fn held(&self, old: Version) -> Result<Box<dyn Held>, Error> {
        let value = self.value(&old.text)?;
        let mut facts = Facts { place: self.to_string(), count: 1, old: vec![value], ..Facts::default() };
        facts.part = format!("version {}", old.id);
        facts.risks.push(match self.service {
            Service::SecretsManager => format!(
                "{self} keeps the old value as version {} (AWSPREVIOUS), for everybody who may read the secret.",
                old.id
            ),
            Service::Parameters => format!("The history of {self} keeps the old value as version {}.", old.id),
        });
        facts.warnings.extend(self.client.warning());
        facts.warnings.push(
            "Applications that read the store when they start take the new value when they are restarted."
                .to_owned(),
        );
        Ok(Box::new(HeldAws { target: self.clone(), old, facts }))
    }
}

impl Service {
    fn kind(self) -> &'static str {
        match self {
            Self::SecretsManager => "aws-sm",
            Self::Parameters => "aws-ssm",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Parameters => "ssm",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Parameters => "AmazonSSM",
        }
    }
}

impl fmt::Display for AwsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.kind(), self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "#{key}"))
    }
}

impl Place for AwsTarget {
    fn read(&self) -> Result<Box<dyn Held>, Error> {
        let mut now = self.current()?;
        if self.service == Service::Parameters && now.kind == ENCRYPTED {
            now.encrypted_with = Some(self.key_of_parameter()?);
        }
        self.held(now)
    }

    fn recover(&self, sealed: &[u8]) -> Result<Box<dyn Held>, Error> {
        let bad = || self.failed("what it held cannot be read from the sealed file");
        let Sealed(id, kind, text, encrypted_with) = serde_json::from_slice(sealed).map_err(|_| bad())?;
        self.held(Version { id, kind, text: Zeroizing::new(text), encrypted_with })
    }

    fn variable(&self) -> &str {
        self.key.as_deref().unwrap_or_else(|| self.name.rsplit('/').next().unwrap_or(&self.name))
    }

    fn whole(&self) -> Option<String> {
        Some(format!("{}:{} in {}", self.service.kind(), self.name, self.region))
    }

    fn endpoint(&self) -> Option<String> {
        Some(format!("{} in {}", self.client.base(), self.region))
    }

    fn secrets(&self) -> Vec<Secret> {
        self.credentials.secrets()
    }
}

struct HeldAws {
    target: AwsTarget,
    old: Version,
    facts: Facts,
}

impl fmt::Debug for HeldAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl HeldAws {
    fn put(&self, text: &str, on: &Version) -> Result<(), Error> {
        self.target.put(text, on, self.old.encrypted_with.as_deref())
    }

    fn with(&self, new: &Secret) -> Result<Zeroizing<String>, Error> {
        let value = String::from_utf8_lossy(new.expose()).into_owned();
        let Some(key) = &self.target.key else { return Ok(Zeroizing::new(value)) };
        let bad = |_| self.target.failed("it is no JSON object, so it has no keys");
        let mut object: Map<String, Value> = serde_json::from_str(&self.old.text).map_err(bad)?;
        object.insert(key.clone(), Value::from(value));
        Ok(Zeroizing::new(serde_json::to_string(&object).expect("plain data")))
    }

    fn now(&self, new: &Secret) -> Result<(State, Version), Error> {
        let now = self.target.current()?;
        Ok((State::of(&now.text, &self.old.text, &self.with(new)?), now))
    }
}

impl Held for HeldAws {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn state(&self, new: &Secret) -> Result<State, Error> {
        self.now(new).map(|(state, _)| state)
    }

    fn write(&self, new: &Secret) -> Result<(), Error> {
        match self.now(new)? {
            (State::New, _) => Ok(()),
            (State::Old, on) => self.put(&self.with(new)?, &on),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn restore(&self, new: &Secret, _elsewhere: Option<&Secret>) -> Result<(), Error> {
        match self.now(new)? {
            (State::Old, _) => Ok(()),
            (State::New, on) if self.target.service == Service::SecretsManager => {
                self.target.make_current(&self.old.id, &on.id)
            }
            (State::New, on) => self.put(&self.old.text, &on),
            _ => Err(Error::ChangedMeanwhile(self.facts.place.clone())),
        }
    }

    fn read_back(&self, new: &Secret) -> Result<Option<bool>, Error> {
        Ok(Some(self.state(new)? == State::New))
    }

    fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let Version { id, kind, text, encrypted_with } = &self.old;
        let parts = (id, kind, text.as_str(), encrypted_with);
        Zeroizing::new(serde_json::to_vec(&parts).expect("plain data"))
    }
}

/// The domain of a region; `None` for what is none, since it becomes part of the host that credentials go to.
fn domain(region: &str) -> Option<&'static str> {
    let fine = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_region = !region.is_empty() && region.bytes().all(fine);
    is_region.then_some(if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" })
}

/// What a parameter may be called. An ARN leaves out the slash at the beginning of a name, which one with folders must
/// have and another may.
fn parameter_names(name: &str) -> Vec<String> {
    let bare = if name.starts_with("arn:") { name.split_once(":parameter/") } else { None };
    match bare {
        None => vec![name.to_owned()],
        Some((_, bare)) if bare.contains('/') => vec![format!("/{bare}")],
        Some((_, bare)) => vec![bare.to_owned(), format!("/{bare}")],
    }
}

/// The id of a new version: random, in the form of a UUID.
fn token() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    let hex = hex::encode(bytes);
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, region: &str) -> Result<String, Error> {
        let env = |wanted: &str| match wanted {
            "AWS_REGION" => Some(Secret::from(region.to_owned())),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some(Secret::from("x".to_owned())),
            _ => None,
        };
        let around =
            Surroundings { env: &env, read_command: None, graceful: false, directory: None, state: None };
        AwsTarget::parse("aws-sm", name, &around).unwrap().map(|target| target.host)
    }

    #[test]
    fn a_parameter_is_found_by_its_arn() {
        let arn = |name: &str| format!("arn:aws:ssm:eu-west-1:111122223333:parameter/{name}");
        assert_eq!(parameter_names("/app/x"), ["/app/x"]);
        assert_eq!(parameter_names(&arn("app/x")), ["/app/x"]);
        assert_eq!(parameter_names(&arn("x")), ["x", "/x"]);
    }

    #[test]
    fn credentials_go_to_hosts_of_the_service_only() {
        assert_eq!(host("app/x", "eu-west-1").unwrap(), "secretsmanager.eu-west-1.amazonaws.com");
        assert_eq!(host("app/x", "cn-north-1").unwrap(), "secretsmanager.cn-north-1.amazonaws.com.cn");
        let arn = |region: &str| format!("arn:aws:secretsmanager:{region}:111122223333:secret:x");
        assert_eq!(host(&arn("us-east-2"), "eu-west-1").unwrap(), "secretsmanager.us-east-2.amazonaws.com");
        for bad in ["", "evil.example/", "evil.example#", "evil.example?", "a@evil.example", "EU", "eu west"]
        {
            assert!(matches!(host("app/x", bad), Err(Error::Target)), "{bad}");
            assert!(matches!(host(&arn(bad), "eu-west-1"), Err(Error::Target)), "{bad}");
        }
    }
}
