//! Signatures of reports: Ed25519 in minisign's form, so that anybody can check them with the plain tool.
//!
//! The key is this installation's own. Whoever can write the state folder can sign anew, so the public key belongs in
//! other hands before an incident, and a report's signature where others keep it.

use crate::durable::{self, Mode};
use crate::rotate::bounded::{self, CONFIGURATION};
use crate::rotate::{Error, IncidentId};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file of the public key in the state folder.
pub(super) const PUBLIC: &str = "signing.pub";
const SECRET: &str = "signing.key";
/// The line of a signature that minisign itself does not look at.
const UNTRUSTED: &str = "signature of an unleak report";

/// Signs a file of an incident; the signature stands beside it.
pub(super) fn sign(
    path: &Path,
    content: &[u8],
    state: &Path,
    id: &IncidentId,
    head: &str,
) -> Result<(), Error> {
    let failed = |_| Error::Signing(path.to_owned());
    let key = secret_or_new(state)?;
    let key = SecretKeyBox::from_string(&key)
        .and_then(SecretKeyBox::into_unencrypted_secret_key)
        .map_err(failed)?;
    publish(&key, state)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let trusted = format!("incident {id}, {name}, journal {head}");
    let signature =
        minisign::sign(None, &key, Cursor::new(content), Some(&trusted), Some(UNTRUSTED)).map_err(failed)?;
    Ok(durable::write_atomic(&beside(path), signature.into_string().as_bytes(), Mode::Private)?)
}

/// Whether a file is what was signed, and for this incident; why not otherwise.
pub(super) fn check(path: &Path, content: &[u8], key: &PublicKey, id: &IncidentId) -> Result<(), String> {
    let own = beside(path);
    let text = bounded::text(&own, &own, CONFIGURATION).map_err(|error| error.chain())?;
    let signature = SignatureBox::from_string(&text).map_err(|_| "its signature is damaged".to_owned())?;
    minisign::verify(key, &signature, Cursor::new(content), true, false, false)
        .map_err(|_| "it is not what was signed with this key".to_owned())?;
    // A change where verification does not look is a change too.
    let comment_is_ours = signature.untrusted_comment().is_ok_and(|comment| comment == UNTRUSTED);
    if signature.to_string() != *text || !comment_is_ours {
        return Err("its signature's file was changed".to_owned());
    }
    let comment = signature.trusted_comment().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if comment.starts_with(&format!("incident {id}, {name}, ")) {
        Ok(())
    } else {
        Err("its signature is of another file or incident".to_owned())
    }
}

/// Reads a public key.
pub(super) fn public_key(path: &Path) -> Result<PublicKey, Error> {
    let text = bounded::text(path, path, CONFIGURATION)?;
    let bad = |_| Error::Signing(path.to_owned());
    PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key).map_err(bad)
}

/// The name of the signature of a file.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// This installation's key, made on first use; two first uses at once get the same.
fn secret_or_new(state: &Path) -> Result<Zeroizing<String>, Error> {
    let path = state.join(SECRET);
    if !path.exists() {
        let failed = |_| Error::Signing(path.clone());
        let secret = KeyPair::generate_unencrypted_keypair().map_err(failed)?.sk;
        let text = secret.to_box(Some("unleak signing key: keep it secret")).map_err(failed)?.into_string();
        durable::create_whole(&path, Zeroizing::new(text).as_bytes())?;
    }
    bounded::text(&path, &path, CONFIGURATION)
}

/// Puts the key's public half beside it, made from the secret one, so that both always belong together.
fn publish(key: &SecretKey, state: &Path) -> Result<(), Error> {
    let path = state.join(PUBLIC);
    if path.exists() {
        return Ok(());
    }
    let failed = |_| Error::Signing(path.clone());
    let public = PublicKey::from_secret_key(key).and_then(|key| key.to_box()).map_err(failed)?.into_string();
    Ok(durable::write_atomic(&path, public.as_bytes(), Mode::Public)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;

    #[test]
    fn first_rotations_at_once_sign_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let (state, start) = (folder.path(), std::sync::Barrier::new(8));
        let id = IncidentId::from_str("INC-1").unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (id, start) = (&id, &start);
                scope.spawn(move || {
                    start.wait();
                    sign(&state.join(format!("report-{number}")), b"text", state, id, "head").unwrap();
                });
            }
        });
        let key = public_key(&state.join(PUBLIC)).unwrap();
        for number in 0..8 {
            assert_eq!(check(&state.join(format!("report-{number}")), b"text", &key, &id), Ok(()));
        }
    }
}
