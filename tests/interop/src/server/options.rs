//! express-session's options, as JSON, made into ours.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use express_session_actix::{CookieOptions, Options, Unset};

use super::{Sabotage, Shared, genid};
use crate::config::OptionSet;

/// The same options for our middleware.
pub(super) fn session_options(set: &OptionSet, shared: &Shared) -> Result<Options> {
    let mut secrets = set.secrets();
    if shared.sabotage == Some(Sabotage::ThirdSecret) {
        secrets.truncate(2);
    }
    let skips_unset = shared.sabotage == Some(Sabotage::Unset) && set.is_on("rolling");
    // Node sends what browsers reject, such as `SameSite=None` without `Secure`.
    let mut builder = Options::express(secrets).allow_rejected_cookie(true).genid_with(genid);
    for (name, value) in &set.session {
        let milliseconds = || value.as_u64().map(Duration::from_millis).context("milliseconds");
        let flag = || value.as_bool().with_context(|| format!("{name} is a boolean"));
        builder = match name.as_str() {
            "secret" => builder,
            "name" => builder.name(value.as_str().context("name is text")?),
            "resave" => builder.resave(flag()?),
            "saveUninitialized" => builder.save_uninitialized(flag()?),
            "rolling" => builder.rolling(flag()?),
            "proxy" => builder.proxy(flag()?),
            // Ours alone; express-session does not look at these three.
            "successorGrace" => builder.successor_grace(milliseconds()?),
            "absoluteTimeout" => builder.absolute_timeout(milliseconds()?),
            "reissue" => builder.reissue(flag()?),
            "unset" if value == "destroy" && !skips_unset => builder.unset(Unset::Destroy),
            "unset" => builder.unset(Unset::Keep),
            "cookie" => {
                let mut cookie = CookieOptions::new();
                for (name, value) in value.as_object().context("cookie is an object")? {
                    cookie = cookie.assign(name, Some(value))?;
                }
                builder.cookie(cookie)
            }
            other => bail!("the lab does not know the option {other}"),
        };
    }
    Ok(builder.build()?)
}
