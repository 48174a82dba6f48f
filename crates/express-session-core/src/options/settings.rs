//! The options as a configuration file has them: what serde reads, and puts over options that began in code.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::de::value::StringDeserializer;
use serde::{Deserialize, Deserializer};

use super::{
    ClearSiteData, CookieSource, OnConflict, OptionsBuilder, OwnerLimit, SecretSetting, StoreOutage, Unset,
};
use crate::cookie::{CookieOptions, Priority, SameSiteOption, Secure};
use crate::request::TrustProxy;
use crate::store::TouchAfter;

/// Session options for serde: a section of a configuration file, in whatever format.
///
/// Each is optional, named like the method of [`OptionsBuilder`] that explains it, and what is not said stays as the code has
/// it. Spans of time are whole milliseconds and say so in their key (`max_age_ms`), as in Node. A key that does not exist is an
/// error, and so is a value that does not; the message lists those that do. Functions have no setting.
///
/// ```
/// use express_session_core::{Options, SessionSettings};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings: SessionSettings = serde_json::from_str(
///     r#"{ "secret": "32 random bytes, from a safe place", "rolling": true, "cookie": { "max_age_ms": 86400000 } }"#,
/// )?;
/// let secrets = settings.secret.as_ref().ok_or("no secret is configured")?;
/// let options = Options::new(secrets.as_slice()).settings(&settings).build()?;
/// # Ok(())
/// # }
/// ```
///
/// `Debug` does not show the secrets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SessionSettings {
    /// What signs the cookie: for [`Options::new`](crate::Options::new). It is not put over the code's by itself.
    pub secret: Option<SecretSetting>,
    /// `allow_weak_secret`: a boolean.
    pub allow_weak_secret: Option<bool>,
    /// `name`: a text.
    pub name: Option<String>,
    /// `cookie`: a section of its own.
    pub cookie: CookieSettings,
    /// `allow_rejected_cookie`: a boolean.
    pub allow_rejected_cookie: Option<bool>,
    /// `resave`: a boolean.
    pub resave: Option<bool>,
    /// `save_uninitialized`: a boolean.
    pub save_uninitialized: Option<bool>,
    /// `rolling`: a boolean.
    pub rolling: Option<bool>,
    /// `unset`: `"keep"` or `"destroy"`.
    #[serde(deserialize_with = "word")]
    pub unset: Option<Unset>,
    /// `proxy`: a boolean.
    pub proxy: Option<bool>,
    /// `trust_proxy`: a list of the proxies' addresses.
    pub trust_proxy: Option<Vec<IpAddr>>,
    /// `touch_after_ms`: as [`TouchAfter::Elapsed`]; 0 is [`TouchAfter::Always`].
    #[serde(rename = "touch_after_ms", deserialize_with = "milliseconds")]
    pub touch_after: Option<Duration>,
    /// `absolute_timeout_ms`: milliseconds, at least 1.
    #[serde(rename = "absolute_timeout_ms", deserialize_with = "milliseconds")]
    pub absolute_timeout: Option<Duration>,
    /// `first_life_ms`: milliseconds; 0 is none.
    #[serde(rename = "first_life_ms", deserialize_with = "milliseconds")]
    pub first_life: Option<Duration>,
    /// `successor_grace_ms`: milliseconds; 0 turns it off.
    #[serde(rename = "successor_grace_ms", deserialize_with = "milliseconds")]
    pub successor_grace: Option<Duration>,
    /// `reissue`: a boolean.
    pub reissue: Option<bool>,
    /// `store_outage`: `"error"`, `"service_unavailable"` or `"without_session"`.
    #[serde(deserialize_with = "word")]
    pub store_outage: Option<StoreOutage>,
    /// `store_timeout_ms`: milliseconds, at least 1.
    #[serde(rename = "store_timeout_ms", deserialize_with = "milliseconds")]
    pub store_timeout: Option<Duration>,
    /// `lazy`: a boolean.
    pub lazy: Option<bool>,
    /// `on_conflict`: `"merge"` or `"fail"`.
    #[serde(deserialize_with = "word")]
    pub on_conflict: Option<OnConflict>,
    /// `save_without_cookie`: a boolean.
    pub save_without_cookie: Option<bool>,
    /// `cache_headers`: a boolean.
    pub cache_headers: Option<bool>,
    /// `clear_site_data`: a list of `"cache"`, `"cookies"` and `"storage"`.
    #[serde(deserialize_with = "words")]
    pub clear_site_data: Option<Vec<ClearSiteData>>,
    /// `owner_key`: a path of keys, such as `user.id`.
    pub owner_key: Option<String>,
    /// `owner_limit`: `{ end_oldest = 5 }` or `{ refuse = 5 }`.
    pub owner_limit: Option<OwnerLimit>,
}

