//! Reads an app's configuration: the file, then the environment. Says of what is wrong where it stands.

use std::env;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError as Reason, File, FileFormat, Map, Value};
use serde::Deserialize;

use crate::environment::Override;
use crate::locate::locate;

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

/// Where the values come from.
#[derive(Debug)]
pub(crate) struct Origins {
    /// The file's name, for messages.
    file: String,
    /// Key and variable.
    overridden: Vec<(String, String)>,
}

impl Origins {
    /// Where the value of a key stands, or would stand: a variable or a place in the file.
    pub(crate) fn place(&self, key: &str) -> String {
        match self.variable(key) {
            Some(variable) => format!("the environment variable {variable}"),
            None => self.place_in_file(key),
        }
    }

    /// The variable that overrides a key.
    pub(crate) fn variable(&self, key: &str) -> Option<&str> {
        let last = self.overridden.iter().rev().find(|(overridden, _)| overridden == key);
        last.map(|(_, variable)| variable.as_str())
    }

    /// A variable that overrides something in the value of a key.
    fn variable_below(&self, key: &str) -> Option<&str> {
        let is_below = |below: &str| below.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let below = self.overridden.iter().rev().find(|(overridden, _)| is_below(overridden));
        below.map(|(_, variable)| variable.as_str())
    }

    /// The variable that overrides the option of `section` that an error is about: one whose name it says.
    pub(crate) fn variable_named_in(&self, section: &str, error: &str) -> Option<&str> {
        let is_named = |key: &str| {
            let name = key.strip_prefix(section).and_then(|key| key.strip_prefix('.'));
            let name = name.map(|name| name.rsplit('.').next().unwrap_or(name));
            name.is_some_and(|name| error.contains(name.strip_suffix("_ms").unwrap_or(name)))
        };
        let named = self.overridden.iter().rev().find(|(key, _)| is_named(key));
        named.map(|(_, variable)| variable.as_str())
    }

    /// As `secret` under [session] in config/app.toml.
    pub(crate) fn place_in_file(&self, key: &str) -> String {
        let file = &self.file;
        match key.split_once('.') {
            Some((section, name)) => format!("`{name}` under [{section}] in {file}"),
            None => format!("`{key}` in {file}"),
        }
    }

    /// The section itself.
    pub(crate) fn section(&self, section: &str) -> String {
        if section.is_empty() { self.file.clone() } else { format!("{} [{section}]", self.file) }
    }

    /// What is wrong with a section, and whether the environment has it so.
    fn explain(&self, section: &str, error: &Reason) -> ConfigError {
        let (within, reason) = split(error);
        let parent =
            [section, &within].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        // An unknown key is an error of the section it stands in, and quoted first.
        let unknown = reason.split('`').nth(1).unwrap_or_default();
        let candidates = [parent.clone(), format!("{parent}.{unknown}"), unknown.to_owned()];
        // What is wrong with a part of a value is an error of the whole.
        let part = || self.variable_below(&parent).filter(|_| !within.is_empty());
        if let Some(variable) = candidates.iter().find_map(|key| self.variable(key)).or_else(part) {
            let place = if within.is_empty() { String::new() } else { format!(": `{within}`") };
            let section = self.section(section);
            return ConfigError(format!("the environment variable {variable} ({section}{place}): {reason}"));
        }
        let key = if within.is_empty() { String::new() } else { format!(" for key `{within}`") };
        ConfigError(format!("{}: {reason}{key}", self.section(section)))
    }
}

/// The key an error is about, as far as it is known, and what is wrong.
fn split(error: &Reason) -> (String, String) {
    match error {
        Reason::Type { unexpected, expected, key, .. } => {
            (key.clone().unwrap_or_default(), format!("invalid type: {unexpected}, expected {expected}"))
        }
        Reason::At { error, key, .. } => (key.clone().unwrap_or_default(), split(error).1),
        Reason::NotFound(key) => (String::new(), format!("`{key}` is missing")),
        other => (String::new(), one_line(&other.to_string())),
    }
}

