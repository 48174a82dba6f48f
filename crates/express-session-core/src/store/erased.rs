//! The store, its type erased: handlers and middleware do not see it.
//!
//! A boxed future costs some 300 instructions a call; a type parameter would cost every reader.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{
    Expect, OwnerIndex, SessionStore, SetOutcome, StoreError, Stored, Successor, SupersedeOutcome, TouchHint,
    TouchOutcome,
};
use crate::cookie::Cookie;
use crate::document::Document;
use crate::session_id::SessionId;

pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The object-safe twin of [`SessionStore`].
pub(crate) trait ErasedStore: fmt::Debug + Send + Sync {
    fn get<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<Stored>>;
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> Call<'a, Option<Stored>>;
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
    ) -> Call<'a, SetOutcome>;
    fn set_for<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
        at_most: Duration,
    ) -> Call<'a, SetOutcome>;
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        cookie: &'a Cookie,
    ) -> Call<'a, TouchOutcome>;
    fn destroy<'a>(&'a self, id: &'a SessionId) -> Call<'a, bool>;
    fn supersede<'a>(
        &'a self,
        id: &'a SessionId,
        expect: Expect<'a>,
        by: Successor<'a>,
    ) -> Call<'a, SupersedeOutcome>;
    fn successor<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<SessionId>>;
    fn owner_index(&self) -> Option<&dyn OwnerIndex>;
}

impl<S: SessionStore> ErasedStore for S {
    fn get<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<Stored>> {
        Box::pin(SessionStore::get(self, id))
    }
    fn get_and_touch<'a>(&'a self, id: &'a SessionId, hint: TouchHint<'a>) -> Call<'a, Option<Stored>> {
        Box::pin(SessionStore::get_and_touch(self, id, hint))
    }
    fn set<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
    ) -> Call<'a, SetOutcome> {
        Box::pin(SessionStore::set(self, id, document, expect))
    }
    fn set_for<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        expect: Expect<'a>,
        at_most: Duration,
    ) -> Call<'a, SetOutcome> {
        Box::pin(SessionStore::set_for(self, id, document, expect, at_most))
    }
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        document: &'a Document,
        cookie: &'a Cookie,
    ) -> Call<'a, TouchOutcome> {
        Box::pin(SessionStore::touch(self, id, document, cookie))
    }
    fn destroy<'a>(&'a self, id: &'a SessionId) -> Call<'a, bool> {
        Box::pin(SessionStore::destroy(self, id))
    }
    fn supersede<'a>(
        &'a self,
        id: &'a SessionId,
        expect: Expect<'a>,
        by: Successor<'a>,
    ) -> Call<'a, SupersedeOutcome> {
        Box::pin(SessionStore::supersede(self, id, expect, by))
    }
    fn successor<'a>(&'a self, id: &'a SessionId) -> Call<'a, Option<SessionId>> {
        Box::pin(SessionStore::successor(self, id))
    }
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        SessionStore::owner_index(self)
    }
}
