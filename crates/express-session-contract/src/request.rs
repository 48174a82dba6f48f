//! Whole requests that overlap, on two servers that share nothing but the store.

use std::collections::BTreeSet;

use express_session_core::{Session, SessionError, SessionManager};

use crate::Harness;
use crate::browser::{Browser, begin, logged_in, server};
use crate::listed::ids;

/// Requests that change different keys of one session at the same time lose none of them.
pub async fn overlapping_requests_lose_no_key<H: Harness>(h: &H) {
    let servers = [server(h, false), server(h, false)];
    let browser = logged_in(&servers[0]).await;
    let tasks: Vec<_> = (0..H::SCALE.tasks)
        .map(|task| {
            let (server, browser) = (servers[task % 2].clone(), browser.clone());
            tokio::spawn(async move {
                let key = format!("task{task}");
                for write in 1..=H::SCALE.writes {
                    let session = begin(&server, &browser).await;
                    let before = session.get::<usize>(&key).unwrap().unwrap_or(0);
                    assert_eq!(before + 1, write, "an earlier write of {key} was lost");
                    session.insert(&key, write).unwrap();
                    session.finish().await.expect("the request ends well");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no write is lost");
    }
    let session = begin(&servers[1], &browser).await;
    for task in 0..H::SCALE.tasks {
        assert_eq!(session.get(format!("task{task}")).unwrap(), Some(H::SCALE.writes), "task{task}");
    }
}

/// A counter that overlapping requests increment in transactions is exact, and no two see the same number.
pub async fn a_counter_in_transactions_is_exact<H: Harness>(h: &H) {
    let servers = [server(h, false), server(h, false)];
    let browser = logged_in(&servers[0]).await;
    let tasks: Vec<_> = (0..H::SCALE.tasks)
        .map(|task| {
            let (server, browser) = (servers[task % 2].clone(), browser.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..H::SCALE.writes {
                    let session = begin(&server, &browser).await;
                    seen.push(increment(&session).await.expect("the transaction commits"));
                    session.finish().await.expect("the request ends well");
                }
                seen
            })
        })
        .collect();
    let (mut seen, total) = (BTreeSet::new(), H::SCALE.tasks * H::SCALE.writes);
    for task in tasks {
        seen.extend(task.await.expect("no transaction fails"));
    }
    assert_eq!(seen.len(), total, "two requests saw the same number");
    assert_eq!(seen.last(), Some(&total));
    assert_eq!(begin(&servers[1], &browser).await.get("views").unwrap(), Some(total), "increments were lost");
}

async fn increment(session: &Session) -> Result<usize, SessionError> {
    session
        .transaction(|data| {
            let views = data.get::<usize>("views")?.unwrap_or(0) + 1;
            data.insert("views", views)?;
            Ok(views)
        })
        .await
}

/// A request that began before a logout and changes the session after it brings nothing back and sends no
/// cookie, `resave` or not.
pub async fn logout_wins_over_a_request_that_changes_the_session<H: Harness>(h: &H) {
    for resave in [false, true] {
        let server = server(h, resave);
        let browser = logged_in(&server).await;
        let slow = begin(&server, &browser).await;
        log_out(&server, &browser).await;
        slow.insert("late", true).unwrap();
        assert_ends_without_a_session(h, &slow).await;

        let browser = logged_in(&server).await;
        let slow = begin(&server, &browser).await;
        log_out(&server, &browser).await;
        slow.insert("late", true).unwrap();
        let saved = slow.save().await;
        assert!(matches!(saved, Err(SessionError::Gone)), "a save after a logout must say that it is gone");
        assert_ends_without_a_session(h, &slow).await;
    }
}

/// A request that began before a logout and only reads does not bring the session back, `resave` or not.
pub async fn logout_wins_over_a_request_that_only_reads<H: Harness>(h: &H) {
    for resave in [false, true] {
        let server = server(h, resave);
        let browser = logged_in(&server).await;
        let slow = begin(&server, &browser).await;
        log_out(&server, &browser).await;
        assert_ends_without_a_session(h, &slow).await;
    }
}

/// A request that began before a logout and renews its id after it brings nothing back, under neither id.
pub async fn logout_wins_over_a_request_that_renews_the_id<H: Harness>(h: &H) {
    let server = server(h, false);
    let browser = logged_in(&server).await;
    let slow = begin(&server, &browser).await;
    slow.renew();
    slow.insert("late", true).unwrap();
    log_out(&server, &browser).await;
    assert_ends_without_a_session(h, &slow).await;
}

/// A transaction that begins, or is under way, when the session is logged out does not bring it back.
pub async fn logout_wins_over_a_transaction<H: Harness>(h: &H) {
    let server = server(h, false);
    let browser = logged_in(&server).await;
    let slow = begin(&server, &browser).await;
    log_out(&server, &browser).await;
    let result = increment(&slow).await;
    assert!(
        matches!(result, Err(SessionError::Gone)),
        "a transaction after a logout must say that it is gone"
    );
    assert_ends_without_a_session(h, &slow).await;

    for _ in 0..H::SCALE.races {
        let browser = logged_in(&server).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (server, browser) = (server.clone(), browser.clone());
                tokio::spawn(async move {
                    let session = begin(&server, &browser).await;
                    // A request that came after the logout has another, new session.
                    if session.is_new() {
                        return;
                    }
                    match increment(&session).await {
                        Ok(_) | Err(SessionError::Gone) => {}
                        Err(error) => panic!("the transaction failed: {error:?}"),
                    }
                    session.finish().await.expect("the request ends well");
                })
            })
            .collect();
        tokio::task::yield_now().await;
        log_out(&server, &browser).await;
        for task in tasks {
            task.await.expect("the request does not panic");
        }
        assert!(ids(h.store()).await.unwrap().is_empty(), "a transaction brought the session back");
    }
}

async fn log_out(server: &SessionManager, browser: &Browser) {
    let session = begin(server, browser).await;
    assert!(!session.is_new(), "the visitor is logged in");
    session.destroy().await.expect("the session can be destroyed");
    session.finish().await.expect("the request ends well");
}

async fn assert_ends_without_a_session<H: Harness>(h: &H, slow: &Session) {
    let response = slow.finish().await.expect("the response goes out");
    assert_eq!(response.set_cookie, None, "a cookie was sent for a session that is gone");
    assert!(ids(h.store()).await.unwrap().is_empty(), "a request brought a session back after the logout");
}
