//! The `Cookie` header a client sends, well-behaved or not.

use express_session_core::Secrets;

use crate::config::OptionSet;
use crate::jar::Jar;
use crate::script::Sends;

/// The id in a session cookie's value, whatever its signature.
pub(crate) fn session_id(value: &str) -> Option<String> {
    let (id, _) = value.strip_prefix("s%3A")?.rsplit_once('.')?;
    Some(id.to_owned())
}

pub(crate) fn cookie_header(
    jar: &Jar,
    set: &OptionSet,
    path: &str,
    https: bool,
    now: i64,
    sends: Sends,
) -> Option<String> {
    let name = set.cookie_name();
    let pairs = jar.pairs(path, https, now);
    let session = |change: &dyn Fn(&str) -> String| -> Vec<String> {
        (pairs.iter())
            .map(|(key, value)| {
                format!("{key}={}", if *key == name { change(value) } else { (*value).to_owned() })
            })
            .collect()
    };
    let cookies = match sends {
        Sends::Jar => session(&str::to_owned),
        Sends::SecondSecret | Sends::ThirdSecret => session(&|value| signed_anew(value, set, sends)),
        Sends::Nothing => Vec::new(),
        Sends::Forged => session(&|value| {
            let last = if value.ends_with('A') { 'B' } else { 'A' };
            let mut forged = value.to_owned();
            forged.pop();
            forged.push(last);
            forged
        }),
        Sends::First => match jar.first(name) {
            Some(value) => vec![format!("{name}={value}")],
            None => Vec::new(),
        },
        Sends::Quoted => session(&|value| format!("\"{value}\"")),
        Sends::Decoded => session(&|value| value.replace("%3A", ":").replace("%2F", "/").replace("%2B", "+")),
        Sends::Garbage => vec![format!("{name}=s%3Anobody.nothing")],
        Sends::Twice => {
            std::iter::once(format!("{name}=s%3Astale.stale")).chain(session(&str::to_owned)).collect()
        }
        Sends::Crowded => std::iter::once("theme=".to_owned()).chain(session(&str::to_owned)).collect(),
    };
    (!cookies.is_empty()).then(|| cookies.join("; "))
}

/// The same id, signed with another secret; as it is if there is none.
fn signed_anew(value: &str, set: &OptionSet, sends: Sends) -> String {
    let secrets = set.secrets();
    let secret = sends.secret().and_then(|place| secrets.get(place));
    let signed = |secret: &&str| Some(Secrets::new([secret]).ok()?.cookie_value(&session_id(value)?));
    secret.and_then(signed).unwrap_or_else(|| value.to_owned())
}
