//! What is known about the session of one request. No I/O: what is to be written goes out, what became of it comes in.

use std::time::Duration;

use super::decision::{Held, Loaded, Standing};
use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::cookie::signature::Signature;
use crate::document::{CREATED_AT_KEY, Changes, Data, DataError, Document};
use crate::error::SessionError;
use crate::options::{OnConflict, Options};
use crate::session_id::SessionId;
use crate::store::{Expect, Life, Revision, Stored, TouchAfter};

/// Where the session is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Nothing is stored for it: it began in this request.
    New { since: UnixMillis },
    /// In the store, under its id.
    Stored(InStore),
    /// In the store, under the id it had before `renew`; that one ends when this one is written.
    Renamed { from: SessionId, revision: Revision },
    /// The handler has taken it away (`req.session = null`). What is stored is stored under this id.
    Unset { stored: Option<SessionId> },
    /// Destroyed by the handler, or by somebody else: nothing may be written. Under `stored`, if that is not yet done.
    Ended { stored: Option<SessionId>, cookie_removed: bool },
    /// The store is out of order and the request goes on without it: nothing is read or written.
    Outage,
}

/// What is known of the stored session.
#[derive(Debug)]
pub(crate) struct InStore {
    /// What a write must find.
    revision: Revision,
    life: Option<Life>,
    /// This request has already extended its life.
    extended: bool,
    /// When this request wrote it.
    written: Option<UnixMillis>,
    /// The handler asked for a touch.
    touch_requested: bool,
}

impl InStore {
    fn written(revision: Revision, at: UnixMillis) -> Self {
        Self { revision, life: None, extended: true, written: Some(at), touch_requested: false }
    }

    /// Whether this request has just written it, so that a look at the store would tell nothing new. Longer ago, a login
    /// may have taken its place.
    pub(crate) fn was_just_written(&self, now: UnixMillis) -> bool {
        const JUST: Duration = Duration::from_millis(10);
        // A clock that was set back says nothing about how long ago that was.
        self.written.is_some_and(|at| at <= now && at.until(now) <= JUST)
    }

    /// Whether its life is to be extended at the end of the request.
    pub(crate) fn touch_is_due(&self, touch_after: TouchAfter) -> bool {
        !self.extended && (self.touch_requested || touch_after.is_due(self.life))
    }
}

/// The request's cookie, whose signature was right.
#[derive(Clone, Debug)]
pub(crate) struct CameWith {
    /// `cookieId`.
    pub(crate) id: SessionId,
    /// Which secret made the signature; above 0, a retired one.
    pub(crate) secret: usize,
    pub(crate) signature: Signature,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts of one request")]
pub(crate) struct State {
    pub(crate) id: SessionId,
    pub(crate) place: Place,
    /// What the store has, as far as we know, and what this request has changed and not saved.
    pub(crate) data: Data,
    pub(crate) came_with: Option<CameWith>,
    /// The document the request began with (`originalHash`); none once the session has another id.
    original: Option<Document>,
    /// The document that is known to be stored (`savedHash`); with `resave`, not the one that was loaded.
    saved: Option<Document>,
    /// A cookie that the handler changed is saved, and still has to be sent.
    cookie_is_due: bool,
    /// This request does not extend the session by reading it.
    pub(crate) keeps_expiry: bool,
    /// The id of the client's cookie names this session as its successor.
    pub(crate) old_id_is_marked: bool,
    /// The request has ended and left nothing unsaved.
    is_finished: bool,
    /// The session is on the list of the owner that its stored document names.
    pub(crate) is_listed: bool,
    /// The request came without a session: nobody knows yet whether the client keeps cookies.
    is_first: bool,
}

/// What to write, and over what.
pub(crate) struct Outgoing {
    pub(crate) id: SessionId,
    expected: Option<Revision>,
    pub(crate) document: Document,
    /// Whether it says more than what is stored: data or a cookie that differ by more than the passing of time.
    pub(crate) is_change: bool,
    /// What was unsaved when it was made.
    changes: Changes,
    cookie: Cookie,
    /// When it was made.
    at: UnixMillis,
}

/// A copy of the session's data that is going to be written.
pub(crate) struct Draft {
    id: SessionId,
    expected: Option<Revision>,
    data: Data,
    /// The session's cookie, before it was touched.
    cookie: Cookie,
    at: UnixMillis,
}

impl Draft {
    /// The data as they are.
    pub(crate) fn unchanged(self) -> Outgoing {
        let (document, is_change) = self.encode();
        let Self { id, expected, data, cookie, at } = self;
        Outgoing { id, expected, document, is_change, changes: data.changes, cookie, at }
    }

