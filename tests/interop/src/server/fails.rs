//! What the store is to fail at; `watched` in `node/lab/notes.js` is the same.

use std::sync::{Arc, Mutex, PoisonError};

use express_session_core::StoreError;

use crate::script::Verb;

/// What fails at present.
#[derive(Clone, Debug, Default)]
pub(super) struct Fails(Arc<Mutex<Option<Verb>>>);

impl Fails {
    pub(super) fn set(&self, verb: Option<Verb>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = verb;
    }

    pub(super) fn verb(&self) -> Option<Verb> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check(&self, verb: Verb) -> Result<(), StoreError> {
        if self.verb() == Some(verb) { Err(StoreError::Backend("as asked for".into())) } else { Ok(()) }
    }
}
