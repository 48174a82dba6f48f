//! Reads an app's configuration: the file, then the environment.

use std::env;
use std::path::PathBuf;

use config::{Config, Environment, File, FileFormat, Map, Value};
use serde::Deserialize;

use crate::locate::locate;
use crate::settings::Variable;

/// Where the overrides by key are looked for: `APP__SERVER__PORT`.
const PREFIX: &str = "APP";
const SEPARATOR: &str = "__";

/// Known to every app.
const PORT: Variable = Variable::new("PORT", "server.port");

/// Why the configuration cannot be used. One line, without values of secrets.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// A configuration, section by section.
#[derive(Debug)]
pub(crate) struct Sections {
    /// The file's name, for messages.
    pub(crate) file: String,
    sections: Map<String, Value>,
}

impl Sections {
    /// Reads the file (`config/<app>.toml` if none is given) and what the environment overrides.
    pub(crate) fn read(
        app: &str,
        file: Option<PathBuf>,
        variables: &[Variable],
    ) -> Result<Self, ConfigError> {
        let usual = format!("config/{app}.toml");
        let path = match file {
            Some(path) if path.is_file() => path,
            Some(path) => {
                return Err(ConfigError(format!("--config {}: there is no such file", path.display())));
            }
            None => locate(&usual).ok_or_else(|| {
                ConfigError(format!("{usual} is not here or in a folder above: give one by --config FILE"))
            })?,
        };
        let file = short_name(&path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ConfigError(format!("{file} cannot be read: {error}")))?;
        let mut builder = Config::builder()
            .add_source(File::from_str(&text, FileFormat::Toml))
            .add_source(Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR));
        for variable in [PORT].iter().chain(variables) {
            let Some(value) = env::var_os(variable.name) else { continue };
            let value = value.into_string().map_err(|_| {
                ConfigError(format!("the environment variable {} is not text", variable.name))
            })?;
            let origin = format!("the environment variable {}", variable.name);
            builder = builder
                .set_override(variable.key, Value::new(Some(&origin), value))
                .map_err(|error| ConfigError(one_line(&error.to_string())))?;
        }
        let sections = builder
            .build()
            .and_then(|config| config.cache.into_table())
            .map_err(|error| ConfigError(format!("{file}: {}", one_line(&error.to_string()))))?;
        Ok(Self { file, sections })
    }

    /// Takes out one section; a missing one counts as empty.
    pub(crate) fn take<'de, T: Deserialize<'de>>(&mut self, section: &str) -> Result<T, ConfigError> {
        let value = self.sections.remove(section).unwrap_or_else(|| Value::from(Map::<String, Value>::new()));
        self.decode(value, section)
    }

    /// Everything that was not taken out.
    pub(crate) fn rest<'de, T: Deserialize<'de>>(&mut self) -> Result<T, ConfigError> {
        let rest = std::mem::take(&mut self.sections);
        self.decode(Value::from(rest), "")
    }

    fn decode<'de, T: Deserialize<'de>>(&self, value: Value, section: &str) -> Result<T, ConfigError> {
        T::deserialize(value).map_err(|error| {
            let place = if section.is_empty() { String::new() } else { format!(" [{section}]") };
            ConfigError(format!("{}{place}: {}", self.file, one_line(&error.to_string())))
        })
    }
}

/// A path as a person would write it from here.
fn short_name(path: &std::path::Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// TOML's messages quote the line in between, which may hold a secret: the place and the reason are kept.
fn one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next_back() {
        Some(reason) => format!("{first}: {reason}"),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_is_one_line_without_the_offending_text() {
        let error = Config::builder()
            .add_source(File::from_str("secret = \"hush\nport = 1", FileFormat::Toml))
            .build()
            .unwrap_err();
        let line = one_line(&error.to_string());
        assert!(line.starts_with("TOML parse error at line 1"), "{line}");
        assert!(!line.contains("hush") && !line.contains('\n'), "{line}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_with_its_key() {
        #[derive(Debug, Deserialize)]
        struct Server {
            #[expect(dead_code, reason = "only the error counts")]
            port: u16,
        }
        let config =
            Config::builder().add_source(File::from_str("[server]\nport = \"many\"", FileFormat::Toml));
        let sections = config.build().and_then(|config| config.cache.into_table()).unwrap();
        let mut sections = Sections { file: "config/a.toml".to_owned(), sections };
        assert_eq!(
            sections.take::<Server>("server").unwrap_err().to_string(),
            "config/a.toml [server]: invalid type: string \"many\", expected an integer for key `port`"
        );
    }
}