    /// The data after `change`, which does not reach the session before they are stored.
    ///
    /// # Errors
    ///
    /// What `change` says.
    pub(crate) fn after<R>(
        mut self,
        change: impl FnOnce(&mut Data) -> Result<R, DataError>,
        options: &Options,
    ) -> Result<(Outgoing, R), DataError> {
        let changes = self.data.changes.clone();
        let value = change(&mut self.data)?;
        if let Some(key) = &options.owner_key {
            self.data.follow_owner(key, self.at);
        }
        let (document, is_change) = self.encode();
        let Self { id, expected, cookie, at, .. } = self;
        Ok((Outgoing { id, expected, document, is_change, changes, cookie, at }, value))
    }

    fn encode(&self) -> (Document, bool) {
        (self.data.encode(), !self.data.changes.is_empty() || self.data.cookie_is_changed())
    }
}

impl Outgoing {
    pub(crate) fn expect(&self) -> Expect<'_> {
        self.expected.as_ref().map_or(Expect::Any, Expect::Revision)
    }
}

impl State {
    /// A new session.
    pub(crate) fn generated(id: SessionId, cookie: Cookie, now: UnixMillis) -> Self {
        let data = Data::new(cookie);
        Self {
            id,
            place: Place::New { since: now },
            original: Some(data.document.clone()),
            data,
            came_with: None,
            saved: None,
            cookie_is_due: false,
            keeps_expiry: false,
            old_id_is_marked: false,
            is_finished: false,
            is_listed: false,
            is_first: true,
        }
    }

    /// A session that the store knew.
    pub(crate) fn loaded(
        came_with: &CameWith,
        stored: Stored,
        keeps_expiry: bool,
        options: &Options,
        now: UnixMillis,
    ) -> Self {
        let Stored { document, revision, life, touched } = stored;
        let mut state = Self {
            id: came_with.id.clone(),
            place: Place::Stored(InStore {
                revision,
                life,
                extended: touched,
                written: None,
                touch_requested: false,
            }),
            came_with: Some(came_with.clone()),
            saved: (!options.resave).then(|| document.clone()),
            original: Some(document.clone()),
            data: Data::of(document),
            cookie_is_due: false,
            keeps_expiry,
            old_id_is_marked: false,
            is_finished: false,
            is_listed: true,
            is_first: false,
        };
        state.keep_creation_time(options, now);
        state.follow_owner(options, now);
        state
    }

    pub(crate) fn is_live(&self) -> bool {
        !matches!(self.place, Place::Unset { .. } | Place::Ended { .. })
    }

    /// The id under which something is stored.
    pub(crate) fn stored_id(&self) -> Option<&SessionId> {
        match &self.place {
            Place::New { .. } => None,
            Place::Stored(_) => Some(&self.id),
            // It could not be read, but it may well be there.
            Place::Outage => self.came_with.as_ref().map(|cookie| &cookie.id),
            Place::Renamed { from, .. } => Some(from),
            Place::Unset { stored } | Place::Ended { stored, .. } => stored.as_ref(),
        }
    }

    /// `regenerate`: a new id and an empty session.
    pub(crate) fn regenerate(&mut self, id: SessionId, cookie: Cookie, now: UnixMillis) {
        self.id = id;
        self.place = Place::New { since: now };
        self.data = Data::new(cookie);
        (self.original, self.saved, self.cookie_is_due, self.is_listed) = (None, None, false, false);
    }

    /// A new id for the same data.
    pub(crate) fn renew(&mut self, id: SessionId) {
        if !self.is_live() {
            return;
        }
        (self.old_id_is_marked, self.is_listed) = (false, false);
        let from = std::mem::replace(&mut self.id, id);
        if let Place::Stored(held) = &self.place {
            self.place = Place::Renamed { from, revision: held.revision.clone() };
        }
        (self.original, self.saved) = (None, None);
    }

    /// Another id for a session that is not known to be stored under this one.
    pub(crate) fn abandon(&mut self, id: &SessionId, another: SessionId) {
        if self.id == *id && matches!(self.place, Place::New { .. } | Place::Renamed { .. }) {
            (self.id, self.is_listed) = (another, false);
        }
    }

