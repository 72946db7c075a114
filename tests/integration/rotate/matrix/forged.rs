//! Rails and Laravel do not install here: a server of ours makes and reads their cookies by the construction that their
//! documentation and source describe, with the cryptography of Node.js, which shares no line with ours.

use super::app::{App, Kind, Login};
use super::ends_with_the_secret;

#[test]
fn rails_cookies_end_with_the_secret() {
    for form in ["rails", "rails-older", "rails-signed"] {
        let settings = vec![("FORM", form.to_owned())];
        let login = Login::Form;
        let app = App::start(Kind { fixture: "cookie-forms", variable: "SECRET_KEY_BASE", settings, login });
        ends_with_the_secret(&app, form.strip_suffix("-older").unwrap_or(form));
    }
}

#[test]
fn laravel_cookies_end_with_the_key() {
    let settings = vec![("FORM", "laravel".to_owned())];
    let app = App::start(Kind { fixture: "cookie-forms", variable: "APP_KEY", settings, login: Login::Form });
    ends_with_the_secret(&app, "laravel");
}
