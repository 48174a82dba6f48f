//! Encryption at rest in the format of kruptein 2, which session-file-store's `secret` option uses.
//!
//! ```text
//! key  = scrypt(secret, salt, N=16384, r=8, p=1)          (or PBKDF2)
//! P    = the session's JSON, written once more as a JSON string
//! aad  = HMAC(random, P);  (C, at) = AES-256-GCM(key, iv, aad, P)
//! hmac = HMAC(key, text of C)
//! file = {"hmac":…,"ct":…,"iv":…,"salt":…,"aad":…,"at":…}   (see `envelope`)
//! ```
//!
//! The scheme is session-file-store's, not one we would choose: nothing in it ties a file to its id.
//! Source: `tests/vectors/SPEC.md` §8, `tests/vectors/file.json`.

mod aes;
mod envelope;
mod keys;
mod options;

use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

pub use options::{Algorithm, EncodeAs, Encryption, Hashing, KeyDerivation};

use crate::error::FileError;
use envelope::Envelope;
use keys::{Key, Keys};

/// Encrypts and decrypts files with one secret.
#[derive(Debug)]
pub(crate) struct Cipher {
    options: Encryption,
    keys: Keys,
}

/// The file does not open: wrong secret, damaged, or not one of ours. Which of them is not told apart, so
/// that nothing can be learned from it.
#[derive(Debug)]
pub(crate) struct Undecryptable;

impl Cipher {
    pub(crate) fn new(options: Encryption) -> Result<Self, FileError> {
        options.check()?;
        Ok(Self { keys: Keys::new(options.clone()), options })
    }

    /// The file for a session's JSON.
    pub(crate) fn encrypt(&self, json: &str) -> Result<Vec<u8>, FileError> {
        let plaintext = Value::from(json).to_string().into_bytes();
        let (salt, key) = self.keys.for_writing();
        let Algorithm { mode, .. } = self.options.algorithm;
        let iv: Vec<u8> = random(mode.iv_len());
        let aad = mode.is_authenticated().then(|| mac(self.options.hashing, &random(128), &plaintext));
        let (ciphertext, tag) =
            aes::encrypt(self.options.algorithm, key.bytes(), &iv, aad.as_deref(), plaintext)
                .ok_or(FileError::Encrypt)?;
        let text = self.options.encode_as.encode(&ciphertext);
        let hmac = mac(self.options.hashing, key.bytes(), text.as_bytes());
        let envelope = Envelope { hmac, ciphertext: text, iv, salt: salt.to_vec(), aad, tag };
        Ok(envelope.encode(self.options.encode_as))
    }

    /// The session's JSON in a file.
    pub(crate) fn decrypt(&self, file: &[u8]) -> Result<String, Undecryptable> {
        let envelope = Envelope::decode(file, self.options.encode_as).ok_or(Undecryptable)?;
        let key = self.keys.for_reading(&envelope.salt);
        if !is_mac(self.options.hashing, key.bytes(), envelope.ciphertext.as_bytes(), &envelope.hmac) {
            return Err(Undecryptable);
        }
        let plaintext = self.open(&key, &envelope).ok_or(Undecryptable)?;
        // Decoded once here and once more by the record: a JSON text inside a JSON string.
        serde_json::from_slice(&plaintext).map_err(|_| Undecryptable)
    }

    fn open(&self, key: &Key, envelope: &Envelope) -> Option<Vec<u8>> {
        let ciphertext = self.options.encode_as.decode(&envelope.ciphertext)?;
        let aad = envelope.aad.as_deref().filter(|aad| !aad.is_empty());
        aes::decrypt(
            self.options.algorithm,
            key.bytes(),
            &envelope.iv,
            aad,
            ciphertext,
            envelope.tag.as_deref(),
        )
    }
}

/// Random bytes from the operating system.
fn random(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    #[allow(clippy::expect_used, reason = "without randomness nothing safe can be done")]
    getrandom::fill(&mut bytes).expect("the operating system provides randomness");
    bytes
}

fn keyed<M: hmac::KeyInit>(key: &[u8]) -> M {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    M::new_from_slice(key).expect("any length is a key")
}

fn mac(hashing: Hashing, key: &[u8], message: &[u8]) -> Vec<u8> {
    match hashing {
        Hashing::Sha256 => keyed::<Hmac<Sha256>>(key).chain_update(message).finalize().into_bytes().to_vec(),
        Hashing::Sha384 => keyed::<Hmac<Sha384>>(key).chain_update(message).finalize().into_bytes().to_vec(),
        Hashing::Sha512 => keyed::<Hmac<Sha512>>(key).chain_update(message).finalize().into_bytes().to_vec(),
    }
}

/// Compares in constant time.
fn is_mac(hashing: Hashing, key: &[u8], message: &[u8], expected: &[u8]) -> bool {
    match hashing {
        Hashing::Sha256 => keyed::<Hmac<Sha256>>(key).chain_update(message).verify_slice(expected).is_ok(),
        Hashing::Sha384 => keyed::<Hmac<Sha384>>(key).chain_update(message).verify_slice(expected).is_ok(),
        Hashing::Sha512 => keyed::<Hmac<Sha512>>(key).chain_update(message).verify_slice(expected).is_ok(),
    }
}
