//! What the URL of a store says. Parsed before anything is opened, and never shown: it may have a password in it.

use std::fs;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// Why a URL cannot be used. It is not quoted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    #[error(
        "it begins with none of file:, redis:, rediss:, redis+unix:, redis+cluster:, redis+sentinel:, mysql:"
    )]
    Scheme,
    #[error("the memory of a server cannot be reached from outside; see the README for what to do instead")]
    Memory,
    #[error("it has no path")]
    NoPath,
    #[error("there is no folder at its path")]
    NoFolder,
    #[error("it is of the form redis+sentinel://[user:password@]host:port,host:port/master")]
    Sentinel,
    #[error("it has an option that is not known: {0:?}")]
    Option(String),
    #[error("its option {0:?} needs a value that is not {1}")]
    Value(&'static str, &'static str),
    #[error("its option {0:?} names a file that cannot be read")]
    SecretFile(&'static str, #[source] std::io::Error),
}

/// Where sessions are.
#[derive(Debug)]
pub(crate) enum Address {
    File { path: PathBuf, options: Options },
    Redis { url: String, options: Options },
    RedisCluster { urls: Vec<String>, options: Options },
    RedisSentinel { urls: Vec<String>, master: String, options: Options },
    MySql { url: String, options: Options },
}

/// The part of a URL behind the question mark, as far as it is ours.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The life of sessions whose cookie has none.
    pub(crate) ttl: Option<Duration>,
    pub(crate) prefix: Option<String>,
    pub(crate) disable_ttl: bool,
    pub(crate) table: Option<String>,
    pub(crate) id_column: Option<String>,
    pub(crate) expires_column: Option<String>,
    pub(crate) data_column: Option<String>,
    pub(crate) extension: Option<String>,
    pub(crate) fan_out: bool,
    pub(crate) secret: Option<Secret>,
}

/// What a folder is encrypted with.
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

const OF_FILE: &[&str] = &["ttl", "extension", "fan_out", "secret_file"];
const OF_REDIS: &[&str] = &["ttl", "prefix", "disable_ttl"];
const OF_MYSQL: &[&str] = &["ttl", "table", "id_column", "expires_column", "data_column"];
/// Those of the driver, by which a server is reached.
const OF_REDIS_DRIVER: &[&str] = &["db", "user", "pass", "protocol"];

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once(':').ok_or(AddressError::Scheme)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        Ok(match scheme {
            "file" => {
                let (options, _) = Options::parse(query, OF_FILE, |_| false)?;
                // `file:///var/sessions` is what others write for `file:/var/sessions`.
                let path = place.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(place);
                if path.is_empty() {
                    return Err(AddressError::NoPath);
                }
                Self::File { path: decoded(path).into(), options }
            }
            "redis" | "rediss" | "redis+unix" => {
                let (options, drivers) =
                    Options::parse(query, OF_REDIS, |name| OF_REDIS_DRIVER.contains(&name))?;
                Self::Redis { url: joined(scheme, place, &drivers), options }
            }
            "redis+cluster" => {
                let (options, _) = Options::parse(query, OF_REDIS, |_| false)?;
                Self::RedisCluster { urls: nodes(place.trim_start_matches('/')), options }
            }
            "redis+sentinel" => {
                let (options, _) = Options::parse(query, OF_REDIS, |_| false)?;
                let (hosts, master) =
                    place.trim_start_matches('/').split_once('/').ok_or(AddressError::Sentinel)?;
                if master.is_empty() {
                    return Err(AddressError::Sentinel);
                }
                Self::RedisSentinel { urls: nodes(hosts), master: decoded(master), options }
            }
            "mysql" => {
                // The driver refuses what it does not know itself.
                let (options, drivers) = Options::parse(query, OF_MYSQL, |_| true)?;
                Self::MySql { url: joined(scheme, place, &drivers), options }
            }
            "memory" => return Err(AddressError::Memory),
            _ => return Err(AddressError::Scheme),
        })
    }
}

/// The nodes of a cluster or group as URLs, with the user and password that stand before the first.
fn nodes(hosts: &str) -> Vec<String> {
    let (login, hosts) =
        hosts.rsplit_once('@').map_or((String::new(), hosts), |(login, hosts)| (format!("{login}@"), hosts));
    hosts.split(',').map(|host| format!("redis://{login}{host}")).collect()
}

