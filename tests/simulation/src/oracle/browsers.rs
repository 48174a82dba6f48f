//! What browsers are left with: a login that was answered is not undone by a request that was under way.

use std::time::Duration;

use express_session_core::SessionId;

use super::Observer;
use super::owners::Login;
use crate::executor::Actor;
use crate::plan::Op;

/// What takes a browser out of its session, or may.
const LOGOUTS: [Op; 5] = [Op::Destroy, Op::Purge, Op::Unset, Op::EndAll, Op::EndOthers];

/// A write that was so long ago counts as a look at the store: core's ten milliseconds, and the longest way back.
const MOMENT: Duration = Duration::from_millis(10 + 20);

const LOGIN_WINS: &str = "a request that was under way does not undo a login";

/// A browser's cookie, and what it thinks of it.
#[derive(Debug, Default)]
pub(super) struct Browser {
    /// `name=value`, as it is sent.
    cookie: Option<String>,
    /// The session in which it was told to be logged in, and when.
    login: Option<(SessionId, u64)>,
}

impl Observer {
    /// The cookie that a browser sends now.
    pub(crate) fn cookie(&self, browser: u64) -> Option<String> {
        self.browsers.get(&browser)?.cookie.clone()
    }

    /// The session that this cookie names.
    pub(crate) fn session_of_cookie(cookie: &str) -> Option<SessionId> {
        super::responses::session_of(cookie)
    }

    pub(super) fn browser_gets(
        &mut self,
        now: u64,
        actor: Actor,
        status: u16,
        set_cookie: Option<&str>,
        cookie_id: Option<SessionId>,
    ) {
        let Some(mind) = self.minds.get(&actor) else { return };
        let (number, is_node) = (mind.browser, mind.is_node);
        let is_login = mind.done.iter().any(|op| matches!(op, Op::Login | Op::Renew));
        let is_logout = mind.done.iter().any(|op| LOGOUTS.contains(op));
        let session = mind.session.clone();
        self.note_owner(now, actor, status, session.as_ref());
        if let (Some(id), Some((login, at))) =
            (&cookie_id, self.browsers.get(&number).and_then(|browser| browser.login.clone()))
            && !(is_login || is_logout || is_node)
            && self.undoes(now, actor, id, &login)
        {
            let ago = (now - at) / 1000;
            self.broken(now, actor, LOGIN_WINS, || {
                format!("its cookie replaced that of a login {ago} ms ago")
            });
        }
        let gets_login = cookie_id.as_ref().is_some_and(|id| self.is_logged_in(id));
        let browser = self.browsers.entry(number).or_default();
        if let Some(set_cookie) = set_cookie {
            let pair = set_cookie.split(';').next().unwrap_or_default();
            let is_removed = pair.ends_with('=');
            browser.cookie = (!is_removed).then(|| pair.to_owned());
        }
        if is_logout || is_node {
            browser.login = None;
        }
        if let Some(id) = cookie_id {
            browser.login = (gets_login && !is_logout && status < 400).then_some((id, now));
        }
    }

    /// Whether a cookie takes a browser out of a session that it was logged in with.
    fn undoes(&self, now: u64, actor: Actor, id: &SessionId, login: &SessionId) -> bool {
        if id == login || self.setup.successor_grace.is_zero() || self.lost_at.is_some() {
            return false;
        }
        if !self.is_logged_in(login) || self.is_logged_in(id) {
            return false;
        }
        let Some(mind) = self.minds.get(&actor) else { return false };
        // It looked before the login took the place, and both answers were under way at the same time. A write that was
        // a moment ago counts as a look.
        let wrote = mind.wrote.filter(|at| Duration::from_micros(now - at) <= MOMENT);
        let looked = mind.looked.max(wrote);
        // It came with the cookie of a session which that login has taken the place of.
        let mut old = mind.came_with.clone();
        for _ in 0..16 {
            let Some(tale) = old.and_then(|id| self.tales.get(&id)) else { return false };
            if tale.was_written_by_node {
                return false;
            }
            let Some(replaced) = &tale.replaced else { return false };
            if Duration::from_micros(now - replaced.at) > self.setup.successor_grace {
                return false;
            }
            if looked.is_some_and(|at| at <= replaced.at) {
                return false;
            }
            if replaced.by == *login {
                return true;
            }
            old = Some(replaced.by.clone());
        }
        false
    }

    /// A browser is told that it is somebody's session.
    fn note_owner(&mut self, now: u64, actor: Actor, status: u16, session: Option<&SessionId>) {
        let Some(id) = session else { return };
        let Some(mind) = self.minds.get(&actor) else { return };
        if status >= 400 || mind.is_node || mind.has_failed {
            return;
        }
        let Some(owner) = self.tales.get(id).and_then(|tale| tale.now()?.owner()) else { return };
        self.check_login(now, actor, &owner, id);
        self.logins.push(Login { owner, id: id.clone(), at: now });
    }
}
