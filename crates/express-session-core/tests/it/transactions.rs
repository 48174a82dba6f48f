//! No update is lost: transactions are exact, and the end of a request merges what others have changed.

use std::collections::BTreeSet;

use express_session_core::{Session, SessionError, SessionManager};

use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"num":0}"#;

async fn begin(manager: &SessionManager) -> Session {
    manager.begin(&Head::new().with_session("SID")).await.unwrap().unwrap()
}

async fn increment(session: &Session) -> Result<u64, SessionError> {
    session
        .transaction(|data| {
            let num = data.get::<u64>("num")?.unwrap_or(0) + 1;
            data.insert("num", num)?;
            Ok(num)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn increments_of_overlapping_requests_are_exact() {
    const TASKS: u64 = 64;
    const EACH: u64 = 25;
    let spy = Spy::new().yielding().with("SID", RECORD);
    // Two servers: they share the store, not the queues.
    let servers =
        [manager(quiet(), &spy).unwrap(), manager(quiet().resave(true).rolling(true), &spy).unwrap()];
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let server = servers[usize::try_from(task % 2).unwrap()].clone();
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..EACH {
                let session = begin(&server).await;
                seen.push(increment(&session).await.unwrap());
                session.finish().await.unwrap();
            }
            seen
        }));
    }
    let mut seen = BTreeSet::new();
    for task in tasks {
        seen.extend(task.await.unwrap());
    }
    assert_eq!(seen, (1..=TASKS * EACH).collect(), "no two see the same number");
    assert!(spy.doc("SID").unwrap().ends_with(&format!(",\"num\":{}}}", TASKS * EACH)));
    let sets = u64::try_from(spy.calls().iter().filter(|call| **call == "set").count()).unwrap();
    assert!(sets > TASKS * EACH, "the requests did overlap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_different_keys_by_overlapping_requests_are_all_kept() {
    let spy = Spy::new().yielding().with("SID", RECORD);
    let server = manager(quiet(), &spy).unwrap();
    let tasks = (0..64).map(|task| {
        let server = server.clone();
        tokio::spawn(async move {
            let session = begin(&server).await;
            tokio::task::yield_now().await;
            session.insert(format!("key{task}"), task).unwrap();
            session.finish().await.unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let session = begin(&server).await;
    assert_eq!(session.data().len(), 65);
}

/// Writes `num` from elsewhere before each of the first `times` writes.
fn interfere(spy: &Spy, times: u64) {
    let mut left = times;
    spy.before(move |operation, docs| {
        if operation == "set" && left > 0 {
            left -= 1;
            docs.insert(
                "SID".into(),
                RECORD.replace("\"num\":0", &format!("\"num\":{}", 100 * (times - left))).into(),
            );
        }
    });
}

#[test]
fn a_transaction_runs_again_on_what_another_has_written() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    interfere(&spy, 3);
    assert_eq!(now_or_never(increment(&session)).unwrap(), 301);
    assert!(spy.doc("SID").unwrap().contains("\"num\":301"));
    assert_eq!(spy.calls(), ["get", "set", "set", "set", "set"]);
    now_or_never(session.finish()).unwrap();
    assert_eq!(spy.calls().len(), 5, "saved already");
}

#[test]
fn a_transaction_that_changes_nothing_still_answers_from_the_newest_state() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    spy.meddle(|docs| drop(docs.insert("SID".into(), RECORD.replace('0', "7").into())));
    let read = now_or_never(session.transaction(|data| data.get::<u64>("num"))).unwrap();
    assert_eq!(read, Some(7));
    assert!(!spy.calls().contains(&"set"));
}

#[test]
fn a_transaction_that_fails_writes_nothing() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    let result = now_or_never(session.transaction(|data| {
        data.insert("num", 9)?;
        data.insert("cookie", 9)
    }));
    assert!(matches!(result, Err(SessionError::Data(_))));
    assert_eq!(spy.calls(), ["get"]);
    assert_eq!(session.get::<u64>("num").unwrap(), Some(0));
}

#[test]
fn a_transaction_on_a_new_session_stores_it_and_its_cookie_is_sent() {
    let spy = Spy::new();
    let manager = manager(quiet(), &spy).unwrap();
    let session = now_or_never(manager.begin(&Head::new())).unwrap().unwrap();
    assert_eq!(now_or_never(increment(&session)).unwrap(), 1);
    assert!(now_or_never(session.finish()).unwrap().set_cookie.is_some());
    assert_eq!(spy.calls(), ["set"]);
}

#[test]
fn a_transaction_carries_unsaved_changes_along() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    session.insert("before", true).unwrap();
    now_or_never(increment(&session)).unwrap();
    assert!(spy.doc("SID").unwrap().ends_with(r#""num":1,"before":true}"#));
}

#[test]
fn a_dropped_transaction_leaves_nothing_half_done() {
    let spy = Spy::new().yielding().with("SID", RECORD);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let session = begin(&manager(quiet(), &spy).unwrap()).await;
        let mut transaction = Box::pin(increment(&session));
        assert!(futures_util::poll!(&mut transaction).is_pending());
        drop(transaction);
        session.finish().await.unwrap();
        assert!(spy.doc("SID").unwrap().contains("\"num\":0"));
        assert_eq!(increment(&session).await.unwrap(), 1);
    });
}

