//! In the place of `encryption` when the crate is built without that feature: there is no cipher, and none can be asked for.

use crate::error::FileError;

/// Cannot be made.
#[derive(Clone, Debug)]
pub(crate) enum Encryption {}

/// Cannot be made.
#[derive(Debug)]
pub(crate) enum Cipher {}

/// What a cipher that there is not does not open.
#[derive(Debug)]
pub(crate) struct Undecryptable;

impl Cipher {
    #[allow(clippy::needless_pass_by_value, reason = "as the cipher's own")]
    pub(crate) fn new(options: Encryption) -> Result<Self, FileError> {
        match options {}
    }

    pub(crate) fn encrypt(&self, _json: &str) -> Result<Vec<u8>, FileError> {
        match *self {}
    }

    pub(crate) fn decrypt(&self, _file: &[u8]) -> Result<String, Undecryptable> {
        match *self {}
    }
}
