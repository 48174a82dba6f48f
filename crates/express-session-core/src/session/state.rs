//! What is known about one session during one request. No I/O: plans go out, outcomes come in.

use crate::clock::UnixMillis;
use crate::cookie::Cookie;
use crate::document::Data;
use crate::document::Record;
use crate::document::merge;
use crate::options::{CREATED_AT_KEY, Options};
use crate::session::decision::Facts;
use crate::session_id::SessionId;
use crate::store::expiry::Life;
use crate::store::{Revision, Stored};

/// Whether the request still has its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Live,
    /// The handler took it away (`req.session = null`).
    Unset,
    /// The handler destroyed it, or somebody else did and we noticed: nothing may be written.
    Ended,
}

/// The record as the store has it, as far as we know.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) record: Record,
    pub(crate) revision: Revision,
}

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts about one request")]
pub(crate) struct State {
    pub(crate) id: SessionId,
    /// The id in the request's cookie, if its signature was right (`cookieId`).
    pub(crate) cookie_id: Option<SessionId>,
    /// That signature was made with a retired secret.
    pub(crate) retired_secret: bool,
    pub(crate) presence: Presence,
    /// The store is out of order and the request goes on without it: nothing is read or written.
    pub(crate) detached: bool,
    /// The session as the handler has it.
    pub(crate) record: Record,
    /// What writes compare with and merge against; none for a session that was never stored.
    pub(crate) base: Option<Base>,
    /// What the request began with (`originalId`, `originalHash`).
    original_id: SessionId,
    original_data: Data,
    /// The state known to be stored (`savedHash`).
    saved_data: Option<Data>,
    /// The cookie as it was loaded or created, to notice changes by the handler.
    original_cookie: Cookie,
    /// The handler asked for a touch.
    pub(crate) touch_requested: bool,
    /// This request has already extended the life of what is stored.
    pub(crate) extended: bool,
    pub(crate) life: Option<Life>,
    /// The stored session that is to be replaced by this one, which carries its data on.
    pub(crate) renewed_from: Option<(SessionId, Base)>,
    /// When the session was created, for the absolute timeout.
    created_at: UnixMillis,
}

impl State {
    /// A new session.
    pub(crate) fn generated(id: SessionId, cookie: Cookie, now: UnixMillis) -> Self {
        let record = Record::new(cookie.clone());
        Self {
            original_id: id.clone(),
            id,
            cookie_id: None,
            retired_secret: false,
            presence: Presence::Live,
            detached: false,
            record,
            base: None,
            original_data: Data::new(),
            saved_data: None,
            original_cookie: cookie,
            touch_requested: false,
            extended: false,
            life: None,
            renewed_from: None,
            created_at: now,
        }
    }

    /// A session that the store knew.
    pub(crate) fn loaded(id: SessionId, stored: Stored, options: &Options, now: UnixMillis) -> Self {
        let Stored { record, revision, life, touched } = stored;
        let mut state = Self::generated(id, record.cookie().clone(), now);
        state.cookie_id = Some(state.id.clone());
        state.original_data = record.data.clone();
        state.saved_data = (!options.resave).then(|| record.data.clone());
        state.extended = touched;
        state.life = life;
        state.created_at = created_at(&record).unwrap_or(now);
        state.base = Some(Base { record: record.clone(), revision });
        state.record = record;
        state.keep_creation_time(options);
        state
    }

    /// `regenerate`: a new id and an empty session; what the request began with stays what it was.
    pub(crate) fn regenerate(&mut self, id: SessionId, cookie: Cookie, now: UnixMillis) {
        self.id = id;
        self.presence = Presence::Live;
        self.record = Record::new(cookie.clone());
        self.original_cookie = cookie;
        self.base = None;
        self.renewed_from = None;
        self.extended = false;
        self.life = None;
        self.created_at = now;
    }

    /// A new id for the same data; the stored session under the old id ends when this one is saved.
    pub(crate) fn renew(&mut self, id: SessionId) {
        let old = std::mem::replace(&mut self.id, id);
        if let Some(base) = self.base.take() {
            self.renewed_from = Some((old, base));
        }
        self.extended = false;
    }

    /// The session is over; nothing of it may be written any more.
    pub(crate) fn end(&mut self) {
        self.presence = Presence::Ended;
        self.base = None;
        self.renewed_from = None;
    }

    /// What to write now: the record with its cookie touched and its creation time in place.
    pub(crate) fn prepare_write(&mut self, options: &Options, now: UnixMillis) -> Record {
        self.record.cookie_mut().touch(now);
        self.keep_creation_time(options);
        self.record.clone()
    }

    /// `written` is stored now; `sent` is what we had set out to write.
    pub(crate) fn written(&mut self, sent: &Record, written: Record, revision: Revision) {
        // What another clone of the session changed while the write was on its way stays unsaved.
        self.record = if self.record.data.same_as(&sent.data) {
            written.clone()
        } else {
            merge(sent, &self.record, &written)
        };
        self.saved_data = Some(written.data.clone());
        self.base = Some(Base { record: written, revision });
        self.extended = true;
    }

    /// Somebody else has written `newer`: our changes are put on top of it.
    pub(crate) fn rebase(&mut self, newer: Stored) {
        if let Some(base) = &self.base {
            self.record = merge(&base.record, &self.record, &newer.record);
        }
        self.base = Some(Base { record: newer.record, revision: newer.revision });
        self.extended = false;
    }

    /// `reload`: the stored state replaces ours; what the request began with stays what it was.
    pub(crate) fn reloaded(&mut self, stored: Stored, options: &Options) {
        self.record = stored.record.clone();
        self.original_cookie = stored.record.cookie().clone();
        self.base = Some(Base { record: stored.record, revision: stored.revision });
        self.extended = false;
        self.keep_creation_time(options);
    }

    fn keep_creation_time(&mut self, options: &Options) {
        if options.absolute_timeout.is_some() && created_at(&self.record).is_none() {
            self.record.data.put(CREATED_AT_KEY, self.created_at.0.to_string().into());
        }
    }

    /// What the decision is made from; the cookie must have been touched.
    pub(crate) fn facts(&self, options: &Options) -> Facts {
        let id_is_original = self.id == self.original_id;
        let data_saved = self.saved_data.as_ref().is_some_and(|saved| saved.same_as(&self.record.data));
        let stored_cookie = self.base.as_ref().map(|base| base.record.cookie());
        let cookie_saved = stored_cookie.is_none_or(|stored| !self.record.cookie().was_changed_since(stored));
        Facts {
            save_uninitialized: options.save_uninitialized,
            rolling: options.rolling,
            unset: options.unset,
            reissue: options.reissue,
            cookie_is_ours: self.cookie_id.as_ref() == Some(&self.id),
            retired_secret: self.retired_secret,
            has_session: self.presence == Presence::Live,
            is_stored: self.base.is_some() || self.renewed_from.is_some(),
            is_modified: !id_is_original || !self.original_data.same_as(&self.record.data),
            cookie_changed: self.record.cookie().was_changed_since(&self.original_cookie),
            has_saved_state: self.saved_data.is_some(),
            is_saved: id_is_original && data_saved && cookie_saved,
            cookie_expires: self.record.cookie().has_expiry(),
        }
    }
}

/// The creation time kept in the record, if it is one.
pub(crate) fn created_at(record: &Record) -> Option<UnixMillis> {
    record.data.get::<i64>(CREATED_AT_KEY).ok().flatten().map(UnixMillis)
}