/// Begins, lets `ours` change the session while `theirs` is stored, and finishes; the data then stored.
fn merged(base: &str, theirs: &str, ours: impl FnOnce(&Session)) -> String {
    let cookie = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}"#;
    let spy = Spy::new().with("SID", format!("{cookie}{base}}}"));
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    spy.meddle(|docs| drop(docs.insert("SID".into(), format!("{cookie}{theirs}}}").into())));
    ours(&session);
    now_or_never(session.finish()).unwrap();
    spy.doc("SID").unwrap().replace(cookie, "").trim_end_matches('}').to_owned()
}

#[test]
fn the_end_of_a_request_merges_three_ways() {
    let set = |key: &'static str, value: i32| move |session: &Session| session.insert(key, value).unwrap();
    assert_eq!(merged(r#","a":1"#, r#","a":1,"b":2"#, set("c", 3)), r#","a":1,"b":2,"c":3"#);
    assert_eq!(merged(r#","a":1,"b":1"#, r#","a":2,"b":1"#, set("b", 3)), r#","a":2,"b":3"#);
    assert_eq!(merged(r#","a":1"#, r#","a":2"#, set("a", 3)), r#","a":3"#);
    assert_eq!(merged(r#","a":1,"b":1"#, r#","a":1"#, set("c", 3)), r#","a":1,"c":3"#);
    let remove = |session: &Session| assert!(session.remove("a"));
    assert_eq!(merged(r#","a":1"#, r#","a":1,"b":1.50"#, remove), r#","b":1.50"#);
}

#[test]
fn a_request_that_changed_nothing_never_overwrites_data() {
    for resave in [false, true] {
        let spy = Spy::new().with("SID", RECORD);
        let session = now_or_never(begin(&manager(quiet().resave(resave), &spy).unwrap()));
        spy.meddle(|docs| drop(docs.insert("SID".into(), RECORD.replace("\"num\":0", "\"num\":5").into())));
        now_or_never(session.finish()).unwrap();
        assert!(spy.doc("SID").unwrap().contains("\"num\":5"), "resave {resave}");
    }
}

#[test]
fn a_save_by_one_handle_keeps_what_another_changes_meanwhile() {
    let spy = Spy::new().yielding().with("SID", RECORD);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let session = begin(&manager(quiet(), &spy).unwrap()).await;
        session.insert("a", 1).unwrap();
        let mut save = Box::pin(session.save());
        assert!(futures_util::poll!(&mut save).is_pending());
        session.clone().insert("b", 2).unwrap();
        save.await.unwrap();
        assert!(!spy.doc("SID").unwrap().contains("\"b\""));
        session.finish().await.unwrap();
        assert!(spy.doc("SID").unwrap().ends_with(r#","num":0,"a":1,"b":2}"#));
    });
}

/// What a handler does inside may look at the session itself, which shows the state before.
#[test]
fn a_transaction_may_use_its_session() {
    let spy = Spy::new().with("SID", RECORD);
    let session = now_or_never(begin(&manager(quiet(), &spy).unwrap()));
    let doubled = now_or_never(session.transaction(|data| {
        data.insert("num", 21)?;
        session.insert("seen", session.get::<u64>("num")?)?;
        Ok(data.get::<u64>("num")?.unwrap_or(0) * 2)
    }));
    assert_eq!(doubled.unwrap(), 42);
    now_or_never(session.finish()).unwrap();
    assert!(spy.doc("SID").unwrap().ends_with(r#","num":21,"seen":0}"#));
}
