//! express-session's options, as JSON, made into ours.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use express_session_actix::{CookieOptions, Options, Unset};
use serde_json::Value;

use super::Shared;
use crate::config::OptionSet;

/// The same options for our middleware.
pub(super) fn session_options(set: &OptionSet, shared: &Shared) -> Result<Options> {
    let secrets: Vec<&str> = match set.session.get("secret") {
        Some(Value::String(secret)) => vec![secret],
        Some(Value::Array(secrets)) => secrets.iter().filter_map(Value::as_str).collect(),
        _ => bail!("no secret"),
    };
    let ids = shared.clone();
    // Node sends what browsers reject, such as `SameSite=None` without `Secure`.
    let mut builder = Options::express(secrets).allow_rejected_cookie(true).genid(move || ids.next_id());
    for (name, value) in &set.session {
        let flag = || value.as_bool().with_context(|| format!("{name} is a boolean"));
        builder = match name.as_str() {
            "secret" => builder,
            "name" => builder.name(value.as_str().context("name is text")?),
            "resave" => builder.resave(flag()?),
            "saveUninitialized" => builder.save_uninitialized(flag()?),
            "rolling" => builder.rolling(flag()?),
            "proxy" => builder.proxy(flag()?),
            // Ours alone; express-session does not look at it.
            "successorGrace" => {
                builder.successor_grace(Duration::from_millis(value.as_u64().context("milliseconds")?))
            }
            "unset" => builder.unset(if value == "destroy" { Unset::Destroy } else { Unset::Keep }),
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
