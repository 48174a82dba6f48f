//! Options that express-session does not have: where they are on, nothing else differs from Node.

use express_session_interop::config::{OptionSet, StoreKind};
use express_session_interop::script::{Request, Sends, Side, Step};
use serde_json::json;

use crate::support::{options, plain, request, run, sending, set};

fn own(more: serde_json::Value) -> OptionSet {
    let mut own = options(json!({"cookie": {"maxAge": 60_000}}));
    own.session.extend(more.as_object().unwrap().clone());
    own
}

/// D31
#[actix_web::test]
async fn a_cookie_signed_with_a_retired_secret_is_replaced() {
    let secrets =
        json!(["the first of two secrets, 32 bytes and more", "the second of two, 32 bytes and more"]);
    let steps =
        || vec![request(json!([set("a", json!(1))])), sending(Sends::SecondSecret, json!([{"op": "dump"}]))];
    for (reissue, cookies) in [(true, (0, 1)), (false, (0, 0))] {
        let options = own(json!({"secret": secrets, "reissue": reissue}));
        let ends = run(StoreKind::Memory, options, steps()).await;
        assert_eq!(ends.cookies(), cookies, "reissue: {reissue}");
        assert_eq!(ends.node.stored, ends.ours.stored);
    }
}

/// D32
#[actix_web::test]
async fn the_time_of_creation_is_a_modification_when_it_is_first_seen() {
    let by = |side: Side| Step::Request(Request { side, ..plain(json!([set("a", json!(1))])) });
    let options = own(json!({"absoluteTimeout": 86_400_000}));
    let steps = vec![by(Side::Rust), request(json!([]))];
    let ends = run(StoreKind::Redis, options.clone(), steps).await;
    assert_eq!(ends.cookies(), (0, 0));
    let document = r#"{"cookie":{"originalMaxAge":60000,"expires":"2030-01-02T03:05:05.678Z","httpOnly":true,"path":"/"},"a":1}"#;
    let planted = Step::Plant { client: 0, document: document.to_owned() };
    let steps = vec![by(Side::Rust), planted, request(json!([]))];
    let ends = run(StoreKind::Redis, options, steps).await;
    assert_eq!(ends.cookies(), (0, 1));
}
