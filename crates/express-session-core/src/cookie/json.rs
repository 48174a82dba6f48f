//! The cookie as JSON: attributes by their JavaScript names, in Node's order.

use serde_json::Value;

use crate::clock::UnixMillis;
use crate::cookie::attribute::{Attribute, Expires};
use crate::cookie::{Cookie, CookieError, ms_between, recent_attributes};
use crate::document::index::{self, Members};
use crate::js::{date, json};

/// The attributes of a stored cookie, in the order Node writes them; all other fields are unknown to it.
const ATTRIBUTES: [&str; 9] = [
    "originalMaxAge",
    "partitioned",
    "priority",
    "expires",
    "secure",
    "httpOnly",
    "domain",
    "path",
    "sameSite",
];

impl Cookie {
    /// Assigns an attribute by its JavaScript name, as `cookie[name] = value` would; `None` is `undefined`.
    ///
    /// For option objects that come from Node. `maxAge` and `expires` set each other, as there; a name that is
    /// not an attribute changes nothing.
    ///
    /// # Errors
    ///
    /// [`CookieError::OriginalMaxAge`] if a lifetime is neither a number nor empty.
    pub fn assign(&mut self, name: &str, value: Option<&Value>, now: UnixMillis) -> Result<(), CookieError> {
        let attribute = value.map_or(Attribute::Missing, Attribute::from);
        match name {
            "maxAge" => match attribute {
                Attribute::Number(ms) => self.set_max_age_ms(ms, now),
                other if other.is_truthy() => return Err(CookieError::OriginalMaxAge),
                other => {
                    self.original_max_age = other.clone();
                    self.expires = Expires::Plain(other);
                }
            },
            "expires" => match attribute {
                Attribute::Text(ref text) if !text.is_empty() => {
                    let at = date::parse(text);
                    self.expires = Expires::Date(at);
                    self.original_max_age = Attribute::Number(at.map_or(f64::NAN, |at| ms_between(now, at)));
                }
                other => {
                    self.original_max_age = other.clone();
                    self.expires = Expires::Plain(other);
                }
            },
            "originalMaxAge" => {
                if !matches!(attribute, Attribute::Number(_)) && attribute.is_truthy() {
                    return Err(CookieError::OriginalMaxAge);
                }
                self.original_max_age = attribute;
            }
            "partitioned" => self.attributes_mut().partitioned = attribute,
            "priority" => self.attributes_mut().priority = attribute,
            "secure" => self.attributes_mut().secure = attribute,
            "httpOnly" => self.attributes_mut().http_only = attribute,
            "domain" => self.attributes_mut().domain = attribute,
            "path" => self.attributes_mut().path = attribute,
            "sameSite" => self.attributes_mut().same_site = attribute,
            // Node's object takes it, but neither writes nor sends it.
            _ => {}
        }
        Ok(())
    }

    /// Reads the `cookie` of a stored document; `text` is its JSON.
    ///
    /// A missing path becomes `/`, a missing `httpOnly` true; everything else stays absent. The configured
    /// options are not consulted. Source: express-session `session/store.js`, `createSession`.
    pub(crate) fn decode(text: &str) -> Result<Self, CookieError> {
        let fields = match (index::members(text), serde_json::from_str::<Value>(text)) {
            (Ok(fields), _) => fields,
            // Falsy but not null passes in Node too, and so does an array: all attributes are then defaults.
            (_, Ok(Value::Array(_))) => Members::new(),
            (_, Ok(value)) if !value.is_null() && !Attribute::from(&value).is_truthy() => Members::new(),
            _ => return Err(CookieError::NotAnObject),
        };
        let mut cookie = Self::usual(Attribute::Missing, Expires::Plain(Attribute::Missing));
        for field in fields {
            let (raw_name, text) = (field.key.of(text), field.value.of(text));
            let Some(name) = ATTRIBUTES.into_iter().find(|name| index::spells(raw_name, name)) else {
                cookie.attributes_mut().unknown.push((raw_name.into(), text.into()));
                continue;
            };
            // A lone surrogate is the one thing that can fail here, and no attribute may hold one.
            let value = serde_json::from_str(text).map_err(|_| CookieError::NotAnObject)?;
            match (name, &value) {
                ("expires", Value::String(date)) => cookie.expires = Expires::Date(date::parse(date)),
                ("expires", other) => cookie.expires = Expires::Plain(other.into()),
                // Nothing here depends on the instant: the one lifetime that does was handled above.
                (name, value) => cookie.assign(name, Some(value), UnixMillis(0))?,
            }
        }
        Ok(cookie)
    }

