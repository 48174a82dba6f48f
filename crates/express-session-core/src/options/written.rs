//! Values that a configuration writes in more ways than serde's derived ones.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::cookie::{SameSite, SameSiteOption, Secure};

/// One secret, or several: the first signs, all verify.
///
/// Written as a text or as a list of texts. `Debug` shows how many there are, and nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretSetting(Vec<String>);

impl SecretSetting {
    /// The secrets, in order; for [`Options::new`](crate::Options::new).
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for SecretSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSetting({} secrets)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for SecretSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Secrets;
        impl<'de> Visitor<'de> for Secrets {
            type Value = SecretSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret or a list of secrets")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SecretSetting, E> {
                Ok(SecretSetting(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SecretSetting, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = list.next_element()? {
                    secrets.push(secret);
                }
                Ok(SecretSetting(secrets))
            }
        }
        deserializer.deserialize_any(Secrets)
    }
}

/// `true`, `false` or `"auto"`, as in express-session; the first two also as text, for environments.
impl<'de> Deserialize<'de> for Secure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Secure;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"auto\"")
            }

            fn visit_bool<E: Error>(self, secure: bool) -> Result<Secure, E> {
                Ok(secure.into())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secure, E> {
                match text {
                    "true" => Ok(Secure::Yes),
                    "false" => Ok(Secure::No),
                    "auto" => Ok(Secure::Auto),
                    other => Err(E::unknown_variant(other, &["true", "false", "auto"])),
                }
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// `"strict"`, `"lax"`, `"none"`, `"auto"`, or `"unset"` for no attribute.
impl<'de> Deserialize<'de> for SameSiteOption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "strict" => SameSite::Strict.into(),
            "lax" => SameSite::Lax.into(),
            "none" => SameSite::None.into(),
            "auto" => Self::Auto,
            "unset" => Self::Unset,
            other => {
                return Err(D::Error::unknown_variant(other, &["strict", "lax", "none", "auto", "unset"]));
            }
        })
    }
}
