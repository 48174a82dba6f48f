//! Where the cookie is signed: `s:<id>.<base64 HMAC-SHA256 of the id, no padding>`.
//!
//! Source: cookie-signature 1.0.7 `index.js` (sign, unsign); express-session `index.js` (setcookie, unsigncookie).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use memchr::memchr2;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::options::secret_strength::is_guessable;

/// What a signed cookie value starts with, before it is percent-encoded.
pub(crate) const SIGNED_PREFIX: &str = "s:";

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
    is_guessable: bool,
}

/// The list of secrets is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at least one secret is required to sign session cookies")]
pub struct NoSecretError;

/// A value whose signature was verified.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    /// The value in front of the signature.
    pub value: &'a str,
    /// Which secret matched; above 0, the cookie was signed with a retired one.
    pub secret: usize,
    pub(crate) signature: Signature,
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// The text of a signature.
#[derive(Clone, Copy)]
pub(crate) struct Signature([u8; SIGNATURE_LEN]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

impl Signature {
    pub(crate) fn as_str(&self) -> &str {
        // Base64 is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether `text` is this signature; takes the same time for every text of its length.
    fn is(&self, text: &str) -> bool {
        /// Compared eight bytes at a time.
        fn words(text: &[u8; SIGNATURE_LEN]) -> [u64; SIGNATURE_LEN.div_ceil(8)] {
            let mut padded = [[0; 8]; SIGNATURE_LEN.div_ceil(8)];
            padded.as_flattened_mut()[..SIGNATURE_LEN].copy_from_slice(text);
            padded.map(u64::from_ne_bytes)
        }
        let text: Option<&[u8; SIGNATURE_LEN]> = text.as_bytes().try_into().ok();
        text.is_some_and(|text| words(&self.0).as_slice().ct_eq(&words(text)).into())
    }
}

impl Secrets {
    /// Takes the secrets in order. Text is used as UTF-8, bytes as they are (Node: a string or a Buffer).
    ///
    /// Strength is not judged here; [`OptionsBuilder::build`](crate::OptionsBuilder::build) refuses weak ones.
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
        format!("{value}.{}", self.signature(value).as_str())
    }

    /// The signature of a value by the first secret.
    pub(crate) fn signature(&self, value: &str) -> Signature {
        // `new` refuses an empty list and `build` refuses options without one, so there is a first key.
        self.keys.first().map_or(Signature([b'A'; SIGNATURE_LEN]), |key| key.signature(value))
    }

    /// The value in front of the last dot, if the text behind it is its signature under any of the secrets.
    ///
    /// The signature's text is recomputed and compared in constant time, so padding, another alphabet or
    /// surrounding blanks never verify.
    pub fn unsign<'a>(&self, signed: &'a str) -> Option<Verified<'a>> {
        let (value, signature) = split_signed(signed)?;
        self.verify(value, signature)
    }

    /// As [`unsign`](Self::unsign), once value and signature are told apart.
    pub(crate) fn verify<'a>(&self, value: &'a str, text: &str) -> Option<Verified<'a>> {
        self.keys.iter().enumerate().find_map(|(secret, key)| {
            let signature = key.signature(value);
            signature.is(text).then_some(Verified { value, secret, signature })
        })
    }

    /// The cookie value on the wire: `encodeURIComponent("s:" + sign(value))`.
    pub fn cookie_value(&self, value: &str) -> String {
        let mut out = String::with_capacity(value.len() + SIGNATURE_LEN + 16);
        write_cookie_value(value, &self.signature(value), &mut out);
        out
    }

    /// The position and length in bytes of the shortest secret.
    pub(crate) fn shortest(&self) -> (usize, usize) {
        let lengths = self.keys.iter().map(|key| key.len).enumerate();
        lengths.min_by_key(|(_, len)| *len).unwrap_or((0, 0))
    }

    /// The position of the first secret that could be guessed.
    pub(crate) fn first_guessable(&self) -> Option<usize> {
        self.keys.iter().position(|key| key.is_guessable)
    }
}

/// The value and the text behind the last dot, if that is as long as a signature.
pub(crate) fn split_signed(signed: &str) -> Option<(&str, &str)> {
    let (value, rest) = signed.split_at_checked(signed.len().checked_sub(SIGNATURE_LEN + 1)?)?;
    // A signature has no dot, so this is the last one if what follows is a signature.
    Some((value, rest.strip_prefix('.')?))
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
        Self { keyed, len: secret.len(), is_guessable: is_guessable(secret) }
    }

    /// The base64 text of the HMAC of `value`.
    fn signature(&self, value: &str) -> Signature {
        let mut mac = self.keyed.clone();
        mac.update(value.as_bytes());
        let mut text = [0; SIGNATURE_LEN];
        #[allow(clippy::expect_used, reason = "SIGNATURE_LEN is the length of 32 bytes in base64")]
        STANDARD_NO_PAD.encode_slice(mac.finalize().into_bytes(), &mut text).expect("32 bytes fit");
        Signature(text)
    }
}

/// The cookie value on the wire, of a value whose signature is known.
pub(crate) fn write_cookie_value(value: &str, signature: &Signature, out: &mut String) {
    out.push_str("s%3A");
    let needs_no_escape = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_');
    // Ids of our own; without a branch for every byte.
    if value.bytes().fold(true, |all, byte| all & needs_no_escape(byte)) {
        out.push_str(value);
    } else {
        out.extend(utf8_percent_encode(value, ENCODE_URI_COMPONENT));
    }
    out.push('.');
    let mut rest = signature.as_str();
    while let Some(at) = memchr2(b'+', b'/', rest.as_bytes()) {
        let (plain, escaped) = rest.split_at(at);
        out.push_str(plain);
        out.push_str(if escaped.starts_with('+') { "%2B" } else { "%2F" });
        rest = escaped.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
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
        let signed = old.sign("id");
        let verified = both.unsign(&signed).unwrap();
        assert_eq!((verified.value, verified.secret), ("id", 1));
        assert!(old.unsign(&both.sign("id")).is_none());
    }

    #[test]
    fn debug_does_not_leak_the_secret_or_the_value() {
        let secrets = Secrets::new(["hunter2"]).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(1 of them)");
        let signed = secrets.sign("my-id");
        let verified = secrets.unsign(&signed).unwrap();
        assert_eq!(format!("{verified:?}"), "Verified { secret: 0, .. }");
        assert_eq!(format!("{:?}", verified.signature), "Signature(..)");
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(Secrets::new(Vec::<String>::new()).unwrap_err(), NoSecretError);
    }
}
