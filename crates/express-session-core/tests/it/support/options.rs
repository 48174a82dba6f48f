//! Option objects of Node servers as our options.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use express_session_core::{
    CookieError, CookieOptions, NoTimer, Options, OptionsBuilder, OptionsError, SessionId, SessionManager,
    UnixMillis,
};
use serde_json::Value;

use super::SECRET;
use super::js::Js;
use super::spy::Spy;

/// The base of most recordings: the secret that is too weak for anything but them.
pub(crate) fn builder() -> OptionsBuilder {
    Options::express([SECRET]).allow_weak_secret(true).allow_rejected_cookie(true)
}

/// Ids N1, N2, … in order.
pub(crate) fn numbered_ids(builder: OptionsBuilder) -> OptionsBuilder {
    let next = AtomicU32::new(1);
    builder.genid(move || SessionId::parse(format!("N{}", next.fetch_add(1, Ordering::SeqCst))).unwrap())
}

/// Our usual options for tests: only what was put there is stored, ids are numbered.
pub(crate) fn quiet() -> OptionsBuilder {
    numbered_ids(builder()).resave(false).save_uninitialized(false)
}

pub(crate) fn manager(options: OptionsBuilder, spy: &Spy) -> Result<SessionManager, OptionsError> {
    Ok(SessionManager::with_clock(spy.clone(), options.build()?, Arc::clone(&spy.clock), NoTimer))
}

/// Why a Node option object has no counterpart in Rust.
#[derive(Debug)]
pub(crate) enum Untranslatable {
    /// The value has a type that ours cannot have.
    Type,
    /// `assign` refuses it.
    Refused,
}

/// The option `cookie` as an object.
pub(crate) fn cookie_options(cookie: &Js) -> Result<CookieOptions, Untranslatable> {
    let Js::Object(members) = cookie else { return Err(Untranslatable::Type) };
    let mut options = CookieOptions::new();
    for (name, value) in members {
        let json = match value {
            Js::Undefined => None,
            Js::Json(value) => Some(value.clone()),
            Js::Date(Some(at)) if name == "expires" => {
                options = options.expires(SystemTime::from(UnixMillis(*at)));
                continue;
            }
            // No Rust instant is invalid; a text that is no date comes closest.
            Js::Date(None) if name == "expires" => Some("not a date".into()),
            // Node takes a date for the instant.
            Js::Date(Some(at)) if name == "maxAge" => {
                options = options.expires(SystemTime::from(UnixMillis(*at)));
                continue;
            }
            Js::Number(number) if name == "maxAge" && *number == f64::INFINITY => {
                options = options.max_age(std::time::Duration::MAX);
                continue;
            }
            Js::Date(_) | Js::Number(_) => return Err(Untranslatable::Type),
            Js::Function(text) => Some(Value::from(text.as_str())),
            Js::Object(_) => Some(Value::Object(serde_json::Map::new())),
        };
        options = options.assign(name, json.as_ref()).map_err(|_: CookieError| Untranslatable::Refused)?;
    }
    Ok(options)
}
