#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! `options` (every option and its default), `path` (where a session is), `document` (what is in its file, and how long it lives),
//! `lock`, `atomic_write` and `encryption` (how it is read and written), `folder` (all of that for one folder), `marks` (who has
//! taken its place), `io_threads` and `turns` (on which thread, in which order), `store` (the contract), `admin` (what operators
//! need), `sweep` and `bound` (expired sessions, and too many), `error`.

mod admin;
mod atomic_write;
mod bound;
mod document;
#[cfg_attr(not(feature = "encryption"), path = "not_encrypted.rs")]
mod encryption;
mod error;
mod folder;
mod io_threads;
mod listing;
mod lock;
mod marks;
mod options;
mod owner_index;
mod owner_lists;
mod path;
mod probe;
mod quarantine;
mod store;
mod sweep;
mod turns;

#[cfg(feature = "encryption")]
pub use encryption::{Algorithm, EncodeAs, Encryption, Hashing, KeyDerivation};
pub use error::{Action, FileError};
pub use options::{
    DEFAULT_FILE_EXTENSION, DEFAULT_PATH, DEFAULT_REAP_INTERVAL, DEFAULT_THREADS, DEFAULT_TTL, Durability,
    FileOptions, LOCK_LIMIT, RETRY_PAUSE,
};
pub use quarantine::QUARANTINE_FOLDER;
pub use store::FileStore;
