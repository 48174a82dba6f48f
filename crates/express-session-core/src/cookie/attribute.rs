//! The value of one cookie attribute, as JavaScript has it.

use std::borrow::Cow;

use serde_json::Value;

use crate::clock::UnixMillis;
use crate::js::json;

/// The JavaScript value of one cookie attribute.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) enum Attribute {
    /// `undefined`: not written.
    #[default]
    Missing,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'static, str>),
    /// An array or object; only a foreign document can hold one.
    Other(Box<Value>),
}

impl Attribute {
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Missing | Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Other(_) => true,
        }
    }

    /// JavaScript's `== null`.
    pub(crate) fn is_nullish(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Missing | Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => json::write_f64(*number, out),
            Self::Text(text) => json::write_string(text, out),
            Self::Other(value) => json::write_value(value, out),
        }
    }
}

impl From<&Value> for Attribute {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(text.clone().into()),
            other => Self::Other(Box::new(other.clone())),
        }
    }
}

/// `cookie._expires`: a `Date` (`None` is an invalid one) or a value kept as it was assigned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expires {
    Date(Option<UnixMillis>),
    Plain(Attribute),
}
