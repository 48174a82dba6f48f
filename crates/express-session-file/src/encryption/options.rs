//! The settings of the encryption, named as in kruptein's option object.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::FileError;

/// How files are encrypted. The default is session-file-store's own when only `secret` is given.
///
/// In Node, a `crypto` object *replaces* these defaults: without `use_scrypt` the key is then derived by
/// [`KeyDerivation::PBKDF2`]. Not supported: `use_asn1`, and digests other than SHA-2.
#[derive(Clone)]
pub struct Encryption {
    pub(super) secret: Arc<str>,
    pub(super) algorithm: Algorithm,
    pub(super) hashing: Hashing,
    pub(super) encode_as: EncodeAs,
    pub(super) key_derivation: KeyDerivation,
}

/// A cipher, named as in OpenSSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub(super) key_len: usize,
    pub(super) mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Gcm,
    Cbc,
    Ctr,
}

/// The digest in every HMAC, and in PBKDF2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hashing {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512, kruptein's default.
    #[default]
    Sha512,
}

/// How bytes become text in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeAs {
    /// One code point U+0000..U+00FF per byte, kruptein's default.
    #[default]
    Binary,
    /// Lower-case hexadecimal.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// How the key comes from the secret and the file's salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// scrypt with cost `2^log_n`, block size `r` and parallelism `p`. Takes `128 * r * 2^log_n` bytes of memory
    /// per derivation.
    Scrypt {
        /// Binary logarithm of N.
        log_n: u8,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// PBKDF2 with the digest of [`Hashing`].
    Pbkdf2 {
        /// Rounds.
        iterations: u32,
    },
}

impl KeyDerivation {
    /// Node's scrypt: N 16384, r 8, p 1. Some 50 ms and 16 MiB per derivation.
    pub const SCRYPT: Self = Self::Scrypt { log_n: 14, r: 8, p: 1 };
    /// kruptein's choice where `use_scrypt` is not set: 15 000 rounds.
    pub const PBKDF2: Self = Self::Pbkdf2 { iterations: 15_000 };
}

impl Algorithm {
    /// The default.
    pub const AES_256_GCM: Self = Self { key_len: 32, mode: Mode::Gcm };
    /// `aes-192-gcm`
    pub const AES_192_GCM: Self = Self { key_len: 24, mode: Mode::Gcm };
    /// `aes-128-gcm`
    pub const AES_128_GCM: Self = Self { key_len: 16, mode: Mode::Gcm };
    /// `aes-256-cbc`
    pub const AES_256_CBC: Self = Self { key_len: 32, mode: Mode::Cbc };
    /// `aes-192-cbc`
    pub const AES_192_CBC: Self = Self { key_len: 24, mode: Mode::Cbc };
    /// `aes-128-cbc`
    pub const AES_128_CBC: Self = Self { key_len: 16, mode: Mode::Cbc };
    /// `aes-256-ctr`
    pub const AES_256_CTR: Self = Self { key_len: 32, mode: Mode::Ctr };
    /// `aes-192-ctr`
    pub const AES_192_CTR: Self = Self { key_len: 24, mode: Mode::Ctr };
    /// `aes-128-ctr`
    pub const AES_128_CTR: Self = Self { key_len: 16, mode: Mode::Ctr };
}

impl Mode {
    /// The length of the initialisation vectors that kruptein makes, in bytes.
    pub(super) const fn iv_len(self) -> usize {
        match self {
            Self::Gcm => 12,
            Self::Cbc | Self::Ctr => 16,
        }
    }

    /// Whether the cipher itself notices changes; for all of them the HMAC does.
    pub(super) const fn is_authenticated(self) -> bool {
        matches!(self, Self::Gcm)
    }
}

impl Encryption {
    /// AES-256-GCM with a key from scrypt, HMAC-SHA512: what session-file-store does with `{ secret }`.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into().into(),
            algorithm: Algorithm::AES_256_GCM,
            hashing: Hashing::default(),
            encode_as: EncodeAs::default(),
            key_derivation: KeyDerivation::SCRYPT,
        }
    }

    /// The cipher. Default: [`Algorithm::AES_256_GCM`].
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The digest. Default: [`Hashing::Sha512`].
    #[must_use]
    pub fn hashing(mut self, hashing: Hashing) -> Self {
        self.hashing = hashing;
        self
    }

    /// How bytes become text. Default: [`EncodeAs::Binary`].
    #[must_use]
    pub fn encode_as(mut self, encode_as: EncodeAs) -> Self {
        self.encode_as = encode_as;
        self
    }

    /// How the key is derived. Default: [`KeyDerivation::SCRYPT`].
    #[must_use]
    pub fn key_derivation(mut self, key_derivation: KeyDerivation) -> Self {
        self.key_derivation = key_derivation;
        self
    }

    pub(super) fn check(&self) -> Result<(), FileError> {
        if self.secret.is_empty() {
            return Err(FileError::EmptySecret);
        }
        match self.key_derivation {
            KeyDerivation::Scrypt { log_n, r, p } => {
                scrypt::Params::new(log_n, r, p).map(|_| ()).map_err(|_| FileError::KeyDerivation)
            }
            KeyDerivation::Pbkdf2 { iterations: 0 } => Err(FileError::KeyDerivation),
            KeyDerivation::Pbkdf2 { .. } => Ok(()),
        }
    }
}

impl fmt::Debug for Encryption {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryption")
            .field("algorithm", &self.algorithm)
            .field("hashing", &self.hashing)
            .field("encode_as", &self.encode_as)
            .field("key_derivation", &self.key_derivation)
            .finish_non_exhaustive()
    }
}

impl EncodeAs {
    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Binary => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Hex => bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect(),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }

    /// `None` if the text is not of this form.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Binary => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Hex => {
                let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let digits: Vec<u8> = text.chars().map(digit).collect::<Option<_>>()?;
                let pairs = digits.as_chunks::<2>();
                pairs.1.is_empty().then(|| pairs.0.iter().map(|[high, low]| high << 4 | low).collect())
            }
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_every_text_form() {
        let bytes: Vec<u8> = (0..=255).collect();
        for form in [EncodeAs::Binary, EncodeAs::Hex, EncodeAs::Base64] {
            assert_eq!(form.decode(&form.encode(&bytes)), Some(bytes.clone()));
        }
        assert_eq!(EncodeAs::Binary.decode("\u{100}"), None);
        assert_eq!(EncodeAs::Hex.decode("abc"), None);
        assert_eq!(EncodeAs::Hex.decode("zz"), None);
    }

    #[test]
    fn impossible_settings_are_refused() {
        assert!(matches!(Encryption::new("").check(), Err(FileError::EmptySecret)));
        let derivations =
            [KeyDerivation::Pbkdf2 { iterations: 0 }, KeyDerivation::Scrypt { log_n: 14, r: 0, p: 1 }];
        for derivation in derivations {
            let encryption = Encryption::new("s").key_derivation(derivation);
            assert!(matches!(encryption.check(), Err(FileError::KeyDerivation)));
        }
    }
}
