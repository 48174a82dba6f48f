//! What holds for the sessions of a user, together.

use std::collections::BTreeSet;

use express_session_core::{Document, Owner, SessionId};

use super::Observer;
use crate::executor::Actor;
use crate::plan::Limit;

const ALL_END: &str = "all sessions of a user that were answered before have ended";
const UNDER_WAY: &str = "a login that was under way when all sessions of its user ended is taken back";
const EXACT: &str = "the list of a user's sessions is exact once all is quiet";
const LIMIT: &str = "a user has no more sessions than the limit";

/// A session with an owner, as a browser was told.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) owner: Owner,
    pub(super) id: SessionId,
    pub(super) at: u64,
}

/// The user of a browser: two browsers have the same one.
pub(crate) fn user(browser: u64) -> String {
    format!("user{}", browser / 2)
}

impl Observer {
    pub(super) fn check_end_all(&mut self, now: u64, actor: Actor, since: u64) {
        let Some(mind) = self.minds.get(&actor) else { return };
        let user = user(mind.browser);
        if let (Ok(owner), Some(looked)) = (Owner::new(&user), mind.looked_at_list) {
            self.ends.push((owner, looked));
        }
        if self.lost_at.is_some_and(|at| at >= since) {
            return;
        }
        let left = self.logins.iter().find(|login| {
            let tale = self.tales.get(&login.id);
            login.at < since
                && login.owner.as_str() == user
                && tale.is_some_and(|tale| {
                    let is_still_theirs =
                        tale.now().and_then(Document::owner).is_some_and(|it| it == login.owner);
                    is_still_theirs && !tale.was_written_by_node
                })
        });
        let is_left = left.is_some();
        // What a fail-over has forgotten of a list comes back with the next request that reads the session.
        if is_left && self.lost_at.is_none() {
            self.broken(now, actor, ALL_END, || "one is there".into());
        }
    }

    /// A browser is told that it is logged in, with a session that was on the list when all of the user's were ended.
    pub(super) fn check_login(&mut self, now: u64, actor: Actor, owner: &Owner, id: &SessionId) {
        let Some(tale) = self.tales.get(id) else { return };
        let is_ours = !tale.was_written_by_node && self.lost_at.is_none();
        let Some(enlisted) = tale.enlisted.filter(|_| is_ours && tale.now().is_some()) else { return };
        if self.ends.iter().any(|(ended, looked)| ended == owner && enlisted < *looked) {
            self.broken(now, actor, UNDER_WAY, || "it was on the list before the last look".into());
        }
    }

    /// All requests are over, nothing breaks any more, every session was read once: what a list says of a user.
    pub(crate) fn check_list(
        &mut self,
        now: u64,
        owner: &Owner,
        listed: &BTreeSet<SessionId>,
        live: &[(SessionId, Document)],
    ) {
        let theirs = live.iter().filter(|(_, document)| document.owner().as_ref() == Some(owner));
        let theirs: BTreeSet<SessionId> = theirs.map(|(id, _)| id.clone()).collect();
        if theirs != *listed {
            let names = |observer: &mut Self, ids: &BTreeSet<SessionId>| {
                ids.iter().map(|id| format!("S{}", observer.number(id))).collect::<Vec<_>>().join(" ")
            };
            let (theirs, listed) = (names(self, &theirs), names(self, listed));
            self.broken(now, 0, EXACT, || format!("there are [{theirs}], the list says [{listed}]"));
        }
        let limit = self.setup.owner_limit.map(|limit| match limit {
            Limit::EndOldest(most) | Limit::Refuse(most) => most,
        });
        let is_calm = !self.has_faults && !self.has_node && self.open.is_empty();
        if let Some(most) = limit.filter(|most| is_calm && theirs.len() > *most as usize) {
            self.broken(now, 0, LIMIT, || format!("{} of {most}", theirs.len()));
        }
    }
}
