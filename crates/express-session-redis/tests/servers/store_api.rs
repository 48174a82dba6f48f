//! `store_api` in `tests/vectors/redis.json`, row by row: the same key, value and time to live as connect-redis.

use std::sync::Arc;

use express_session_core::{
    Data, Document, Expect, ManualClock, SessionStore as _, SessionStoreAdmin as _, StoreError, UnixMillis,
};
use express_session_redis::{RedisPool, RedisStore};
use express_session_testbed::redis::RedisServer;
use express_session_testbed::vectors::{NOW_MS, are_foreign, list, name, replay_async, text, untranslatable};
use serde_json::Value;

use crate::replay::{assert_same, commands, keyspace, replay, store_options};
use crate::support::{command, id, query, store_on_pool, touch};

/// Rows that Rust cannot say, or says differently, and why.
fn difference(row: &Value) -> Option<&'static str> {
    let name = name(row);
    Some(match name {
        "set, cookie.expires empty string" | "touch, cookie.expires empty string" => {
            "a document with such a cookie is read as one with an invalid date, as express-session reads it"
        }
        "set, no cookie at all" | "touch, no cookie at all" => "a record always has a cookie",
        "touch, cookie.expires invalid Date" | "touch, cookie.expires garbage string" => {
            "connect-redis sends EXPIRE NaN, which Redis refuses; the session keeps its life"
        }
        "set: circular data (error to the callback, nothing sent)" => "data is JSON text already",
        "all with an unparsable value" => "it is left out, so that the others can be listed",
        _ if name.starts_with("serializer option") => "the serializer is JSON",
        _ if name.starts_with("prefix glob characters")
            && ["ids", "all", "clear"].iter().any(|method| row["method"] == *method) =>
        {
            "the prefix is taken literally, so that clear removes our keys and only those"
        }
        _ if name.starts_with("ttl option 1.5") || name.starts_with("ttl function 1.5") => {
            "parts of a second count as a whole one; Redis refuses them"
        }
        _ if name.starts_with("ttl") && ["1e21", "-5", "string"].iter().any(|kind| name.contains(kind)) => {
            "a Duration is neither negative, nor text, nor beyond all dates"
        }
        _ if name.starts_with("ttl function")
            && ["-1", "NaN", "undefined", "throws", "async"].iter().any(|kind| name.contains(kind)) =>
        {
            "a closure returns a Duration"
        }
        _ => return None,
    })
}

#[tokio::test]
async fn every_row_leaves_what_connect_redis_leaves() {
    let server = RedisServer::start(&[]).unwrap();
    let pool = RedisPool::url(&server.url()).unwrap();
    let (mut same, mut different) = (0, 0);
    replay_async("redis.json", "store_api", async |row| {
        if difference(row).is_some() {
            different += 1;
            return;
        }
        let options = store_options(&row["store_options"]);
        query::<()>(&pool, &command(["FLUSHALL"])).await.unwrap();
        let mut expected = std::collections::BTreeMap::new();
        if name(row).starts_with("get: key holds a list") {
            query::<()>(&pool, &command(["RPUSH", "sess:sid", "x"])).await.unwrap();
        }
        for (key, value) in row["seed"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap();
            query::<()>(&pool, &command(["SET", key, value])).await.unwrap();
            expected.insert(key.clone(), (value.to_owned(), None));
        }
        let now = UnixMillis(NOW_MS);
        let store = store_on_pool(pool.clone(), options.clock(Arc::new(ManualClock::new(now))));
        call(&store, row).await;
        if row["error"].is_null() {
            replay(&mut expected, &commands(row));
            assert_same(&keyspace(&pool).await, &expected, "afterwards");
        }
        same += 1;
    })
    .await;
    assert!((same, different) == SAME_AND_DIFFERENT || are_foreign(), "{same}, {different}");
}

/// How many rows are compared, and how many are in the list of differences; together all that were recorded.
const SAME_AND_DIFFERENT: (usize, usize) = (93, 33);

/// Carries out the recorded call and compares its result.
async fn call(store: &RedisStore, row: &Value) {
    let name = name(row);
    let arguments = list(row, "args");
    let sid = || id(arguments[0].as_str().unwrap());
    let session = || {
        let document = Document::parse(json(&arguments[1]).to_string()).unwrap().unwrap();
        Data::of(document).encode()
    };
    match text(row, "method") {
        "set" => drop(store.set(&sid(), &session(), Expect::Any).await.unwrap()),
        "touch" => drop(touch(store, &sid(), &session()).await.unwrap()),
        "destroy" => drop(store.destroy(&sid()).await.unwrap()),
        "get" => match store.get(&sid()).await {
            Ok(stored) => {
                let found = stored.map(|stored| stored.document.get::<Value>("n").unwrap());
                let expected = Some(&row["data"]).filter(|data| !data.is_null());
                assert_eq!(found, expected.map(|data| data.get("n").cloned()), "{name}");
            }
            Err(StoreError::Corrupt(_)) => {
                assert!(row["error"].as_str().unwrap().contains("Syntax"), "{name}");
            }
            Err(StoreError::Backend(_)) => {
                assert!(row["error"].as_str().unwrap().contains("WRONG"), "{name}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        },
        "ids" => {
            let ids = express_session_contract::ids(store).await.unwrap();
            let ids: Vec<&str> = ids.iter().map(express_session_core::SessionId::as_str).collect();
            assert_eq!(serde_json::to_value(ids).unwrap(), row["data"], "{name}");
            assert_eq!(store.length().await.unwrap(), row["data"].as_array().unwrap().len() as u64, "{name}");
        }
        "all" => {
            let ids: Vec<String> = express_session_contract::all(store)
                .await
                .unwrap()
                .iter()
                .map(|(id, _)| id.as_str().to_owned())
                .collect();
            let expected: Vec<&str> = row["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|session| session["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids, expected, "{name}");
        }
        "clear" => store.clear().await.unwrap(),
        other => untranslatable(format_args!("unknown method {other}")),
    }
}

/// The argument as `JSON.stringify` writes it: dates as text.
fn json(argument: &Value) -> Value {
    match argument {
        Value::Object(members) => match members.get("$date") {
            // An invalid date is null in JSON; as text it is as invalid when it is read.
            Some(Value::Null) => Value::from("invalid"),
            Some(date) => date.clone(),
            None => members.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
        },
        other => other.clone(),
    }
}