/// The section `cookie` of [`SessionSettings`]: the methods of [`CookieOptions`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CookieSettings {
    /// `max_age_ms`: milliseconds.
    #[serde(rename = "max_age_ms", deserialize_with = "milliseconds")]
    pub max_age: Option<Duration>,
    /// `path`: a text that begins with `/`.
    pub path: Option<String>,
    /// `domain`: a text.
    pub domain: Option<String>,
    /// `http_only`: a boolean.
    pub http_only: Option<bool>,
    /// `secure`: true, false or `"auto"`.
    pub secure: Option<Secure>,
    /// `same_site`: `"strict"`, `"lax"`, `"none"`, `"auto"`, or `"unset"` for no attribute.
    pub same_site: Option<SameSiteOption>,
    /// `partitioned`: a boolean.
    pub partitioned: Option<bool>,
    /// `priority`: `"low"`, `"medium"` or `"high"`.
    #[serde(deserialize_with = "word")]
    pub priority: Option<Priority>,
}

impl OptionsBuilder {
    /// Puts the settings over what was said so far; they hold no more than what they say. The secrets stay.
    ///
    /// Where [`cookie_with`](Self::cookie_with) chooses the cookie, its settings are put over each choice.
    pub fn settings(mut self, settings: &SessionSettings) -> Self {
        fn set<T>(option: &mut T, setting: Option<T>) {
            if let Some(setting) = setting {
                *option = setting;
            }
        }
        set(&mut self.allow_weak_secret, settings.allow_weak_secret);
        let options = &mut self.options;
        set(&mut options.allow_rejected_cookie, settings.allow_rejected_cookie);
        set(&mut options.resave, settings.resave);
        set(&mut options.save_uninitialized, settings.save_uninitialized);
        set(&mut options.rolling, settings.rolling);
        set(&mut options.unset, settings.unset);
        set(&mut options.successor_grace, settings.successor_grace);
        set(&mut options.reissue, settings.reissue);
        set(&mut options.store_outage, settings.store_outage);
        set(&mut options.store_timeout, settings.store_timeout);
        set(&mut options.lazy, settings.lazy);
        set(&mut options.on_conflict, settings.on_conflict);
        set(&mut options.save_without_cookie, settings.save_without_cookie);
        set(&mut options.cache_headers, settings.cache_headers);
        options.proxy = settings.proxy.or(options.proxy);
        options.absolute_timeout = settings.absolute_timeout.or(options.absolute_timeout);
        options.owner_limit = settings.owner_limit.or(options.owner_limit);
        if let Some(elapsed) = settings.touch_after {
            options.touch_after = TouchAfter::Elapsed(elapsed);
        }
        if let Some(proxies) = settings.trust_proxy.clone() {
            options.trust_proxy = TrustProxy::When(Arc::new(move |peer| proxies.contains(&peer)));
        }
        let mut builder = self.cookie_settings(&settings.cookie);
        if let Some(name) = &settings.name {
            builder = builder.name(name);
        }
        if let Some(life) = settings.first_life {
            builder = builder.first_life(life);
        }
        if let Some(kinds) = &settings.clear_site_data {
            builder = builder.clear_site_data(kinds.iter().copied());
        }
        if let Some(path) = &settings.owner_key {
            builder = builder.owner_key(path.as_str());
        }
        builder
    }

    fn cookie_settings(self, settings: &CookieSettings) -> Self {
        match &self.options.cookie {
            CookieSource::Fixed { .. } => {
                let cookie = settings.over(self.cookie.clone());
                self.cookie(cookie)
            }
            CookieSource::PerRequest { choose, .. } => {
                let (choose, settings) = (Arc::clone(choose), settings.clone());
                self.cookie_with(move |request| settings.over(choose(request)))
            }
        }
    }
}

impl CookieSettings {
    /// The cookie options, with what these settings say in place of what was said there.
    fn over(&self, mut cookie: CookieOptions) -> CookieOptions {
        if let Some(max_age) = self.max_age {
            cookie = cookie.max_age(max_age);
        }
        if let Some(path) = &self.path {
            cookie = cookie.path(path);
        }
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain);
        }
        if let Some(http_only) = self.http_only {
            cookie = cookie.http_only(http_only);
        }
        if let Some(secure) = self.secure {
            cookie = cookie.secure(secure);
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(same_site);
        }
        if let Some(partitioned) = self.partitioned {
            cookie = cookie.partitioned(partitioned);
        }
        if let Some(priority) = self.priority {
            cookie = cookie.priority(priority);
        }
        cookie
    }
}

/// A whole number of milliseconds, as Node counts time.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
}

/// One of an enum's words. Read as a text first: not every format's own error for an enum says which words there are.
fn word<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| T::deserialize(StringDeserializer::new(text))).transpose()
}

/// A list of them.
fn words<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(deserializer)?.map(Vec::into_iter);
    texts.map(|texts| texts.map(|text| T::deserialize(StringDeserializer::new(text))).collect()).transpose()
}
