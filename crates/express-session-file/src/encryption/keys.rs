//! Derived keys: slow to make by intention, so kept for as long as they are needed.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use sha2::{Sha256, Sha384, Sha512};

use super::options::{Encryption, Hashing, KeyDerivation};
use super::random;

/// How many keys of other writers' files are kept: some 300 bytes each.
const KEPT: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not zero");
/// The length of the salts that kruptein makes, in bytes.
const SALT_LEN: usize = 128;
/// How many files are written with one salt. Far below the 2^32 messages that random 96-bit nonces allow.
const WRITES_PER_SALT: u32 = 1 << 20;

/// A key for one salt.
#[derive(Clone)]
pub(super) struct Key(Arc<[u8]>);

impl Key {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Derives keys and remembers them.
#[derive(Debug)]
pub(super) struct Keys {
    options: Encryption,
    /// The salt and key new files are written with, and how many have been.
    writing: Mutex<Option<Writing>>,
    /// The keys of files that were read, least recently used last.
    read: Mutex<LruCache<Box<[u8]>, Key>>,
}

#[derive(Debug)]
struct Writing {
    salt: Arc<[u8]>,
    key: Key,
    left: u32,
}

impl Keys {
    pub(super) fn new(options: Encryption) -> Self {
        Self { options, writing: Mutex::new(None), read: Mutex::new(LruCache::new(KEPT)) }
    }

    /// A salt and its key for the next file.
    ///
    /// DIFFERENCE: Node takes a new salt for every write, and so spends 50 ms on every write and read. Ours is
    /// used for 2^20 writes of this process. Nothing is given away by that: all files are protected by the one
    /// secret anyway, and each has an initialisation vector of its own.
    pub(super) fn for_writing(&self) -> (Arc<[u8]>, Key) {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = writing.as_mut().filter(|current| current.left > 0) {
            current.left -= 1;
            return (Arc::clone(&current.salt), current.key.clone());
        }
        let salt: Arc<[u8]> = random(SALT_LEN).into();
        let key = self.derive(&salt);
        self.remember(&salt, &key);
        *writing = Some(Writing { salt: Arc::clone(&salt), key: key.clone(), left: WRITES_PER_SALT - 1 });
        (salt, key)
    }

    /// The key for a file with this salt.
    pub(super) fn for_reading(&self, salt: &[u8]) -> Key {
        if let Some(key) = self.lock_read().get(salt) {
            return key.clone();
        }
        // Not under the lock: the others need not wait for these 50 ms.
        let key = self.derive(salt);
        self.remember(salt, &key);
        key
    }

    fn remember(&self, salt: &[u8], key: &Key) {
        self.lock_read().put(salt.into(), key.clone());
    }

    fn lock_read(&self) -> std::sync::MutexGuard<'_, LruCache<Box<[u8]>, Key>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn derive(&self, salt: &[u8]) -> Key {
        let secret = self.options.secret.as_bytes();
        let mut key = vec![0; self.options.algorithm.key_len];
        match self.options.key_derivation {
            KeyDerivation::Scrypt { log_n, r, p } => {
                #[allow(clippy::expect_used, reason = "`Encryption::check` has tried these parameters")]
                let params = scrypt::Params::new(log_n, r, p).expect("checked parameters");
                #[allow(clippy::expect_used, reason = "a key of 16 to 32 bytes is never too long")]
                scrypt::scrypt(secret, salt, &params, &mut key).expect("a possible key length");
            }
            KeyDerivation::Pbkdf2 { iterations } => match self.options.hashing {
                Hashing::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, iterations, &mut key),
                Hashing::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(secret, salt, iterations, &mut key),
                Hashing::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(secret, salt, iterations, &mut key),
            },
        }
        Key(key.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(Encryption::new("secret").key_derivation(KeyDerivation::Pbkdf2 { iterations: 1 }))
    }

    #[test]
    fn a_salt_is_used_for_many_writes_and_then_replaced() {
        let keys = keys();
        let (first, key) = keys.for_writing();
        assert_eq!(keys.for_writing().0, first);
        assert_eq!(keys.for_reading(&first).bytes(), key.bytes());
        keys.writing.lock().unwrap().as_mut().unwrap().left = 0;
        assert_ne!(keys.for_writing().0, first);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let keys = keys();
        for number in 0..2000_u32 {
            keys.for_reading(&number.to_be_bytes());
        }
        assert_eq!(keys.lock_read().len(), KEPT.get());
    }
}
