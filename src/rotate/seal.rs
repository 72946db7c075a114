//! The old bytes of the target while a rotation runs: encrypted, so that a crash leaves a way back and no `.env.bak`.
//!
//! The key is a file of the state folder. The sealed file goes away as soon as nobody needs the way back.

use super::Error;
use super::bounded::{self, CONFIGURATION, RECORD};
use crate::durable::{self, Mode};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::TryRng as _;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

const NONCE: usize = 24;

/// Encrypts the bytes into a new file, bound to the incident.
pub(super) fn seal(path: &Path, key_file: &Path, incident: &str, bytes: &[u8]) -> Result<(), Error> {
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&*key_or_new(key_file)?));
    let nonce = random::<NONCE>()?;
    let sealed = cipher
        .encrypt(XNonce::from_slice(&*nonce), Payload { msg: bytes, aad: incident.as_bytes() })
        .map_err(|_| Error::Seal(path.to_owned()))?;
    Ok(durable::write_atomic(path, &[&nonce[..], &sealed].concat(), Mode::Private)?)
}

/// Decrypts what [`seal`] wrote.
pub(super) fn unseal(path: &Path, key_file: &Path, incident: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let sealed = bounded::read(path, path, RECORD)?;
    let cipher = XChaCha20Poly1305::new(Key::from_slice(&*key(key_file)?));
    let (nonce, msg) = sealed.split_at_checked(NONCE).ok_or_else(|| Error::Seal(path.to_owned()))?;
    cipher
        .decrypt(XNonce::from_slice(nonce), Payload { msg, aad: incident.as_bytes() })
        .map(Zeroizing::new)
        .map_err(|_| Error::Seal(path.to_owned()))
}

/// Removes the sealed file; one that is gone already is fine.
pub(super) fn discard(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Read { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// The key of this installation, made on first use; two first uses at once get the same.
fn key_or_new(path: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    if !path.exists() {
        let text = Zeroizing::new(hex::encode(&random::<32>()?[..]));
        durable::create_whole(path, text.as_bytes())?;
    }
    key(path)
}

/// The key that sealed something: a new one in its place would only hide that it is gone.
fn key(path: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let text = bounded::read(path, path, CONFIGURATION)?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), &mut *key).map_err(|_| Error::Seal(path.to_owned()))?;
    Ok(key)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::rngs::SysRng.try_fill_bytes(&mut *bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_uses_at_once_get_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let (path, start) = (folder.path().join("undo.key"), std::sync::Barrier::new(8));
        let keys: Vec<_> = std::thread::scope(|scope| {
            let first = || {
                start.wait();
                *key_or_new(&path).unwrap()
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(first)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|one| *one == keys[0]));
    }

    #[test]
    fn only_the_same_key_and_incident_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let [file, key, other] =
            ["undo.sealed", "undo.key", "other.key"].map(|name| folder.path().join(name));
        seal(&file, &key, "INC-1", b"S=old\n").unwrap();
        assert!(!std::fs::read(&file).unwrap().windows(3).any(|part| part == b"old"));
        assert_eq!(*unseal(&file, &key, "INC-1").unwrap(), b"S=old\n");
        assert!(unseal(&file, &key, "INC-2").is_err());
        assert!(unseal(&file, &other, "INC-1").is_err());
        discard(&file).unwrap();
        discard(&file).unwrap();
    }
}
