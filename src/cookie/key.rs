//! What cookies of one form are opened with: a secret, and what takes long to derive from it, once.

use super::parts::Contents;
use super::{Form, authjs, django, express, flask, laravel, rails};
use crate::secret::Secret;
use percent_encoding::percent_decode_str;
use std::fmt;
use zeroize::Zeroizing;

/// A secret, ready to open the cookies of one form.
pub struct FormKey {
    form: Form,
    material: Material,
}

/// What a form needs.
enum Material {
    Secret(Secret),
    Encrypted(Box<rails::Keys<32>>),
    Signed(Box<rails::Keys<64>>),
}

impl fmt::Debug for FormKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormKey").field("form", &self.form).finish_non_exhaustive()
    }
}

impl FormKey {
    /// Derives what takes long.
    pub fn new(form: Form, secret: &Secret) -> Self {
        let material = match form {
            Form::Rails => Material::Encrypted(Box::new(rails::keys(secret.expose()))),
            Form::RailsSigned => Material::Signed(Box::new(rails::keys_signed(secret.expose()))),
            _ => Material::Secret(secret.clone()),
        };
        Self { form, material }
    }

    /// The form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What a cookie says, if the secret made it. Its value is as it was sent.
    pub fn open(&self, name: &str, value: &str) -> Option<Contents> {
        let decoded = Zeroizing::new(if self.form.is_encoded() {
            percent_decode_str(value).decode_utf8().ok()?.into_owned()
        } else {
            value.to_owned()
        });
        match &self.material {
            Material::Encrypted(keys) => rails::open(keys, &decoded),
            Material::Signed(keys) => rails::open_signed(keys, &decoded),
            Material::Secret(secret) => self.by_secret(secret.expose(), name, &decoded),
        }
    }

    fn by_secret(&self, secret: &[u8], name: &str, value: &str) -> Option<Contents> {
        match self.form {
            Form::Express => express::open(secret, value),
            Form::Authjs => authjs::open(secret, name, value),
            Form::Nextauth => authjs::open_v4(secret, value),
            Form::Django => django::open(secret, value),
            Form::Flask => flask::open(secret, value),
            Form::Laravel => laravel::open(secret, name, value),
            // Their keys are derived.
            Form::Rails | Form::RailsSigned => None,
        }
    }
}