fn joined(scheme: &str, place: &str, query: &[&str]) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}:{place}{mark}{}", query.join("&"))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Options {
    /// Our options, and those that are the driver's.
    fn parse<'a>(
        query: &'a str,
        known: &[&'static str],
        is_drivers: impl Fn(&str) -> bool,
    ) -> Result<(Self, Vec<&'a str>), AddressError> {
        let (mut options, mut drivers) = (Self::default(), Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match known.iter().find(|known| **known == name) {
                Some(known) => options.set(known, decoded(value))?,
                None if is_drivers(name) => drivers.push(part),
                None => return Err(AddressError::Option(name.to_owned())),
            }
        }
        Ok((options, drivers))
    }

    fn set(&mut self, name: &'static str, value: String) -> Result<(), AddressError> {
        let flag = |value: &str| match value {
            "" | "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(AddressError::Value(name, "true or false")),
        };
        match name {
            "ttl" => {
                let ttl = duration(&value)
                    .map_err(|_| AddressError::Value(name, "a time such as 90s, 30m, 24h or 7d"))?;
                self.ttl = Some(ttl);
            }
            "prefix" => self.prefix = Some(value),
            "disable_ttl" => self.disable_ttl = flag(&value)?,
            "table" => self.table = Some(value),
            "id_column" => self.id_column = Some(value),
            "expires_column" => self.expires_column = Some(value),
            "data_column" => self.data_column = Some(value),
            "extension" => self.extension = Some(value),
            "fan_out" => self.fan_out = flag(&value)?,
            _ => {
                let secret =
                    fs::read_to_string(value).map_err(|error| AddressError::SecretFile(name, error))?;
                self.secret = Some(Secret(secret.trim_end_matches(['\r', '\n']).to_owned()));
            }
        }
        Ok(())
    }
}

/// Seconds, or a number with `s`, `m`, `h` or `d` behind it.
fn duration(text: &str) -> Result<Duration, ParseIntError> {
    let (number, seconds) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        Some(b'd') => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    Ok(Duration::from_secs(number.parse::<u64>()?.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_in_several_ways() {
        for (url, expected) in [
            ("file:./sessions", "./sessions"),
            ("file:sessions", "sessions"),
            ("file:/var/s", "/var/s"),
            ("file:///var/s", "/var/s"),
            ("file:/a%20b?ttl=90m&fan_out", "/a b"),
        ] {
            let Ok(Address::File { path, options }) = Address::parse(url) else { panic!("{url}") };
            assert_eq!(path, PathBuf::from(expected));
            assert_eq!(options.fan_out, url.contains("fan_out"));
            assert_eq!(options.ttl, url.contains("ttl").then(|| Duration::from_mins(90)));
        }
    }

    #[test]
    fn our_options_are_taken_out_and_the_drivers_left_in() {
        let url = "redis+unix:///run/redis?db=2&prefix=a%3A&pass=x";
        let Ok(Address::Redis { url, options }) = Address::parse(url) else { panic!() };
        assert_eq!((&*url, options.prefix.as_deref()), ("redis+unix:///run/redis?db=2&pass=x", Some("a:")));
        let Ok(Address::MySql { url, options }) =
            Address::parse("mysql://u:p@h/d?table=t&require_ssl=true&ttl=2")
        else {
            panic!()
        };
        assert_eq!((&*url, options.table.as_deref()), ("mysql://u:p@h/d?require_ssl=true", Some("t")));
    }

    #[test]
    fn several_nodes_share_a_login() {
        let Ok(Address::RedisCluster { urls, .. }) = Address::parse("redis+cluster://u:p@a:1,b:2?prefix=x")
        else {
            panic!()
        };
        assert_eq!(urls, ["redis://u:p@a:1", "redis://u:p@b:2"]);
        let Ok(Address::RedisSentinel { urls, master, .. }) =
            Address::parse("redis+sentinel://a:1,b:2/mymaster")
        else {
            panic!()
        };
        assert_eq!((urls.len(), &*master), (2, "mymaster"));
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_shows_no_value() {
        for url in [
            "postgres://u:SECRET@h/d",
            "SECRET",
            "memory:",
            "file:",
            "redis://:SECRET@h?prefxi=SECRET",
            "redis://h?ttl=SECRET",
            "file:x?fan_out=SECRET",
            "file:x?secret_file=/SECRET/SECRET",
            "redis+sentinel://:SECRET@h:1",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
        }
    }
}