/// A configuration, section by section.
#[derive(Debug)]
pub(crate) struct Sections {
    pub(crate) origins: Origins,
    sections: Map<String, Value>,
}

impl Sections {
    /// Reads the file (`config/<app>.toml` if none is given) and what the environment overrides.
    pub(crate) fn read(
        app: &str,
        file: Option<PathBuf>,
        overrides: Vec<Override>,
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
        Self::parse(file, &text, overrides)
    }

    fn parse(file: String, text: &str, overrides: Vec<Override>) -> Result<Self, ConfigError> {
        let mut builder = Config::builder().add_source(File::from_str(text, FileFormat::Toml));
        let mut overridden = Vec::new();
        for Override { variable, key, value } in overrides {
            builder = builder.set_override(&key, value).map_err(|error| {
                let reason = one_line(&error.to_string());
                ConfigError(format!("the environment variable {variable} names no key: {reason}"))
            })?;
            overridden.push((key, variable));
        }
        let sections = builder
            .build()
            .and_then(|config| config.cache.into_table())
            .map_err(|error| ConfigError(format!("{file}: {}", one_line(&error.to_string()))))?;
        Ok(Self { origins: Origins { file, overridden }, sections })
    }

    /// Takes out one section; a missing one counts as empty.
    pub(crate) fn take<'de, T: Deserialize<'de>>(&mut self, section: &str) -> Result<T, ConfigError> {
        let value = self.sections.remove(section).unwrap_or_else(|| Value::from(Map::<String, Value>::new()));
        T::deserialize(value).map_err(|error| self.origins.explain(section, &error))
    }

    /// Everything that was not taken out.
    pub(crate) fn rest<'de, T: Deserialize<'de>>(&mut self) -> Result<T, ConfigError> {
        let rest = Value::from(std::mem::take(&mut self.sections));
        T::deserialize(rest).map_err(|error| self.origins.explain("", &error))
    }
}

/// A path as a person would write it from here.
fn short_name(path: &Path) -> String {
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
    use crate::settings::Server;

    fn sections(text: &str, overrides: &[(&str, &str, &str)]) -> Result<Sections, ConfigError> {
        let overrides = overrides.iter().map(|(variable, key, value)| Override {
            variable: (*variable).to_owned(),
            key: (*key).to_owned(),
            value: Value::from(*value),
        });
        Sections::parse("config/a.toml".to_owned(), text, overrides.collect())
    }

    fn complaint(text: &str, overrides: &[(&str, &str, &str)]) -> String {
        sections(text, overrides).unwrap().take::<Server>("server").unwrap_err().to_string()
    }

    #[test]
    fn a_syntax_error_is_one_line_without_the_offending_text() {
        let line = sections("secret = \"hush\nport = 1", &[]).unwrap_err().to_string();
        assert!(line.starts_with("config/a.toml: TOML parse error at line 1"), "{line}");
        assert!(!line.contains("hush") && !line.contains('\n'), "{line}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_with_its_key() {
        assert_eq!(
            complaint("[server]\nport = \"many\"", &[]),
            "config/a.toml [server]: invalid type: string \"many\", expected an integer for key `port`"
        );
    }

    #[test]
    fn what_the_environment_has_wrong_is_the_variables_fault() {
        let file = "[server]\nport = 80\nhost = \"127.0.0.1\"";
        assert_eq!(
            complaint(file, &[("APP__SERVER__HOST", "server.host", "::1"), ("PORT", "server.port", "many")]),
            "the environment variable PORT (config/a.toml [server]: `port`): invalid type: string \"many\", \
             expected an integer"
        );
        let line = complaint(file, &[("APP__SERVER__PROT", "server.prot", "80")]);
        assert!(
            line.starts_with("the environment variable APP__SERVER__PROT (config/a.toml [server]): "),
            "{line}"
        );
        assert!(line.contains("unknown field `prot`") && line.contains("`port`"), "{line}");
    }
}
