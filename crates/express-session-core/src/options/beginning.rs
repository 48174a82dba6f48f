//! The two beginnings: what options are before anything is said.

use std::time::Duration;

use super::{Options, OptionsBuilder};
use crate::cookie::{SameSite, SameSiteOption, Secure};
use crate::store::TouchAfter;

/// The share of a session's life that may pass before reading it extends it, with [`Options::new`].
///
/// A session of a day is then extended at most ten times a day however often it is read, and one that was just read has
/// at least nine tenths of its life left. A share, because a fixed time would be too much for a session of
/// minutes and too little for one of weeks.
const TOUCH_SHARE: f64 = 0.1;

/// How long an old id remembers its successor with [`Options::new`]: longer than requests are under way, shorter than it
/// takes a visitor whose login got lost on its way to come back and begin anew.
const SUCCESSOR_GRACE: Duration = Duration::from_mins(1);

/// What a cookie gets where nothing is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieDefaults {
    pub(crate) secure: Option<Secure>,
    pub(crate) same_site: SameSiteOption,
}

impl CookieDefaults {
    /// As secure as the connection, and not sent by requests that other sites make, but for links that lead to us.
    const NEW: Self = Self { secure: Some(Secure::Auto), same_site: SameSiteOption::Set(SameSite::Lax) };
    const EXPRESS: Self = Self { secure: None, same_site: SameSiteOption::Unset };
}

#[allow(clippy::new_ret_no_self, reason = "options exist only once they are checked: `build` returns them")]
impl Options {
    /// Begins with what a security reviewer would choose. `secrets`: the first signs, all verify.
    ///
    /// | option | here | [`express`](Self::express) | why |
    /// |---|---|---|---|
    /// | `resave` | false | true | what was only read is not written |
    /// | `save_uninitialized` | false | true | no record and no cookie for a visitor of whom there is nothing to remember |
    /// | `touch_after` | [`TouchAfter::Share`] of 0.1 | [`TouchAfter::Always`] | one write in place of many; at most a tenth of the idle time is lost |
    /// | `successor_grace` | one minute | none | a request that was under way does not undo a login |
    /// | `save_without_cookie` | false | true | no record that nobody can come back to |
    /// | `cookie.same_site` | Lax | no attribute | other sites' forms and scripts do not act as the visitor, in every browser |
    /// | `cookie.secure` | [`Secure::Auto`] | no | a cookie that came by HTTPS never travels without |
    /// | `cache_headers` | true | false | no cache hands one visitor's cookie or page to another |
    ///
    /// Everything else is as in express-session. Attributes that [`CookieOptions`](crate::CookieOptions) do not mention keep these defaults.
    ///
    /// Behind a proxy that ends TLS, `Auto` needs [`trust_proxy`](OptionsBuilder::trust_proxy) to see HTTPS.
    ///
    /// ```
    /// use express_session_core::{CookieOptions, Options};
    /// use std::time::Duration;
    ///
    /// let options = Options::new(["32 random bytes, from a safe place"])
    ///     .cookie(CookieOptions::new().max_age(Duration::from_hours(24)))
    ///     .build()?;
    /// # Ok::<(), express_session_core::OptionsError>(())
    /// ```
    ///
    /// DIFFERENCE: express-session's defaults are those of [`express`](Self::express), which its own README advises
    /// against.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> OptionsBuilder {
        let mut builder = Self::begin(secrets, CookieDefaults::NEW);
        builder.options.resave = false;
        builder.options.save_uninitialized = false;
        builder.options.touch_after = TouchAfter::Share(TOUCH_SHARE);
        builder.options.successor_grace = SUCCESSOR_GRACE;
        builder.options.save_without_cookie = false;
        builder.options.cache_headers = true;
        builder
    }

    /// Begins with express-session's defaults, to the letter: for a server that works beside a Node server whose
    /// options are not all named. `secrets`: the first signs, all verify.
    ///
    /// # Security
    ///
    /// Every visitor gets a stored session and a cookie; the cookie also travels over plain HTTP, and what other
    /// sites may do with it is left to the browser.
    ///
    /// Source: express-session 1.19 `index.js`, `session`; `session/cookie.js`.
    pub fn express<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> OptionsBuilder {
        Self::begin(secrets, CookieDefaults::EXPRESS)
    }
}
