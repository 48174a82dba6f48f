//! The JavaScript literals that the recorded option objects are written in.

use express_session_testbed::vectors::untranslatable;
use serde_json::Value;

/// A literal, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Js {
    Undefined,
    Json(Value),
    /// A number that JSON cannot hold.
    Number(f64),
    /// `new Date(..)`, in milliseconds; `None` is an invalid date.
    Date(Option<i64>),
    /// A function, kept as text.
    Function(String),
    /// The members, in JavaScript's order.
    Object(Vec<(String, Js)>),
}

impl Js {
    /// A value with the markers `$undefined`, `$date`, `$num` and `$fn`.
    pub(crate) fn from_markers(value: &Value) -> Self {
        let Some(object) = value.as_object() else { return Self::Json(value.clone()) };
        match object.iter().next() {
            Some((key, _)) if key == "$undefined" => Self::Undefined,
            Some((key, text)) if key == "$date" => {
                Self::Date(text.as_str().and_then(parse_date).or_else(|| text.as_i64()))
            }
            Some((key, text)) if key == "$num" => {
                let text = text.as_str().unwrap();
                let number =
                    if text == "NaN" { f64::NAN } else { text.replace("Infinity", "inf").parse().unwrap() };
                Self::Number(number)
            }
            Some((key, text)) if key == "$fn" => Self::Function(text.as_str().unwrap().to_owned()),
            _ => Self::Object(
                object.iter().map(|(key, value)| (key.clone(), Self::from_markers(value))).collect(),
            ),
        }
    }

    /// JavaScript's truthiness.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Json(Value::Null | Value::Bool(false)) => false,
            Self::Json(Value::String(text)) => !text.is_empty(),
            Self::Json(Value::Number(number)) => number.as_f64() != Some(0.0),
            Self::Number(number) => !number.is_nan(),
            _ => true,
        }
    }
}

/// Reads an object literal such as `{ maxAge: 60000, path: '/', expires: new Date('…') }`.
pub(crate) fn parse(text: &str) -> Js {
    let mut reader = Reader { rest: text.trim() };
    let value = reader.value();
    if !reader.rest.trim().is_empty() {
        untranslatable(format_args!("no literal: {text}"));
    }
    value
}

/// A string literal with its escapes, or a `.repeat(n)` of one. `None` if it holds half a surrogate pair.
pub(crate) fn parse_string(text: &str) -> Option<String> {
    let mut reader = Reader { rest: text.trim() };
    let string = reader.string()?;
    match reader.rest.trim().strip_prefix(".repeat(") {
        Some(times) => Some(string.repeat(times.strip_suffix(')')?.parse().ok()?)),
        None => reader.rest.trim().is_empty().then_some(string),
    }
}

pub(crate) fn parse_date(text: &str) -> Option<i64> {
    use time::OffsetDateTime;
    use time::format_description::well_known::Iso8601;
    let at = OffsetDateTime::parse(text, &Iso8601::PARSING).ok()?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "._+-$".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word.to_owned()
    }

    fn value(&mut self) -> Js {
        if self.eat("{") {
            return self.object();
        }
        if self.eat("new Date(") {
            let date = if self.rest.starts_with('\'') {
                parse_date(&self.string().expect("a date"))
            } else {
                self.word().parse().ok()
            };
            assert!(self.eat(")"), "a literal date");
            return Js::Date(date);
        }
        if self.rest.trim_start().starts_with('\'') {
            return Js::Json(Value::String(self.string().expect("no attribute is half a character")));
        }
        match &*self.word() {
            "undefined" => Js::Undefined,
            "null" => Js::Json(Value::Null),
            "true" => Js::Json(true.into()),
            "false" => Js::Json(false.into()),
            word => {
                let number = word.parse().ok().and_then(serde_json::Number::from_f64);
                let number = number.unwrap_or_else(|| untranslatable(format_args!("no literal: {word}")));
                Js::Json(number.into())
            }
        }
    }

    fn object(&mut self) -> Js {
        let mut members = Vec::new();
        while !self.eat("}") {
            let key =
                if self.rest.trim_start().starts_with('\'') { self.string().unwrap() } else { self.word() };
            if !self.eat(":") {
                untranslatable(format_args!("no member: {}", self.rest));
            }
            members.push((key, self.value()));
            self.eat(",");
        }
        Js::Object(members)
    }

    /// `None` for a lone surrogate.
    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| "'\"".contains(*c))?;
        let mut units: Vec<u16> = Vec::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                _ if char == quote => {
                    self.rest = &self.rest[at + 2..];
                    return String::from_utf16(&units).ok();
                }
                '\\' => match chars.next()?.1 {
                    'n' => units.push(10),
                    't' => units.push(9),
                    'r' => units.push(13),
                    'b' => units.push(8),
                    'f' => units.push(12),
                    'v' => units.push(11),
                    '0' => units.push(0),
                    'u' => {
                        let digits: String = (0..4).filter_map(|_| chars.next()).map(|(_, c)| c).collect();
                        units.push(u16::from_str_radix(&digits, 16).ok()?);
                    }
                    other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
                },
                other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
            }
        }
        None
    }
}
