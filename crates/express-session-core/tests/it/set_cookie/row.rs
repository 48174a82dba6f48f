//! A recorded row's options, handler and request, in our words.

use std::time::Duration;

use express_session_core::{CookieOptions, OptionsBuilder, Session, SessionId, UnixMillis, Unset};
use express_session_testbed::vectors::{list, text, untranslatable};
use serde_json::{Value, json};

use crate::support::js::{self, Js};
use crate::support::options::{Untranslatable, builder, cookie_options};
use crate::support::request::Head;
use crate::support::spy::Spy;
use crate::support::{NOW, SID};

pub(super) fn options(row: &Value) -> Result<OptionsBuilder, Untranslatable> {
    let id = SessionId::parse(SID).unwrap();
    let mut options = builder().resave(false).save_uninitialized(true).genid(move || id.clone());
    for (name, value) in row["options"].as_object().unwrap() {
        let value = Js::from_markers(value);
        options = match (&**name, &value) {
            (_, Js::Undefined) => options,
            ("cookie", Js::Function(function)) => cookie_function(options, function)?,
            ("cookie", cookie) => options.cookie(cookie_options(cookie)?),
            ("name", Js::Json(Value::String(name))) => options.name(name),
            // The old name of `name`, which wins.
            ("key", Js::Json(Value::String(key))) if row["options"]["name"].is_null() => options.name(key),
            ("key", _) => options,
            ("resave", flag) => options.resave(flag.is_truthy()),
            ("saveUninitialized", flag) => options.save_uninitialized(flag.is_truthy()),
            ("rolling", flag) => options.rolling(flag.is_truthy()),
            ("proxy", flag) => options.proxy(flag.is_truthy()),
            ("unset", Js::Json(Value::String(unset))) => {
                options.unset(if unset == "destroy" { Unset::Destroy } else { Unset::Keep })
            }
            ("genid", Js::Function(function)) => {
                let text = function.strip_prefix("() => ");
                let text = text.unwrap_or_else(|| untranslatable(format_args!("unknown genid {function:?}")));
                let id = js::parse_string(text).ok_or(Untranslatable::Type)?;
                let id = SessionId::parse(id).map_err(|_| Untranslatable::Type)?;
                options.genid(move || id.clone())
            }
            other => untranslatable(format_args!("unknown option {other:?}")),
        };
    }
    Ok(options)
}

/// The recorded cookie functions, by their text.
fn cookie_function(options: OptionsBuilder, function: &str) -> Result<OptionsBuilder, Untranslatable> {
    if function.starts_with("async ") {
        // The promise is an object without any of the attributes.
        return Ok(options.cookie_with(|_| CookieOptions::new()));
    }
    let body = function.split_once("=> ").map_or("", |(_, body)| body);
    let Some(object) = body.strip_prefix('(').and_then(|body| body.strip_suffix(')')) else {
        if body != "null" {
            untranslatable(format_args!("unknown cookie function {function:?}"));
        }
        return Err(Untranslatable::Type);
    };
    if let Some((rest, _)) = object.split_once(", httpOnly: req.headers['x-h'] === '1'") {
        let fixed = cookie_options(&js::parse(&format!("{rest} }}")))?;
        return Ok(options.cookie_with(move |request| {
            let mut one = false;
            request.headers("x-h", &mut |value| one = value == b"1");
            fixed.clone().http_only(one)
        }));
    }
    let fixed = cookie_options(&js::parse(object))?;
    Ok(options.cookie_with(move |_| fixed.clone()))
}

fn assign(session: &Session, name: &str, value: &Value) {
    session.cookie_mut().assign(name, Some(value), NOW).unwrap();
}

/// The recorded handlers, by their text. `None` is a handler that Rust cannot have.
pub(super) fn handle(session: Option<&Session>, handler: &str, spy: &Spy) -> Option<()> {
    if handler == "res.end(String(req.session))" {
        assert!(session.is_none(), "outside of the cookie's path there is no session");
        return Some(());
    }
    let session = session.expect("a session");
    let n = |n: i32| session.insert("n", n).unwrap();
    match handler {
        "res.end('ok')"
        | "res.end()"
        | "res.statusCode = 304; res.end()"
        | "res.statusCode = 204; res.end()"
        | "next()"
        // What the handler does to the response's headers is the adapter's to keep.
        | "res.cookie('a', '1'); res.end('ok')"
        | "res.setHeader('Set-Cookie', 'a=1'); res.end('ok')"
        | "res.setHeader('Set-Cookie', ['a=1', 'b=2']); res.end('ok')"
        | "res.writeHead(201, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2']); res.end('ok')"
        | "res.setHeader('Set-Cookie', 'connect.sid=x'); res.end('ok')" => {}
        "req.session.n = 1; res.end('ok')"
        | "req.session.n = 1; res.redirect('/next')"
        | "res.write('a'); req.session.n = 1; res.end('b')" => n(1),
        "req.session.n = 1; req.session.cookie.path = '/;x'; res.end('ok')" => {
            n(1);
            session.cookie_mut().set_path(Some("/;x"));
        }
        "req.session.n = 1; req.session.cookie.path = '/<x'; res.end('ok')" => {
            n(1);
            session.cookie_mut().set_path(Some("/<x"));
        }
        "req.session.n = 1; req.session.cookie.path = '/é'; res.end('ok')" => {
            n(1);
            session.cookie_mut().set_path(Some("/é"));
        }
        "advance(10000); req.session.n = 1; res.end('ok')" => {
            spy.clock.advance(Duration::from_secs(10));
            n(1);
        }
        "req.session.cookie.maxAge = 120000; res.end('ok')" => {
            session.cookie_mut().set_max_age(Some(Duration::from_mins(2)));
        }
        "req.session.n = 5; req.session.cookie.maxAge = 120000; res.end('ok')" => {
            n(5);
            assign(session, "maxAge", &json!(120_000));
        }
        "req.session.cookie.expires = new Date(Date.now() + 5000); res.end('ok')" => {
            session.cookie_mut().set_expires(UnixMillis(NOW.0 + 5000).into());
        }
        "req.session.cookie.expires = false; res.end('ok')" => assign(session, "expires", &json!(false)),
        "Object.assign(req.session.cookie, { httpOnly: false, sameSite: 'lax', secure: false, domain: 'h.example' }); res.end('ok')" => {
            assign(session, "httpOnly", &json!(false));
            assign(session, "sameSite", &json!("lax"));
            assign(session, "secure", &json!(false));
            assign(session, "domain", &json!("h.example"));
        }
        "req.session.cookie.secure = true; res.end('ok')" => session.cookie_mut().set_secure(true),
        "delete req.session; res.end('ok')" => session.unset(),
        "req.session.cookie = { path: '/p' }; res.end('ok')" | "req.sessionID = 'other'; res.end('ok')" => {
            return None;
        }
        other => untranslatable(format_args!("unknown handler {other:?}")),
    }
    Some(())
}

pub(super) fn head(row: &Value) -> Head {
    let request = &row["request"];
    let mut head = Head::new().target(text(request, "path")).tls(request["tls"].as_bool().unwrap());
    for line in list(request, "headers") {
        head = head.line(line.as_str().unwrap());
    }
    head
}
