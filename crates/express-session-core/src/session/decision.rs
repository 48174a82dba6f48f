//! Where it is decided what happens to the session at the end of a request: destroyed, saved, touched, and
//! whether its cookie is sent. Pure functions; `finish` carries them out.
//!
//! Source: express-session 1.19 `index.js`, `shouldDestroy`, `shouldSave`, `shouldTouch`, `shouldSetCookie`;
//! recorded cell by cell in `tests/vectors/decision-matrix.json`.

use crate::options::{Options, Unset};

/// The options that have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "express-session's options are booleans")]
pub(crate) struct Rules {
    /// Save also a new session that nothing was put into.
    pub(crate) save_uninitialized: bool,
    /// Send the cookie with every response.
    pub(crate) rolling: bool,
    /// What taking the session away means.
    pub(crate) unset: Unset,
    /// Replace cookies that were signed with a retired secret.
    pub(crate) reissue: bool,
}

impl From<&Options> for Rules {
    fn from(options: &Options) -> Self {
        Self {
            save_uninitialized: options.save_uninitialized,
            rolling: options.rolling,
            unset: options.unset,
            reissue: options.reissue,
        }
    }
}

/// How the session stands at the end of the request: with the client, and with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The handler has taken it away or destroyed it, or it has ended elsewhere.
    Absent,
    /// The client does not have its id yet (`cookieId != sessionID`): it was generated, regenerated or renewed.
    New {
        /// Something was put into it, or it takes the place of another (`isModified`).
        modified: bool,
        /// What the store has of it.
        stored: Held,
    },
    /// The client's cookie named it, and it was loaded.
    Loaded(Loaded),
}

impl Standing {
    /// Whether the client's session was looked at and nothing else.
    pub(crate) fn was_only_read(self) -> bool {
        matches!(self, Self::Loaded(Loaded { modified: false, cookie_changed: false, .. }))
    }
}

/// What the store has of a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing (`savedHash` is undefined).
    None,
    /// An older state.
    Outdated,
    /// What the session holds now (`isSaved`).
    Current,
}

/// How a loaded session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts: every combination exists")]
pub(crate) struct Loaded {
    /// Its data differ from what the request began with (`isModified`), saved already or not.
    pub(crate) modified: bool,
    /// The handler changed its cookie during this request, saved already or not.
    pub(crate) cookie_changed: bool,
    /// What is stored is what the session and its cookie hold now, and counts as saved (`isSaved`): with `resave`,
    /// what was only loaded does not.
    pub(crate) saved: bool,
    /// Its cookie has an expiry (`cookie.expires != null`).
    pub(crate) expires: bool,
    /// The cookie it came with was signed with a retired secret.
    pub(crate) retired_secret: bool,
}

/// The one thing to ask of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreAction {
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
pub(crate) struct Decision {
    /// What to ask of the store.
    pub(crate) store: StoreAction,
    /// Whether to send the cookie, if the connection allows it.
    pub(crate) set_cookie: bool,
}

/// What the rules say about a session that stands so.
pub(crate) fn decide(rules: Rules, standing: Standing) -> Decision {
    let store = if should_destroy(rules, standing) {
        StoreAction::Destroy
    } else if should_save(rules, standing) {
        StoreAction::Save
    } else if should_touch(rules, standing) {
        StoreAction::Touch
    } else {
        StoreAction::Nothing
    };
    Decision { store, set_cookie: should_set_cookie(rules, standing) }
}

fn should_destroy(rules: Rules, standing: Standing) -> bool {
    rules.unset == Unset::Destroy && standing == Standing::Absent
}

fn should_save(rules: Rules, standing: Standing) -> bool {
    match standing {
        Standing::Absent => false,
        Standing::New { modified, stored: Held::None } => rules.save_uninitialized || modified,
        Standing::New { stored, .. } => stored == Held::Outdated,
        Standing::Loaded(loaded) => !loaded.saved,
    }
}

fn should_touch(rules: Rules, standing: Standing) -> bool {
    matches!(standing, Standing::Loaded(_)) && !should_save(rules, standing)
}

