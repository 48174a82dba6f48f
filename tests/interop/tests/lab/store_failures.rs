//! What a store that fails means to an answer, in Node and here.

use express_session_interop::config::StoreKind;
use express_session_interop::script::{Request, Step, Verb};
use serde_json::{Value, json};

use crate::support::{Ends, options, plain, request, run, set};

fn failing(verb: Verb, operations: Value) -> Step {
    Step::Request(Request { fails: Some(verb), ..plain(operations) })
}

async fn after_one_good_request(unset: &str, last: Step) -> Ends {
    let options = options(json!({"unset": unset, "cookie": {"maxAge": 60_000}}));
    run(StoreKind::Memory, options, vec![request(json!([set("a", json!(1))])), last]).await
}

/// D14
#[actix_web::test]
async fn a_session_that_could_not_be_saved_is_an_error_without_a_cookie() {
    let ends = after_one_good_request("keep", failing(Verb::Set, json!([set("a", json!(2))]))).await;
    assert_eq!((ends.statuses(), ends.cookies()), ((200, 500), (1, 0)));
    assert_eq!(ends.node.stored, ends.ours.stored);
}

/// D14
#[actix_web::test]
async fn a_session_that_could_not_be_destroyed_is_an_error() {
    let ends = after_one_good_request("destroy", failing(Verb::Destroy, json!([{"op": "unset"}]))).await;
    assert_eq!(ends.statuses(), (200, 500));
    assert_eq!(ends.ours.stored.len(), 1);
}

/// D15
#[actix_web::test]
async fn a_save_that_failed_is_tried_again() {
    let save = json!([set("a", json!(2)), {"op": "save"}]);
    let ends = after_one_good_request("keep", failing(Verb::Set, save)).await;
    assert_eq!(ends.statuses(), (200, 500));
}

/// D16
#[actix_web::test]
async fn a_session_that_could_not_be_read_is_not_destroyed() {
    let ends = after_one_good_request("destroy", failing(Verb::Get, json!([]))).await;
    assert_eq!(ends.statuses(), (500, 500));
    assert_eq!((ends.node.stored.len(), ends.ours.stored.len()), (0, 1));
}

/// D20
#[actix_web::test]
async fn a_session_that_could_not_be_extended_is_a_page_all_the_same() {
    let ends = after_one_good_request("keep", failing(Verb::Touch, json!([{"op": "dump"}]))).await;
    assert_eq!(ends.statuses(), (200, 200));
    assert_eq!(ends.node.stored, ends.ours.stored);
}

/// D33
#[actix_web::test]
async fn where_nothing_is_stored_no_store_is_asked_to_destroy() {
    let never_stored = vec![failing(Verb::Destroy, json!([{"op": "regenerate"}]))];
    let ends = run(StoreKind::Memory, options(json!({})), never_stored).await;
    let body = |it: &express_session_interop::lab::Observation| it.answer.as_ref().unwrap().body.clone();
    assert_eq!((body(&ends.node), body(&ends.ours)), (json!(["error"]), json!(["ok"])));
}
