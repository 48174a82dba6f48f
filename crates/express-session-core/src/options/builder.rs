//! The builder, and the checks at its end.

use std::fmt;

use super::beginning::CookieDefaults;
use super::{Options, OptionsError};
use crate::cookie::CookieOptions;
use crate::cookie::signature::{NoSecretError, Secrets};

/// Collects options; [`build`](Self::build) checks them.
#[derive(Clone)]
#[must_use = "builder does nothing itself, use `build` to get the options"]
pub struct OptionsBuilder {
    pub(super) options: Options,
    pub(super) no_secret: Option<NoSecretError>,
    pub(super) allow_weak_secret: bool,
    pub(super) cookie_defaults: CookieDefaults,
    /// As they were given: settings are put over them before defaults fill what is left.
    pub(super) cookie: CookieOptions,
}

impl OptionsBuilder {
    pub(super) fn begin<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
        options: impl FnOnce(Secrets) -> Options,
        cookie_defaults: CookieDefaults,
    ) -> Self {
        let (secrets, no_secret) = match Secrets::new(secrets) {
            Ok(secrets) => (secrets, None),
            Err(error) => (Secrets::none(), Some(error)),
        };
        let options = options(secrets);
        Self { options, no_secret, allow_weak_secret: false, cookie_defaults, cookie: CookieOptions::new() }
    }

    /// Checks the options.
    ///
    /// # Errors
    ///
    /// [`OptionsError`] names the first one that cannot work, before any request meets it.
    pub fn build(self) -> Result<Options, OptionsError> {
        self.check()?;
        Ok(self.options)
    }
}

impl fmt::Debug for OptionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionsBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}