    /// A cookie with a usual lifetime whose other attributes have been met before, read without a JSON parser.
    /// [`encode`](Self::encode) writes it exactly as it was read.
    pub(crate) fn decode_usual(text: &str) -> Option<Self> {
        let (original_max_age, expires, attributes) = usual_lifetime(text)?;
        if attributes == USUAL_ATTRIBUTES {
            return Some(Self::usual(original_max_age, expires));
        }
        Some(Self { original_max_age, expires, attributes: recent_attributes::find(attributes)? })
    }

    /// Keeps the attributes of a cookie that was written like this in mind for [`decode_usual`](Self::decode_usual).
    pub(crate) fn remember_attributes(&self, text: &str) {
        if let Some((.., attributes)) = usual_lifetime(text) {
            recent_attributes::remember(attributes, &self.attributes);
        }
    }

    /// `JSON.stringify(cookie)`: the nine attributes in Node's order, then the fields Node does not know.
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(96);
        self.write(&mut out);
        out
    }

    /// As [`encode`](Self::encode), at the end of a text.
    pub(crate) fn write(&self, out: &mut String) {
        if let (Attribute::Number(max_age), Expires::Date(Some(at)), true) =
            (&self.original_max_age, &self.expires, self.is_usual())
        {
            out.push_str("{\"originalMaxAge\":");
            json::write_f64(*max_age, out);
            out.push_str(",\"expires\":");
            date::write_json(*at, out);
            out.push_str(",\"httpOnly\":true,\"path\":\"/\"}");
            return;
        }
        let attributes = self.attributes();
        let mut separator = '{';
        let mut name = |name: &str, out: &mut String| {
            out.push(separator);
            separator = ',';
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
        };
        let fields = [
            ("originalMaxAge", Some(&self.original_max_age)),
            ("partitioned", Some(&attributes.partitioned)),
            ("priority", Some(&attributes.priority)),
            ("expires", None),
            ("secure", Some(&attributes.secure)),
            ("httpOnly", Some(&attributes.http_only)),
            ("domain", Some(&attributes.domain)),
            ("path", Some(&attributes.path)),
            ("sameSite", Some(&attributes.same_site)),
        ];
        for (field, value) in fields {
            match (value, &self.expires) {
                (Some(value), _) | (None, Expires::Plain(value)) => {
                    if *value != Attribute::Missing {
                        name(field, out);
                        value.write(out);
                    }
                }
                (None, Expires::Date(at)) => {
                    name(field, out);
                    match at {
                        Some(at) => date::write_json(*at, out),
                        None => out.push_str("null"),
                    }
                }
            }
        }
        for (raw_name, text) in &attributes.unknown {
            name(raw_name, out);
            out.push_str(text);
        }
        if separator == '{' {
            out.push('{');
        }
        out.push('}');
    }
}

/// What stands behind the lifetime of nearly every cookie.
const USUAL_ATTRIBUTES: &str = "\"httpOnly\":true,\"path\":\"/\"}";

/// The lifetime of a cookie, none or a whole number of milliseconds, and what stands behind it.
fn usual_lifetime(text: &str) -> Option<(Attribute, Expires, &str)> {
    let text = text.strip_prefix("{\"originalMaxAge\":")?;
    if let Some(attributes) = text.strip_prefix("null,\"expires\":null,") {
        return Some((Attribute::Null, Expires::Plain(Attribute::Null), attributes));
    }
    let (max_age, text) = text.split_at(text.find(|digit: char| !digit.is_ascii_digit())?);
    // With fewer digits than eleven, every whole number is a double.
    let canonical = max_age.len() <= 10 && !(max_age.starts_with('0') && max_age.len() > 1);
    let max_age: u32 = Some(max_age).filter(|_| canonical)?.parse().ok()?;
    let (expires, text) = text.strip_prefix(",\"expires\":\"")?.split_at_checked(24)?;
    let expires = date::parse_iso_string(expires)?;
    Some((Attribute::Number(max_age.into()), Expires::Date(Some(expires)), text.strip_prefix("\",")?))
}
