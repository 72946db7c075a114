//! As much of a browser as it takes to be logged in: the cookies that answers set.

use std::collections::BTreeMap;
use std::time::Duration;

/// The cookies of one user.
#[derive(Clone, Default)]
pub(crate) struct Cookies(pub(crate) BTreeMap<String, String>);

impl Cookies {
    /// The header that sends them.
    pub(crate) fn header(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// The status of a page; none while nobody answers.
    pub(crate) fn get(&self, url: &str) -> Option<u16> {
        agent().get(url).header("cookie", self.header()).call().ok().map(|answer| answer.status().as_u16())
    }

    /// A page's text; what it sets is kept.
    pub(crate) fn text(&mut self, url: &str) -> String {
        let mut answer = agent().get(url).header("cookie", self.header()).call().unwrap();
        self.keep(answer.headers());
        answer.body_mut().read_to_string().unwrap()
    }

    /// Sends a form and keeps what the answer sets.
    pub(crate) fn post(&mut self, url: &str, form: &str, body: &str) -> u16 {
        let request = agent().post(url).header("cookie", self.header()).header("content-type", form);
        let mut answer = request.send(body).unwrap();
        self.keep(answer.headers());
        // express-session holds the end of the answer back until the session is stored.
        answer.body_mut().read_to_string().unwrap();
        answer.status().as_u16()
    }

    fn keep(&mut self, headers: &ureq::http::HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into()
}