    /// `req.session = null`.
    pub(crate) fn unset(&mut self) {
        if self.is_live() && !matches!(self.place, Place::Outage) {
            self.place = Place::Unset { stored: self.stored_id().cloned() };
        }
    }

    /// The session is over; nothing of it may be written any more.
    pub(crate) fn end(&mut self, stored: Option<SessionId>, remove_cookie: bool) {
        let was_removed = matches!(self.place, Place::Ended { cookie_removed: true, .. });
        self.place = Place::Ended { stored, cookie_removed: remove_cookie || was_removed };
    }

    pub(crate) fn request_touch(&mut self, now: UnixMillis) {
        self.data.cookie.touch(now);
        if let Place::Stored(held) = &mut self.place {
            held.touch_requested = true;
        }
    }

    /// What to write now, before anything else is changed in it: with the cookie touched and the creation time in place.
    ///
    /// # Errors
    ///
    /// [`SessionError::NoSession`].
    pub(crate) fn draft(&mut self, options: &Options, now: UnixMillis) -> Result<Draft, SessionError> {
        let expected = match &self.place {
            Place::Unset { .. } | Place::Ended { .. } => return Err(SessionError::NoSession),
            Place::New { since } => {
                let since = *since;
                self.keep_creation_time(options, since);
                None
            }
            Place::Stored(held) => Some(held.revision.clone()),
            Place::Renamed { revision, .. } => Some(revision.clone()),
            Place::Outage => None,
        };
        self.follow_owner(options, now);
        let (mut data, cookie) = (self.data.clone(), self.data.cookie.clone());
        data.cookie.touch(now);
        Ok(Draft { id: self.id.clone(), expected, data, cookie, at: now })
    }

    /// `sent` is stored now.
    pub(crate) fn written(&mut self, sent: Outgoing, revision: Revision) {
        let Outgoing { id, document, changes, cookie, at, .. } = sent;
        match &mut self.place {
            Place::Ended { .. } | Place::Outage => return,
            Place::Unset { stored } => {
                *stored = Some(id);
                return;
            }
            // Renewed while the write was on its way.
            Place::Renamed { revision: known, .. } if self.id != id => *known = revision,
            Place::New { .. } if self.id != id => self.place = Place::Renamed { from: id, revision },
            Place::New { .. } | Place::Stored(_) | Place::Renamed { .. } => {
                self.place = Place::Stored(InStore::written(revision, at));
                self.saved = Some(document.clone());
            }
        }
        self.cookie_is_due |= document.cookie().was_changed_since(self.data.document.cookie());
        if self.data.cookie == cookie {
            self.data.cookie = document.cookie().clone();
        }
        self.data.written(document, &changes);
    }

    /// Holds on to what would have been written, for a request that goes on without the store.
    pub(crate) fn keep(&mut self, unsent: Outgoing) {
        self.data = Data::of(unsent.document);
    }

    /// Somebody else has written `newer`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Conflict`] if our changes may not be put on top of it.
    pub(crate) fn meet(&mut self, newer: Stored, options: &Options) -> Result<(), SessionError> {
        let Data { document, changes, .. } = &self.data;
        let differs = || !changes.is_empty() && !newer.document.same_data(document);
        if options.on_conflict == OnConflict::Fail && differs() {
            return Err(SessionError::Conflict);
        }
        self.rebase(newer);
        Ok(())
    }

    /// Somebody else has written `newer`: our changes are put on top of it.
    fn rebase(&mut self, newer: Stored) {
        let Stored { document, revision, life, .. } = newer;
        // What others have changed is neither ours to save nor a modification of ours.
        self.original = self.original.take().map(|_| document.clone());
        self.saved = self.saved.take().map(|_| document.clone());
        self.is_listed &= self.data.document.has_owner_of(&document);
        self.data.rebase(document);
        match &mut self.place {
            Place::Stored(held) => {
                *held = InStore {
                    revision,
                    life,
                    extended: false,
                    written: None,
                    touch_requested: held.touch_requested,
                };
            }
            Place::Renamed { revision: known, .. } => *known = revision,
            _ => {}
        }
    }

    /// `reload`: the stored state replaces ours; what the request began with stays what it was.
    pub(crate) fn reloaded(&mut self, stored: Stored, options: &Options, now: UnixMillis) {
        let Stored { document, revision, life, touched } = stored;
        let touch_requested = matches!(&self.place, Place::Stored(held) if held.touch_requested);
        self.place =
            Place::Stored(InStore { revision, life, extended: touched, written: None, touch_requested });
        self.is_listed &= self.data.document.has_owner_of(&document);
        self.data = Data::of(document);
        self.cookie_is_due = false;
        self.keep_creation_time(options, now);
        self.follow_owner(options, now);
    }

