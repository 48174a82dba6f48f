//! The section `[session]`: express-session's options and ours, by the names the crates use. What it says counts more than
//! what the app's code says.

use std::net::IpAddr;

use express_session_core::{
    CookieOptions, Options, OptionsBuilder, OptionsError, Priority, SameSite, SameSiteOption, Secure,
    StoreOutage, TouchAfter, TrustProxy, Unset,
};
use serde::Deserialize;

use crate::settings::Millis;

/// What is not said stays as the app has it.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SessionSettings {
    secret: Option<SecretSetting>,
    allow_weak_secret: Option<bool>,
    name: Option<String>,
    resave: Option<bool>,
    save_uninitialized: Option<bool>,
    rolling: Option<bool>,
    unset: Option<UnsetSetting>,
    proxy: Option<bool>,
    /// Addresses of proxies whose `X-Forwarded-Proto` counts.
    trust_proxy: Option<Vec<IpAddr>>,
    touch_after_ms: Option<Millis>,
    absolute_timeout_ms: Option<Millis>,
    reissue: Option<bool>,
    store_outage: Option<OutageSetting>,
    store_timeout_ms: Option<Millis>,
    cookie: CookieSettings,
}

/// One secret, or several: the first signs, all verify.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum SecretSetting {
    One(String),
    Several(Vec<String>),
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CookieSettings {
    max_age_ms: Option<Millis>,
    path: Option<String>,
    domain: Option<String>,
    http_only: Option<bool>,
    secure: Option<SecureSetting>,
    same_site: Option<SameSiteSetting>,
    partitioned: Option<bool>,
    priority: Option<PrioritySetting>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnsetSetting {
    Keep,
    Destroy,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutageSetting {
    Error,
    ServiceUnavailable,
    WithoutSession,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecureSetting {
    #[serde(alias = "false", alias = "no")]
    Never,
    #[serde(alias = "true", alias = "yes")]
    Always,
    Auto,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SameSiteSetting {
    Strict,
    Lax,
    None,
    Auto,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PrioritySetting {
    Low,
    Medium,
    High,
}

impl SessionSettings {
    /// The secrets: these unless the configuration has others.
    pub(crate) fn secrets(&self, of_the_app: &[&str]) -> Vec<String> {
        match &self.secret {
            None => of_the_app.iter().map(|secret| (*secret).to_owned()).collect(),
            Some(SecretSetting::One(secret)) => listed(secret).unwrap_or_else(|| vec![secret.clone()]),
            Some(SecretSetting::Several(secrets)) => secrets.clone(),
        }
    }

    /// Whether what a peer says of the client it speaks for is believed.
    pub(crate) fn trusts_proxy(&self) -> impl Fn(IpAddr) -> bool + Send + Sync + 'static {
        let (always, proxies) = (self.proxy, self.trust_proxy.clone().unwrap_or_default());
        move |peer| always.unwrap_or_else(|| proxies.contains(&peer))
    }

    /// The app's options, overridden and checked.
    pub(crate) fn over(
        self,
        options: OptionsBuilder,
        cookie: CookieOptions,
    ) -> Result<Options, OptionsError> {
        let mut options = options.cookie(self.cookie.over(cookie));
        if let Some(allow) = self.allow_weak_secret {
            options = options.allow_weak_secret(allow);
        }
        if let Some(name) = self.name {
            options = options.name(&name);
        }
        if let Some(resave) = self.resave {
            options = options.resave(resave);
        }
        if let Some(save_uninitialized) = self.save_uninitialized {
            options = options.save_uninitialized(save_uninitialized);
        }
        if let Some(rolling) = self.rolling {
            options = options.rolling(rolling);
        }
        if let Some(unset) = self.unset {
            options = options.unset(match unset {
                UnsetSetting::Keep => Unset::Keep,
                UnsetSetting::Destroy => Unset::Destroy,
            });
        }
        if let Some(proxy) = self.proxy {
            options = options.proxy(proxy);
        }
        if let Some(proxies) = self.trust_proxy {
            let trusts = move |peer| proxies.contains(&peer);
            options = options.trust_proxy(TrustProxy::When(std::sync::Arc::new(trusts)));
        }
        if let Some(Millis(elapsed)) = self.touch_after_ms {
            options = options.touch_after(TouchAfter::Elapsed(elapsed));
        }
        if let Some(Millis(timeout)) = self.absolute_timeout_ms {
            options = options.absolute_timeout(timeout);
        }
        if let Some(reissue) = self.reissue {
            options = options.reissue(reissue);
        }
        if let Some(outage) = self.store_outage {
            options = options.store_outage(match outage {
                OutageSetting::Error => StoreOutage::Error,
                OutageSetting::ServiceUnavailable => StoreOutage::ServiceUnavailable,
                OutageSetting::WithoutSession => StoreOutage::WithoutSession,
            });
        }
        if let Some(Millis(timeout)) = self.store_timeout_ms {
            options = options.store_timeout(timeout);
        }
        options.build()
    }
}

/// The secrets in a JSON list, which is how an environment variable can name several.
fn listed(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

impl CookieSettings {
    fn over(self, mut cookie: CookieOptions) -> CookieOptions {
        if let Some(Millis(max_age)) = self.max_age_ms {
            cookie = cookie.max_age(max_age);
        }
        if let Some(path) = self.path {
            cookie = cookie.path(&path);
        }
        if let Some(domain) = self.domain {
            cookie = cookie.domain(&domain);
        }
        if let Some(http_only) = self.http_only {
            cookie = cookie.http_only(http_only);
        }
        if let Some(secure) = self.secure {
            cookie = cookie.secure(match secure {
                SecureSetting::Never => Secure::No,
                SecureSetting::Always => Secure::Yes,
                SecureSetting::Auto => Secure::Auto,
            });
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(match same_site {
                SameSiteSetting::Strict => SameSiteOption::Set(SameSite::Strict),
                SameSiteSetting::Lax => SameSiteOption::Set(SameSite::Lax),
                SameSiteSetting::None => SameSiteOption::Set(SameSite::None),
                SameSiteSetting::Auto => SameSiteOption::Auto,
            });
        }
        if let Some(partitioned) = self.partitioned {
            cookie = cookie.partitioned(partitioned);
        }
        if let Some(priority) = self.priority {
            cookie = cookie.priority(match priority {
                PrioritySetting::Low => Priority::Low,
                PrioritySetting::Medium => Priority::Medium,
                PrioritySetting::High => Priority::High,
            });
        }
        cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(setting: &str) -> Vec<String> {
        let settings = SessionSettings {
            secret: Some(SecretSetting::One(setting.to_owned())),
            ..SessionSettings::default()
        };
        settings.secrets(&["the article's"])
    }

    #[test]
    fn a_variable_names_one_secret_or_a_list_of_them() {
        assert_eq!(secrets("one, [with] marks"), ["one, [with] marks"]);
        assert_eq!(secrets(r#"["new", "old"]"#), ["new", "old"]);
        assert_eq!(secrets(r#"["not a list"#), [r#"["not a list"#]);
        assert_eq!(SessionSettings::default().secrets(&["the article's"]), ["the article's"]);
    }
}