fn should_set_cookie(rules: Rules, standing: Standing) -> bool {
    match standing {
        Standing::Absent => false,
        Standing::New { modified, .. } => rules.save_uninitialized || modified,
        Standing::Loaded(loaded) => {
            rules.rolling
                || (loaded.expires && loaded.modified)
                // DIFFERENCE: a changed cookie is a change of the session; in Node the new lifetime reaches neither
                // the document nor the browser.
                || loaded.cookie_changed
                || (rules.reissue && loaded.retired_secret)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { save_uninitialized: false, rolling: false, unset: Unset::Keep, reissue: false };
    const READ: Loaded =
        Loaded { modified: false, cookie_changed: false, saved: true, expires: false, retired_secret: false };

    fn all_rules() -> impl Iterator<Item = Rules> {
        (0_u8..16).map(|bits| Rules {
            save_uninitialized: bits & 1 != 0,
            rolling: bits & 2 != 0,
            unset: if bits & 4 != 0 { Unset::Destroy } else { Unset::Keep },
            reissue: bits & 8 != 0,
        })
    }

    fn all_standings() -> impl Iterator<Item = Standing> {
        let new = [Held::None, Held::Outdated, Held::Current]
            .into_iter()
            .flat_map(|stored| [false, true].map(|modified| Standing::New { modified, stored }));
        let loaded = (0_u8..32).map(|bits| {
            Standing::Loaded(Loaded {
                modified: bits & 1 != 0,
                cookie_changed: bits & 2 != 0,
                saved: bits & 4 != 0,
                expires: bits & 8 != 0,
                retired_secret: bits & 16 != 0,
            })
        });
        std::iter::once(Standing::Absent).chain(new).chain(loaded)
    }

    /// Every row there is.
    fn all() -> impl Iterator<Item = (Rules, Standing, Decision)> {
        all_rules().flat_map(|rules| all_standings().map(move |it| (rules, it, decide(rules, it))))
    }

    #[test]
    fn without_a_session_no_cookie_is_sent_and_nothing_is_written() {
        for (rules, _, decision) in all().filter(|(_, standing, _)| *standing == Standing::Absent) {
            let store =
                if rules.unset == Unset::Destroy { StoreAction::Destroy } else { StoreAction::Nothing };
            assert_eq!(decision, Decision { store, set_cookie: false });
        }
    }

    #[test]
    fn a_session_that_is_there_is_never_destroyed() {
        assert!(
            all()
                .filter(|(_, standing, _)| *standing != Standing::Absent)
                .all(|(_, _, decision)| decision.store != StoreAction::Destroy)
        );
    }

    #[test]
    fn what_the_store_does_not_have_is_saved_and_what_it_has_is_not() {
        for (rules, standing, decision) in all() {
            let saves = decision.store == StoreAction::Save;
            match standing {
                Standing::Absent => assert!(!saves),
                Standing::New { modified, stored: Held::None } => {
                    assert_eq!(saves, modified || rules.save_uninitialized);
                }
                Standing::New { stored, .. } => assert_eq!(saves, stored == Held::Outdated),
                Standing::Loaded(loaded) => assert_eq!(saves, !loaded.saved),
            }
        }
    }

    #[test]
    fn only_a_loaded_session_is_touched_and_only_if_it_is_not_saved() {
        for (_, standing, decision) in all() {
            let touches = decision.store == StoreAction::Touch;
            assert_eq!(touches, matches!(standing, Standing::Loaded(loaded) if loaded.saved));
        }
    }

    #[test]
    fn a_new_session_that_is_saved_at_the_end_sends_its_cookie() {
        for (_, standing, decision) in all() {
            if let Standing::New { stored: Held::None, .. } = standing {
                assert_eq!(decision.set_cookie, decision.store == StoreAction::Save, "{standing:?}");
            }
        }
    }

    #[test]
    fn a_live_session_that_was_only_read_is_touched_without_a_cookie() {
        let decision = decide(RULES, Standing::Loaded(READ));
        assert_eq!(decision, Decision { store: StoreAction::Touch, set_cookie: false });
    }

    #[test]
    fn a_modified_session_sends_its_cookie_if_that_has_an_expiry() {
        let sends =
            |expires| decide(RULES, Standing::Loaded(Loaded { modified: true, expires, ..READ })).set_cookie;
        assert!(sends(true) && !sends(false));
    }

    #[test]
    fn a_changed_lifetime_is_saved_and_sent() {
        let changed = Loaded { cookie_changed: true, saved: false, ..READ };
        let decision = decide(RULES, Standing::Loaded(changed));
        assert_eq!(decision, Decision { store: StoreAction::Save, set_cookie: true });
    }

    #[test]
    fn a_cookie_signed_with_a_retired_secret_is_reissued_only_on_request() {
        let retired = Standing::Loaded(Loaded { retired_secret: true, ..READ });
        assert!(!decide(RULES, retired).set_cookie);
        assert!(decide(Rules { reissue: true, ..RULES }, retired).set_cookie);
    }
}