    fn keep_creation_time(&mut self, options: &Options, created: UnixMillis) {
        if options.absolute_timeout.is_some() && created_at(&self.data.document).is_none() {
            self.data.stamp(CREATED_AT_KEY, created.0);
        }
    }

    /// Whose the session is, if its data say so.
    fn follow_owner(&mut self, options: &Options, now: UnixMillis) {
        if let Some(key) = &options.owner_key {
            self.data.follow_owner(key, now);
        }
    }

    /// The id of the client's cookie, if this session has taken its place by `renew` and it does not say so yet.
    pub(crate) fn takes_place_of(&self) -> Option<&SessionId> {
        let old = self.came_with.as_ref().map(|cookie| &cookie.id)?;
        (self.original.is_none() && !self.old_id_is_marked && *old != self.id).then_some(old)
    }

    /// The id of the client's cookie, if nothing was found under it and this session began in its stead.
    pub(crate) fn began_instead_of(&self) -> Option<&SessionId> {
        let old = self.came_with.as_ref().map(|cookie| &cookie.id)?;
        (self.original.is_some() && *old != self.id).then_some(old)
    }

    /// The end of the request has done what there was to do. What comes later is the handler's to save.
    pub(crate) fn finish(&mut self) {
        self.is_finished = !self.has_unsaved_changes();
    }

    /// For how long the session is written at most, because its client may never come back. Once the response is under
    /// way, it may have come back already.
    pub(crate) fn first_life(&self, options: &Options) -> Option<Duration> {
        options.first_life.filter(|_| self.is_first && !self.is_finished)
    }

    /// Whether something was changed after the end of the request and not saved.
    pub(crate) fn loses_changes(&self) -> bool {
        self.is_finished && self.has_unsaved_changes()
    }

    fn has_unsaved_changes(&self) -> bool {
        match self.place {
            Place::Renamed { .. } => true,
            Place::New { .. } | Place::Stored(_) => {
                !self.data.changes.is_empty() || self.data.cookie_is_changed()
            }
            Place::Unset { .. } | Place::Ended { .. } | Place::Outage => false,
        }
    }

    /// Whether the client's cookie names this session (`cookieId == sessionID`).
    pub(crate) fn is_known_to_client(&self) -> bool {
        self.came_with.as_ref().is_some_and(|cookie| cookie.id == self.id)
    }

    /// How the session stands with client and store, once its cookie has been touched.
    pub(crate) fn standing(&self) -> Standing {
        let modified = || self.original.as_ref().is_none_or(|document| !self.holds(document));
        let cookie_changed = || self.cookie_is_due || self.data.cookie_is_changed();
        let saved = || {
            self.saved.as_ref().is_some_and(|document| self.is_unchanged_since(document))
                && !self.data.cookie_is_changed()
        };
        match &self.place {
            Place::Unset { .. } | Place::Ended { .. } | Place::Outage => Standing::Absent,
            Place::New { .. } | Place::Renamed { .. } => {
                Standing::New { modified: modified(), stored: Held::None }
            }
            Place::Stored(_) if !self.is_known_to_client() => Standing::New {
                modified: modified() || cookie_changed(),
                stored: if saved() { Held::Current } else { Held::Outdated },
            },
            Place::Stored(_) => Standing::Loaded(Loaded {
                modified: modified(),
                cookie_changed: cookie_changed(),
                saved: saved(),
                expires: self.data.cookie.has_expiry(),
                retired_secret: self.came_with.as_ref().is_some_and(|cookie| cookie.secret > 0),
            }),
        }
    }

    /// Whether the data are those of `document`.
    fn holds(&self, document: &Document) -> bool {
        let Data { document: ours, changes, .. } = &self.data;
        self.is_unchanged_since(document)
            || (!changes.is_empty() && !ours.is_clone_of(document) && self.data.encode().same_data(document))
    }

    /// Whether nothing was changed, and what is known to be stored are the data of `document`.
    fn is_unchanged_since(&self, document: &Document) -> bool {
        self.data.changes.is_empty() && self.data.document.same_data(document)
    }
}

/// The creation time kept in a document, if it is one.
pub(crate) fn created_at(document: &Document) -> Option<UnixMillis> {
    document.get::<i64>(CREATED_AT_KEY).ok().flatten().map(UnixMillis)
}
