//! What `--help` says of the settings: the keys are asked of the structs that serde fills, so none is forgotten.

use std::fmt::{self, Write as _};

use express_session_core::SessionSettings;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::environment::{PORT, Variable};
use crate::settings::Server;

/// The end of the help text.
pub(crate) fn settings<Settings: de::DeserializeOwned>(app: &str, variables: &[Variable]) -> String {
    let mut help = format!(
        "Settings come from config/{app}.toml and, before it, from the environment: APP__<SECTION>__<KEY>,\n\
         for example APP__SERVER__HOST=0.0.0.0 or APP__SESSION__COOKIE__SECURE=true; a list is written as JSON.\n\
         config/README.md explains each.\n\nEnvironment variables with names of their own:\n"
    );
    let log = Variable::new("RUST_LOG", "server.log");
    for Variable { name, key } in [PORT].iter().chain(variables).chain([&log]) {
        // Writing to a text does not fail.
        let _ = writeln!(help, "  {name:<16} {key}");
    }
    let sections: [(&str, Vec<String>); 3] =
        [("server", keys::<Server>()), ("session", keys::<SessionSettings>()), ("", keys::<Settings>())];
    help.push_str("\nSections and their keys:\n");
    for (section, keys) in sections {
        let name = if section.is_empty() { "others".to_owned() } else { format!("[{section}]") };
        if !keys.is_empty() {
            let _ = writeln!(help, "  {name}\n{}", wrapped(&keys));
        }
    }
    help.trim_end().to_owned()
}

/// The keys in lines of 100 characters at most.
fn wrapped(keys: &[String]) -> String {
    let mut lines = vec![String::new()];
    for key in keys {
        if lines.last().is_some_and(|line| line.len() + key.len() > 90) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let _ = write!(line, "{}{key}", if line.is_empty() { "    " } else { " " });
        }
    }
    lines.join("\n")
}

/// The fields of a struct, those of the structs in it as `cookie.path`.
fn keys<T: de::DeserializeOwned>() -> Vec<String> {
    let top = fields::<T>(None);
    let nested = |field: &'static str| {
        let inner = fields::<T>(Some(field));
        if inner.is_empty() {
            vec![field.to_owned()]
        } else {
            inner.iter().map(|inner| format!("{field}.{inner}")).collect()
        }
    };
    top.iter().copied().flat_map(nested).collect()
}

/// The names that a struct asks for; with `within`, those that the struct in this field asks for.
fn fields<T: de::DeserializeOwned>(within: Option<&'static str>) -> &'static [&'static str] {
    match T::deserialize(Probe { within }) {
        Err(Asked(fields)) => fields,
        Ok(_) => &[],
    }
}

/// Gives a struct nothing, but notes what it asks for.
#[derive(Clone, Copy)]
struct Probe {
    within: Option<&'static str>,
}

/// The fields asked for, as the error that ends the question.
#[derive(Debug)]
struct Asked(&'static [&'static str]);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(&[]))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        visitor.visit_some(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Asked> {
        match self.within {
            Some(field) => visitor.visit_map(One(Some(field))),
            None => Err(Asked(fields)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A struct with this field alone.
struct One(Option<&'static str>);

impl<'de> MapAccess<'de> for One {
    type Error = Asked;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Asked> {
        self.0.take().map(|field| seed.deserialize(de::value::StrDeserializer::new(field))).transpose()
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Asked> {
        seed.deserialize(Probe { within: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Database, StoreSection};

    #[test]
    fn every_key_is_listed_with_its_section() {
        let session = keys::<SessionSettings>();
        for key in ["secret", "first_life_ms", "owner_limit", "cookie.max_age_ms", "cookie.secure"] {
            assert!(session.iter().any(|known| known == key), "{key} in {session:?}");
        }
        let help = settings::<StoreSection<Database>>("app", &[Variable::new("DATABASE_URL", "store.url")]);
        assert!(help.contains("DATABASE_URL     store.url"), "{help}");
        assert!(help.contains("host port workers environment client_timeout_ms"), "{help}");
        assert!(help.ends_with("others\n    store.url"), "{help}");
        assert!(help.lines().all(|line| line.len() <= 110), "{help}");
    }
}
