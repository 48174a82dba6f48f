//! What holds when a request is answered.

use express_session_core::SessionId;

use super::mind::Change;
use super::operations::{ACKNOWLEDGED, FAILS};
use super::tale::{Tale, members};
use super::{Observer, What};
use crate::executor::Actor;

const COOKIE: &str = "the cookie that is sent is one of a stored session";

impl Observer {
    /// The request is answered, with the cookie of this session.
    pub(crate) fn responds(&mut self, now: u64, actor: Actor, status: u16, set_cookie: Option<&str>) {
        self.open.remove(&actor);
        let cookie_id = set_cookie.and_then(session_of);
        let cookie = cookie_id.as_ref().map(|id| self.number(id));
        self.history.note(now, actor, || What::Response { status, cookie });
        let Some(mind) = self.minds.get(&actor) else { return };
        let (is_node, has_failed, started) = (mind.is_node, mind.has_failed, mind.started);
        if !is_node {
            let waited_since = mind.left_handler.unwrap_or(started);
            self.check_wait(now, actor, waited_since, 1, || "the end".to_owned());
            if status >= 500 && !has_failed && !self.has_faults {
                self.broken(now, actor, FAILS, || format!("status {status}"));
            }
            if status < 400 && !has_failed {
                self.check_all_is_stored(now, actor);
            }
            if let Some(id) = &cookie_id
                && !self.tale(id).was_there_since(started)
            {
                self.broken(now, actor, COOKIE, || "it was never there".into());
            }
        }
        if let Some(id) = &cookie_id {
            self.tale(id).is_sent = true;
        }
        self.browser_gets(now, actor, status, set_cookie, cookie_id);
    }

    /// What the handler wanted is stored, or was before others changed it.
    pub(super) fn check_all_is_stored(&mut self, now: u64, actor: Actor) {
        let Some(mind) = self.minds.get(&actor) else { return };
        if mind.unsaved.is_empty() || mind.has_ended_its_session() {
            return;
        }
        let (started, renews, session) = (mind.started, mind.renews.clone(), mind.session.clone());
        let goes_on = self.may_go_on_without_session();
        let unsaved = mind.unsaved.clone();
        let ids: Vec<SessionId> = session.into_iter().chain(renews).collect();
        let is_stored = |observer: &mut Self, key: &str, change: &Change| {
            // What was there already is not written again.
            let mut versions =
                ids.iter().filter_map(|id| observer.tales.get(id)).flat_map(|tale| tale.since(change.since));
            versions.any(|version| members(version).get(key) == change.value.as_ref())
        };
        let missing: Vec<String> = unsaved
            .iter()
            .filter(|(key, change)| !change.may_be_nothing && !is_stored(self, key, change))
            .map(|(key, _)| key.clone())
            .collect();
        if missing.is_empty() {
            return;
        }
        let has_gone =
            |tale: &Tale| tale.is_condemned || (tale.has_been_there() && tale.was_absent_since(started));
        let is_excused = ids.into_iter().any(|id| has_gone(self.tale(&id)));
        if !is_excused && !goes_on {
            self.broken(now, actor, ACKNOWLEDGED, || format!("{missing:?} is not stored"));
        }
    }
}

/// The session that a `Set-Cookie` header names.
pub(super) fn session_of(set_cookie: &str) -> Option<SessionId> {
    let value = set_cookie.strip_prefix("connect.sid=s%3A")?;
    let (id, _) = value.split_once('.')?;
    SessionId::parse(id).ok()
}
