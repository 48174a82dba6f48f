//! Where it is decided what happens to the session at the end of a request: destroyed, saved, touched, and
//! whether its cookie is sent. Pure functions over a handful of facts; `lifecycle` carries them out.
//!
//! Source: express-session 1.19 `index.js`, `shouldDestroy`, `shouldSave`, `shouldTouch`, `shouldSetCookie`;
//! recorded cell by cell in `tests/vectors/decision-matrix.json`.

/// What to do when a handler takes the session away from the request (`req.session = null` in Node).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "express-session knows these two")]
pub enum Unset {
    /// Leave the stored session as it is. The default, as in express-session.
    #[default]
    Keep,
    /// Destroy the stored session.
    Destroy,
}

/// What is known at the end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "a truth table has boolean columns")]
pub struct Facts {
    /// Option: save also a new session that nothing was put into.
    pub save_uninitialized: bool,
    /// Option: send the cookie with every response.
    pub rolling: bool,
    /// Option: what taking the session away means.
    pub unset: Unset,
    /// Option: replace cookies that were signed with a retired secret.
    pub reissue: bool,
    /// The request came with a cookie for this very session (`cookieId == sessionID`).
    pub cookie_is_ours: bool,
    /// That cookie was signed with a retired secret.
    pub retired_secret: bool,
    /// The handler has not taken the session away, nor destroyed it.
    pub has_session: bool,
    /// The session is stored: it was loaded, or saved during this request.
    pub is_stored: bool,
    /// Its data differ from what the request began with, or its id does (`isModified`).
    pub is_modified: bool,
    /// The handler changed its cookie during this request, whether that is saved already or not.
    pub cookie_changed: bool,
    /// A known state is stored (`savedHash` is set).
    pub has_saved_state: bool,
    /// What is stored is what the session and its cookie hold now (`isSaved`).
    pub is_saved: bool,
    /// The session's cookie has an expiry (`cookie.expires != null`), once touched.
    pub cookie_expires: bool,
}

/// The one thing to ask of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the life of a request knows these four")]
pub enum StoreAction {
    /// Leave it alone.
    Nothing,
    /// Remove the session.
    Destroy,
    /// Write the session.
    Save,
    /// Extend its life.
    Touch,
}

/// What to do at the end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to ask of the store.
    pub store: StoreAction,
    /// Whether to send the cookie, if the connection allows it.
    pub set_cookie: bool,
}

/// Decides.
pub fn decide(facts: &Facts) -> Decision {
    let store = if should_destroy(facts) {
        StoreAction::Destroy
    } else if !facts.has_session {
        StoreAction::Nothing
    } else if should_save(facts) {
        StoreAction::Save
    } else if should_touch(facts) {
        StoreAction::Touch
    } else {
        StoreAction::Nothing
    };
    Decision { store, set_cookie: facts.has_session && should_set_cookie(facts) }
}

fn should_destroy(facts: &Facts) -> bool {
    facts.unset == Unset::Destroy && !facts.has_session
}

/// DIFFERENCE: a stored session whose cookie was changed by the handler is modified; in Node the new lifetime
/// reaches neither the document nor the browser.
fn is_modified(facts: &Facts) -> bool {
    facts.is_modified || cookie_was_modified(facts)
}

fn cookie_was_modified(facts: &Facts) -> bool {
    facts.is_stored && facts.cookie_changed
}

fn should_save(facts: &Facts) -> bool {
    if !facts.save_uninitialized && !facts.has_saved_state && !facts.cookie_is_ours {
        is_modified(facts)
    } else {
        !facts.is_saved
    }
}

fn should_touch(facts: &Facts) -> bool {
    facts.cookie_is_ours && !should_save(facts)
}

fn should_set_cookie(facts: &Facts) -> bool {
    if !facts.cookie_is_ours {
        return facts.save_uninitialized || is_modified(facts);
    }
    facts.rolling
        || (facts.cookie_expires && facts.is_modified)
        || cookie_was_modified(facts)
        || (facts.reissue && facts.retired_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        save_uninitialized: false,
        rolling: false,
        unset: Unset::Keep,
        reissue: false,
        cookie_is_ours: true,
        retired_secret: false,
        has_session: true,
        is_stored: true,
        is_modified: false,
        cookie_changed: false,
        has_saved_state: true,
        is_saved: true,
        cookie_expires: false,
    };

    /// Every combination of the boolean facts.
    fn all() -> impl Iterator<Item = Facts> {
        (0_u32..1 << 13).map(|bits| {
            let bit = |n: u32| bits & (1 << n) != 0;
            Facts {
                save_uninitialized: bit(0),
                rolling: bit(1),
                unset: if bit(2) { Unset::Destroy } else { Unset::Keep },
                reissue: bit(3),
                cookie_is_ours: bit(4),
                retired_secret: bit(5),
                has_session: bit(6),
                is_stored: bit(7),
                is_modified: bit(8),
                cookie_changed: bit(9),
                has_saved_state: bit(10),
                is_saved: bit(11),
                cookie_expires: bit(12),
            }
        })
    }

    #[test]
    fn without_a_session_no_cookie_is_sent_and_nothing_is_written() {
        for facts in all().filter(|facts| !facts.has_session) {
            let decision = decide(&facts);
            assert!(!decision.set_cookie);
            assert!(matches!(decision.store, StoreAction::Nothing | StoreAction::Destroy));
        }
    }

    #[test]
    fn a_session_that_is_there_is_never_destroyed() {
        assert!(
            all().filter(|facts| facts.has_session).all(|facts| decide(&facts).store != StoreAction::Destroy)
        );
    }

    #[test]
    fn a_session_unknown_to_the_client_is_never_just_touched() {
        assert!(
            all()
                .filter(|facts| !facts.cookie_is_ours)
                .all(|facts| decide(&facts).store != StoreAction::Touch)
        );
    }

    #[test]
    fn a_modified_session_is_saved_unless_it_already_is() {
        for facts in all().filter(|facts| facts.has_session && facts.is_modified && !facts.is_saved) {
            assert_eq!(decide(&facts).store, StoreAction::Save);
        }
    }

    #[test]
    fn a_live_session_that_was_only_read_is_touched_without_a_cookie() {
        assert_eq!(decide(&FACTS), Decision { store: StoreAction::Touch, set_cookie: false });
    }

    #[test]
    fn an_empty_new_session_leaves_no_trace_unless_asked_for() {
        let new = Facts {
            cookie_is_ours: false,
            is_stored: false,
            has_saved_state: false,
            is_saved: false,
            ..FACTS
        };
        assert_eq!(decide(&new), Decision { store: StoreAction::Nothing, set_cookie: false });
        let asked = Facts { save_uninitialized: true, ..new };
        assert_eq!(decide(&asked), Decision { store: StoreAction::Save, set_cookie: true });
        let used = Facts { is_modified: true, ..new };
        assert_eq!(decide(&used), Decision { store: StoreAction::Save, set_cookie: true });
    }

    #[test]
    fn a_changed_lifetime_is_saved_and_sent() {
        let changed = Facts { cookie_changed: true, is_saved: false, ..FACTS };
        assert_eq!(decide(&changed), Decision { store: StoreAction::Save, set_cookie: true });
    }

    #[test]
    fn a_cookie_signed_with_a_retired_secret_is_reissued_only_on_request() {
        let retired = Facts { retired_secret: true, ..FACTS };
        assert!(!decide(&retired).set_cookie);
        assert!(decide(&Facts { reissue: true, ..retired }).set_cookie);
    }
}
