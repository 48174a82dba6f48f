//! What Node's recorded commands would have left in Redis, and what is there.

use std::collections::BTreeMap;
use std::time::Duration;

use express_session_redis::{RedisOptions, RedisPool};
use express_session_testbed::vectors::untranslatable;
use serde_json::Value;

use crate::support::{command, query};

/// Key → value and time to live in seconds (none: for ever).
pub(crate) type Keyspace = BTreeMap<String, (String, Option<i64>)>;

/// Carries out recorded commands on a model of Redis.
pub(crate) fn replay(keyspace: &mut Keyspace, commands: &[Vec<String>]) {
    for command in commands {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        match arguments[..] {
            ["SET", key, value, "EX", ttl] => {
                keyspace.insert(key.to_owned(), (value.to_owned(), Some(ttl.parse().unwrap())));
            }
            ["SET", key, value] => {
                keyspace.insert(key.to_owned(), (value.to_owned(), None));
            }
            ["EXPIRE", key, ttl] => {
                let ttl: i64 = ttl.parse().unwrap();
                if ttl <= 0 {
                    keyspace.remove(key);
                } else if let Some(entry) = keyspace.get_mut(key) {
                    entry.1 = Some(ttl);
                }
            }
            ["DEL", ref keys @ ..] => keys.iter().for_each(|key| drop(keyspace.remove(*key))),
            ["GET" | "SCAN" | "MGET", ..] => {}
            _ => untranslatable(format_args!("unknown command {arguments:?}")),
        }
    }
}

/// The commands of a recorded step.
pub(crate) fn commands(step: &Value) -> Vec<Vec<String>> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list(&step["commands"]).iter().map(|command| list(command).iter().map(text).collect()).collect()
}

/// Everything that is in this database of Redis.
pub(crate) async fn keyspace(pool: &RedisPool) -> Keyspace {
    let mut found = Keyspace::new();
    let keys: Vec<String> = query(pool, &command(["KEYS", "*"])).await.unwrap();
    for key in keys {
        let value: String = query(pool, &command(["GET", &key])).await.unwrap();
        let left: i64 = query(pool, &command(["PTTL", &key])).await.unwrap();
        // Rounded up, so that the milliseconds since the write do not count.
        found.insert(key, (value, (left >= 0).then_some((left + 999) / 1000)));
    }
    found
}

/// The same keys and values, and the same time to live; one second less where a slow machine let it pass.
pub(crate) fn assert_same(found: &Keyspace, expected: &Keyspace, step: &str) {
    let values = |keyspace: &Keyspace| -> Vec<(String, String)> {
        keyspace.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    };
    assert_eq!(values(found), values(expected), "{step}");
    for (key, (_, ttl)) in expected {
        match (found[key].1, ttl) {
            (None, None) => {}
            (Some(found), Some(ttl)) if (*ttl - 1..=*ttl).contains(&found) => {}
            (found, ttl) => panic!("{step}: {key} lives {found:?} s, not {ttl:?}"),
        }
    }
}

/// The recorded store options.
pub(crate) fn store_options(recorded: &Value) -> RedisOptions {
    let mut options = RedisOptions::new();
    for (name, value) in recorded.as_object().unwrap() {
        options = with_option(options, name, value)
            .unwrap_or_else(|| untranslatable(format_args!("unknown option {name}: {value}")));
    }
    options
}

fn with_option(options: RedisOptions, name: &str, value: &Value) -> Option<RedisOptions> {
    Some(match (name, value) {
        ("prefix", Value::String(prefix)) => options.prefix(prefix),
        ("ttl", Value::Number(ttl)) => options.ttl(Duration::from_secs(ttl.as_u64()?)),
        ("prefix", _) | ("ttl", Value::Null) => options,
        ("ttl", special) if special.get("$num").is_some() => options,
        ("ttl", function) => match function.get("$fn")?.as_str()? {
            "() => 42" => options.ttl_with(|_| Duration::from_secs(42)),
            "() => 0" => options.ttl_with(|_| Duration::ZERO),
            "s => s.n * 10" => options.ttl_with(|document| {
                Duration::from_secs(document.get::<u64>("n").unwrap().unwrap_or(0) * 10)
            }),
            _ => return None,
        },
        ("disableTouch", _) => options.disable_touch(true),
        ("disableTTL", _) => options.disable_ttl(true),
        ("scanCount", count) => options.scan_count(count.as_u64()?.try_into().ok()?),
        _ => return None,
    })
}
