//! What the environment overrides, and which variable it was.

use std::env;
use std::ffi::OsString;

use config::Value;

use crate::config_file::ConfigError;

/// Before the keys that have no variable of their own: `APP__SERVER__WORKERS`.
const PREFIX: &str = "APP__";
const SEPARATOR: &str = "__";

/// An environment variable with a name of its own, and the key that it overrides.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
}

impl Variable {
    /// `name` as in the environment, `key` with dots, as in `session.secret`.
    pub const fn new(name: &'static str, key: &'static str) -> Self {
        Self { name, key }
    }
}

/// The port, known to every app.
pub(crate) const PORT: Variable = Variable::new("PORT", "server.port");
/// What signs the cookie.
pub const SESSION_SECRET: Variable = Variable::new("SESSION_SECRET", "session.secret");
/// Where MySQL is.
pub const DATABASE_URL: Variable = Variable::new("DATABASE_URL", "store.url");

/// One value of the environment.
#[derive(Debug)]
pub(crate) struct Override {
    /// The variable's name.
    pub(crate) variable: String,
    /// The key it overrides, with dots.
    pub(crate) key: String,
    /// A text, or a list of them if the text is one in JSON.
    pub(crate) value: Value,
}

/// The overrides in the environment; those with names of their own come last, and so win.
pub(crate) fn overrides(variables: &[Variable]) -> Result<Vec<Override>, ConfigError> {
    let mut overrides = Vec::new();
    for (name, value) in env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let key = key.to_lowercase().replace(SEPARATOR, ".");
        overrides.push(Override::new(name, key, value)?);
    }
    for Variable { name, key } in [PORT].iter().chain(variables) {
        if let Some(value) = env::var_os(name) {
            overrides.push(Override::new((*name).to_owned(), (*key).to_owned(), value)?);
        }
    }
    Ok(overrides)
}

impl Override {
    fn new(variable: String, key: String, value: OsString) -> Result<Self, ConfigError> {
        let text = value
            .into_string()
            .map_err(|_| ConfigError::new(format!("the environment variable {variable} is not text")))?;
        let value = match serde_json::from_str::<Vec<String>>(&text) {
            Ok(list) => Value::from(list),
            Err(_) => Value::from(text),
        };
        Ok(Self { variable, key, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Option<Vec<String>> {
        let read = Override::new("V".to_owned(), "k".to_owned(), text.into()).unwrap();
        let list = read.value.into_array().ok()?;
        list.into_iter().map(|item| item.into_string().ok()).collect()
    }

    #[test]
    fn a_json_list_of_texts_is_a_list_and_anything_else_a_text() {
        assert_eq!(list(r#"["new", "old"]"#).unwrap(), ["new", "old"]);
        for text in ["one, [with] marks", r#"["not a list"#, "[1]", "5", ""] {
            assert_eq!(list(text), None, "{text}");
        }
    }
}
