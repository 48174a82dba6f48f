//! The option sets a store is tried with.

use serde_json::{Value, json};

use crate::config::{OptionSet, StoreKind};

const SECRET: &str = "a lab secret of more than 32 bytes";

/// The first signs, all verify: two of them are retired.
const SECRETS: [&str; 3] =
    [SECRET, "the secret of last year, 32 bytes and more", "the very first secret, of 32 bytes and more"];

/// The option sets a store is tried with: every combination of the booleans, with and without a lifetime, and
/// one for each option beyond.
pub fn option_sets(store: StoreKind) -> Vec<OptionSet> {
    let mut sets = combinations(store);
    let mut beyond = |changes: Value| sets.push(OptionSet::new(with(changes), json!({})));
    beyond(json!({"secret": ["the newest secret, 32 bytes and more", SECRET]}));
    beyond(json!({"secret": SECRET, "name": "sid", "cookie": {"path": "/app", "maxAge": 30_000}}));
    beyond(json!({"cookie": {"secure": true}, "saveUninitialized": true}));
    beyond(json!({"proxy": true, "cookie": {"secure": "auto", "sameSite": "auto", "maxAge": 60_000}}));
    beyond(
        json!({"proxy": false, "saveUninitialized": true, "cookie": {"secure": "auto", "sameSite": "none"}}),
    );
    beyond(json!({"rolling": true, "cookie": {"sameSite": "Lax", "priority": "High", "partitioned": true}}));
    beyond(
        json!({"cookie": {"httpOnly": false, "domain": "example.org", "sameSite": true, "maxAge": 20_250}}),
    );
    // For memorystore that means "never expires", a known difference.
    if store != StoreKind::Memory {
        beyond(json!({"saveUninitialized": true, "cookie": {"maxAge": 0}}));
    }
    beyond(json!({"saveUninitialized": true, "cookie": {"maxAge": -5_000}}));
    beyond(json!({"rolling": true, "cookie": {"maxAge": 2_500}}));
    // Ours alone, which express-session does not look at.
    beyond(json!({"reissue": true}));
    beyond(json!({"reissue": true, "rolling": true, "cookie": {}}));
    beyond(json!({"absoluteTimeout": FAR}));
    beyond(json!({"absoluteTimeout": FAR, "saveUninitialized": true, "unset": "destroy", "cookie": {}}));
    for options in store_options(store) {
        sets.push(OptionSet::new(with(json!({"cookie": {}})), options.clone()));
        let aged = json!({"saveUninitialized": true, "cookie": {"maxAge": 45_001}});
        sets.push(OptionSet::new(with(aged), options));
    }
    sets
}

/// A hundred years in milliseconds: no script comes so far.
const FAR: u64 = 3_155_760_000_000;

/// Session options that are not express-session's defaults, and these changes to them.
fn with(changes: Value) -> Value {
    let mut session = json!({
        "secret": SECRETS, "resave": false, "saveUninitialized": false, "rolling": false,
        "cookie": {"maxAge": 90_500},
    });
    if let (Value::Object(session), Value::Object(changes)) = (&mut session, changes) {
        session.extend(changes);
    }
    session
}

fn combinations(store: StoreKind) -> Vec<OptionSet> {
    let mut sets = Vec::new();
    for bits in 0..32_u32 {
        let bit = |n: u32| bits & (1 << n) != 0;
        // There session-file-store sends the cookie with every response, a known difference.
        if store == StoreKind::File && bit(0) && bit(3) {
            continue;
        }
        let session = json!({
            "secret": SECRETS, "resave": bit(0), "saveUninitialized": bit(1), "rolling": bit(2),
            "cookie": if bit(3) { json!({"maxAge": 60_000}) } else { json!({}) },
            "unset": if bit(4) { "destroy" } else { "keep" },
        });
        sets.push(OptionSet::new(session, json!({})));
    }
    sets
}

fn store_options(store: StoreKind) -> Vec<Value> {
    match store {
        StoreKind::Memory => vec![json!({"ttl": 7_000})],
        StoreKind::File => vec![json!({"ttl": 9}), json!({"fileExtension": ".session"})],
        StoreKind::Mysql => vec![json!({"expiration": 8_499}), json!({"disableTouch": true})],
        StoreKind::Redis => {
            // The last: with connect-redis 9, which many still run, in the place of 10.
            let older = json!({"connectRedis": 9});
            vec![json!({"ttl": 11}), json!({"disableTouch": true}), json!({"disableTTL": true}), older]
        }
    }
}
