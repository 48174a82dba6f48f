//! The known differences of `docs/INTEROP.md`, each still as described there: what Node does, and what we do.

use express_session_interop::config::StoreKind;
use express_session_interop::lab::Observation;
use express_session_interop::script::{Sends, Step};
use serde_json::{Value, json};

use crate::support::{options, plain, request, run, sending, set};

fn plant(document: &str) -> Step {
    Step::Plant { client: 0, document: document.to_owned() }
}

/// D1
#[actix_web::test]
async fn a_changed_lifetime_of_a_stored_session_is_saved_and_sent() {
    let steps = vec![request(json!([set("a", json!(1))])), request(json!([{"op": "max_age", "ms": 5000}]))];
    let ends = run(StoreKind::Redis, options(json!({})), steps).await;
    assert_eq!(ends.cookies(), (0, 1));
    let document = |it: &Observation| it.stored.values().next().unwrap().document.clone();
    assert!(document(&ends.node).contains(r#""originalMaxAge":null"#));
    assert!(document(&ends.ours).contains(r#""originalMaxAge":5000"#));
}

fn overlap(slow: Value, quick: Value) -> Step {
    let mut operations = vec![json!({"op": "hold"})];
    operations.extend(slow.as_array().unwrap().clone());
    Step::Overlap { held: plain(json!(operations)), quick: plain(quick) }
}

/// D2
#[actix_web::test]
async fn a_session_that_was_destroyed_meanwhile_is_not_recreated() {
    for store in StoreKind::ALL {
        let steps = vec![
            request(json!([set("user", json!("hello"))])),
            overlap(json!([set("a", json!(1))]), json!([{"op": "destroy"}])),
        ];
        let ends = run(store, options(json!({})), steps).await;
        assert_eq!(ends.statuses(), (200, 200));
        assert_eq!((ends.node.stored.len(), ends.ours.stored.len()), (1, 0), "{store}");
    }
}

/// D2
#[actix_web::test]
async fn overlapping_changes_are_merged() {
    for store in StoreKind::ALL {
        let steps = vec![
            request(json!([set("n", json!(0))])),
            overlap(json!([set("slow", json!(1))]), json!([set("quick", json!(1))])),
        ];
        let ends = run(store, options(json!({})), steps).await;
        let (node, ours) = ends.data();
        assert!(!node.contains("quick") && node.contains("slow"), "{store}: {node}");
        assert!(ours.contains("quick") && ours.contains("slow"), "{store}: {ours}");
    }
}

/// D13
#[actix_web::test]
async fn a_stale_cookie_does_not_hide_a_good_one() {
    let steps =
        vec![request(json!([set("a", json!(1))])), sending(Sends::Twice, json!([{"op": "get", "key": "a"}]))];
    let ends = run(StoreKind::Memory, options(json!({})), steps).await;
    let body = |it: &Observation| it.answer.as_ref().unwrap().body.clone();
    assert_eq!((body(&ends.node), body(&ends.ours)), (json!([null]), json!([1])));
}

/// Once D3, and equal since handlers work on the session itself.
#[actix_web::test]
async fn new_keys_of_one_request_stand_in_the_order_in_which_they_were_set() {
    let steps = vec![request(json!([set("b", json!(1)), set("a", json!(2))]))];
    let ends = run(StoreKind::Memory, options(json!({})), steps).await;
    let in_order = r#"{,"b":1,"a":2}"#;
    assert_eq!(ends.data(), (in_order.to_owned(), in_order.to_owned()));
}

/// D4
#[actix_web::test]
async fn a_key_that_is_removed_and_added_again_keeps_its_place() {
    let steps = vec![
        request(json!([set("a", json!(1)), set("b", json!(2))])),
        request(json!([{"op": "delete", "key": "a"}, set("a", json!(3))])),
    ];
    let ends = run(StoreKind::Memory, options(json!({})), steps).await;
    assert_eq!(ends.data(), (r#"{,"b":2,"a":3}"#.to_owned(), r#"{,"a":3,"b":2}"#.to_owned()));
}

/// D5
#[actix_web::test]
async fn numbers_that_were_not_changed_keep_their_text() {
    let steps = vec![
        request(json!([set("a", json!(1))])),
        plant(
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"price":1.50,"big":12345678901234567890}"#,
        ),
        request(json!([set("z", json!(1))])),
    ];
    let ends = run(StoreKind::Redis, options(json!({})), steps).await;
    let (node, ours) = ends.data();
    assert_eq!(node, r#"{,"price":1.5,"big":12345678901234567000,"z":1}"#);
    assert_eq!(ours, r#"{,"price":1.50,"big":12345678901234567890,"z":1}"#);
}

/// D6
#[actix_web::test]
async fn reserved_top_level_keys_stay() {
    let steps = vec![
        request(json!([set("a", json!(1))])),
        plant(
            r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"id":7,"touch":1,"b":2}"#,
        ),
        request(json!([])),
    ];
    let ends = run(StoreKind::Redis, options(json!({})), steps).await;
    assert_eq!(ends.data(), (r#"{,"b":2}"#.to_owned(), r#"{,"id":7,"touch":1,"b":2}"#.to_owned()));
}

/// D7
#[actix_web::test]
async fn a_document_that_is_no_session_is_a_new_session_not_an_error() {
    for document in [r#"{"no":"cookie"}"#, "[1]", "{broken"] {
        let steps = vec![
            request(json!([set("a", json!(1))])),
            plant(document),
            request(json!([{"op": "get", "key": "a"}])),
        ];
        let ends = run(StoreKind::Redis, options(json!({})), steps).await;
        assert_eq!(ends.statuses(), (500, 200), "{document}");
    }
}

/// D8
#[actix_web::test]
async fn an_early_save_writes_the_extended_life_at_once() {
    let steps =
        vec![request(json!([set("a", json!(1))])), Step::Wait { ms: 1000 }, request(json!([{"op": "save"}]))];
    let ends = run(StoreKind::Mysql, options(json!({"cookie": {"maxAge": 60000}})), steps).await;
    let expires = |it: &Observation| it.stored.values().next().unwrap().document.clone();
    assert!(expires(&ends.node).contains("03:05:05.678Z"));
    assert!(expires(&ends.ours).contains("03:05:06.678Z"));
    let life = |it: &Observation| it.stored.values().next().unwrap().life.clone();
    assert_eq!(life(&ends.node), life(&ends.ours));
}

/// D9
#[actix_web::test]
async fn a_session_that_was_dead_when_saved_gets_no_cookie() {
    let steps = vec![request(json!([{"op": "save"}, set("a", json!(1))]))];
    let dead = options(json!({"saveUninitialized": true, "cookie": {"maxAge": -5000}}));
    assert_eq!(run(StoreKind::Mysql, dead, steps).await.cookies(), (1, 0));
}

/// D10
#[actix_web::test]
async fn the_last_access_of_a_file_is_no_modification() {
    let steps = vec![request(json!([set("a", json!(1))])), Step::Wait { ms: 1000 }, request(json!([]))];
    let resaved = options(json!({"resave": true, "cookie": {"maxAge": 60000}}));
    let ends = run(StoreKind::File, resaved, steps).await;
    assert_eq!(ends.cookies(), (1, 0));
    assert_eq!(ends.node.stored, ends.ours.stored);
}

/// D11
#[actix_web::test]
async fn a_max_age_of_zero_ends_a_session_in_memory_too() {
    let zero = options(json!({"saveUninitialized": true, "cookie": {"maxAge": 0}}));
    let ends = run(StoreKind::Memory, zero, vec![request(json!([])), Step::Wait { ms: 1 }]).await;
    assert_eq!((ends.node.stored.len(), ends.ours.stored.len()), (1, 0));
}

/// D12
#[actix_web::test]
async fn redis_extends_the_life_of_a_session_when_it_is_read() {
    let steps = vec![
        request(json!([set("a", json!(1))])),
        Step::Wait { ms: 1000 },
        request(json!([{"op": "unset"}])),
    ];
    let ends = run(StoreKind::Redis, options(json!({})), steps).await;
    let life = |it: &Observation| it.stored.values().next().unwrap().life.clone();
    assert_eq!(life(&ends.node), "ttl 86400 s at 1893553445678");
    assert_eq!(life(&ends.ours), "ttl 86400 s at 1893553446678");
}
