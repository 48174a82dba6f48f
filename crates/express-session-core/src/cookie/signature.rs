//! Where the cookie is signed: `s:<id>.<base64 HMAC-SHA256 of the id, no padding>`.
//!
//! Source: cookie-signature 1.0.7 `index.js` (sign, unsign); express-session `index.js` (setcookie, unsigncookie).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// What a signed cookie value starts with, before it is percent-encoded.
pub const SIGNED_PREFIX: &str = "s:";

/// What JavaScript's `encodeURIComponent` escapes: everything but `A-Z a-z 0-9 - _ . ! ~ * ' ( )`.
const ENCODE_URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The length of a signature: 32 bytes in base64 without padding.
const SIGNATURE_LEN: usize = 43;

/// The secrets that sign cookies: the first signs, all verify.
///
/// Put a new secret in front and keep the old one behind it until its cookies have died out.
/// `Debug` shows only how many there are.
#[derive(Clone)]
pub struct Secrets {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    /// HMAC state with the key already mixed in: a signature then costs two hash blocks, not four.
    keyed: Hmac<Sha256>,
    len: usize,
}

/// The list of secrets is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at least one secret is required to sign session cookies")]
pub struct NoSecretError;

/// A value whose signature was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    /// The value in front of the signature.
    pub value: String,
    /// Which secret matched; above 0, the cookie was signed with a retired one.
    pub secret: usize,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Takes the secrets in order. Text is used as UTF-8, bytes as they are (Node: a string or a Buffer).
    ///
    /// Length is not judged here; [`OptionsBuilder::build`](crate::OptionsBuilder::build) refuses short ones.
    ///
    /// # Errors
    ///
    /// [`NoSecretError`] if there is none.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, NoSecretError> {
        let keys: Vec<Key> = secrets.into_iter().map(|secret| Key::new(secret.as_ref())).collect();
        if keys.is_empty() { Err(NoSecretError) } else { Ok(Self { keys }) }
    }

    /// No secret at all, for options that will be refused.
    pub(crate) const fn none() -> Self {
        Self { keys: Vec::new() }
    }

    /// `<value>.<signature>`, signed with the first secret.
    pub fn sign(&self, value: &str) -> String {
        // `new` refuses an empty list and `build` refuses options without one, so there is a first key.
        self.keys.first().map_or_else(String::new, |key| key.sign(value))
    }

    /// The value in front of the last dot, if the text behind it is its signature under any of the secrets.
    ///
    /// The signature's text is recomputed and compared in constant time, so padding, another alphabet or
    /// surrounding blanks never verify.
    pub fn unsign(&self, signed: &str) -> Option<Verified> {
        let (value, signature) = signed.rsplit_once('.')?;
        self.keys
            .iter()
            .position(|key| bool::from(key.signature(value).as_slice().ct_eq(signature.as_bytes())))
            .map(|secret| Verified { value: value.to_owned(), secret })
    }

    /// The cookie value on the wire: `encodeURIComponent("s:" + sign(value))`.
    pub fn cookie_value(&self, value: &str) -> String {
        let signed = self.sign(value);
        let mut out = String::with_capacity(signed.len() + 16);
        out.extend(utf8_percent_encode(SIGNED_PREFIX, ENCODE_URI_COMPONENT));
        out.extend(utf8_percent_encode(&signed, ENCODE_URI_COMPONENT));
        out
    }

    /// The position and length in bytes of the shortest secret.
    pub(crate) fn shortest(&self) -> (usize, usize) {
        let lengths = self.keys.iter().map(|key| key.len).enumerate();
        lengths.min_by_key(|(_, len)| *len).unwrap_or((0, 0))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} of them)", self.keys.len())
    }
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        #[allow(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
        let keyed = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { keyed, len: secret.len() }
    }

    /// The base64 text of the HMAC of `value`.
    fn signature(&self, value: &str) -> [u8; SIGNATURE_LEN] {
        let mut mac = self.keyed.clone();
        mac.update(value.as_bytes());
        let mut text = [0; SIGNATURE_LEN];
        #[allow(clippy::expect_used, reason = "SIGNATURE_LEN is the length of 32 bytes in base64")]
        STANDARD_NO_PAD.encode_slice(mac.finalize().into_bytes(), &mut text).expect("32 bytes fit");
        text
    }

    fn sign(&self, value: &str) -> String {
        let mut signed = String::with_capacity(value.len() + 1 + SIGNATURE_LEN);
        signed.push_str(value);
        signed.push('.');
        signed.extend(self.signature(value).map(char::from));
        signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: cookie-signature `test/index.js`; recomputed with openssl.
    #[test]
    fn known_answer() {
        let secrets = Secrets::new(["tobiiscool"]).unwrap();
        let signed = "hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI";
        assert_eq!(secrets.sign("hello"), signed);
        assert_eq!(secrets.unsign(signed).unwrap().value, "hello");
    }

    #[test]
    fn the_first_secret_signs_and_all_verify() {
        let old = Secrets::new(["old"]).unwrap();
        let both = Secrets::new(["new", "old"]).unwrap();
        assert_eq!(both.sign("id"), Secrets::new(["new"]).unwrap().sign("id"));
        assert_eq!(both.unsign(&old.sign("id")), Some(Verified { value: "id".into(), secret: 1 }));
        assert_eq!(old.unsign(&both.sign("id")), None);
    }

    #[test]
    fn debug_does_not_leak_the_secret_or_the_value() {
        let secrets = Secrets::new(["hunter2"]).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(1 of them)");
        let verified = secrets.unsign(&secrets.sign("my-id")).unwrap();
        assert!(!format!("{verified:?}").contains("my-id"));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(Secrets::new(Vec::<String>::new()).unwrap_err(), NoSecretError);
    }
}
