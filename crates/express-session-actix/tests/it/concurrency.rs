//! Overlapping requests of one session: nothing is lost, and a logout is final.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::{App, web};
use express_session_actix::{Error, Session};
use futures_util::future::{join, join_all};
use tokio::sync::{Notify, Semaphore};

use crate::client::{Visitor, memory, sessions};

#[actix_rt::test]
async fn sixty_four_connections_count_exactly_and_no_two_see_the_same_number() {
    let store = memory();
    let server = actix_test::start_with(actix_test::config().workers(2), move || {
        App::new().wrap(sessions(&store)).route(
            "/",
            web::get().to(|session: Session| async move {
                let n = session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
                Ok::<_, Error>(n.to_string())
            }),
        )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/").await;
    let cookie = visitor.cookie("connect.sid").unwrap();
    let clients = (0..64).map(|_| async {
        let visitor = Visitor::default();
        visitor.set_cookie("connect.sid", &cookie);
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(visitor.get(&server, "/").await.body.parse::<u64>().unwrap());
        }
        seen
    });
    let seen: Vec<u64> = join_all(clients).await.into_iter().flatten().collect();
    let distinct: BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!(distinct, (2..=1281).collect());
    assert_eq!(seen.len(), distinct.len());
}

/// A slow request waits in its handler until the test lets it go on.
struct Gate {
    arrived: Semaphore,
    go_on: Notify,
}

impl Gate {
    fn new() -> Self {
        Self { arrived: Semaphore::new(0), go_on: Notify::new() }
    }
}

#[actix_rt::test]
async fn overlapping_requests_that_change_different_keys_lose_nothing() {
    let store = memory();
    let gate = Arc::new(Gate::new());
    let inside = Arc::clone(&gate);
    let server = actix_test::start(move || {
        let gate = Arc::clone(&inside);
        App::new()
            .wrap(sessions(&store))
            .route(
                "/put/{key}",
                web::get().to(|key: web::Path<String>, session: Session| async move {
                    session.insert(key.into_inner(), 1).unwrap();
                    "put"
                }),
            )
            .route(
                "/slow",
                web::get().to(move |session: Session| {
                    let gate = Arc::clone(&gate);
                    async move {
                        session.insert("slow", 1).unwrap();
                        gate.arrived.add_permits(1);
                        gate.go_on.notified().await;
                        "slow"
                    }
                }),
            )
            .route(
                "/keys",
                web::get().to(|session: Session| async move {
                    let mut keys: Vec<String> = session.entries().into_iter().map(|(key, _)| key).collect();
                    keys.sort();
                    keys.join(",")
                }),
            )
    });
    let visitor = Visitor::default();
    visitor.get(&server, "/put/first").await;
    let overlap = async {
        gate.arrived.acquire().await.unwrap().forget();
        visitor.get(&server, "/put/quick").await;
        gate.go_on.notify_one();
    };
    join(visitor.get(&server, "/slow"), overlap).await;
    assert_eq!(visitor.get(&server, "/keys").await.body, "first,quick,slow");
}

#[actix_rt::test]
async fn a_logout_during_a_slow_request_stays_a_logout() {
    for slow in ["/slow/insert", "/slow/renew", "/slow/nothing"] {
        let store = memory();
        let kept = store.clone();
        let gate = Arc::new(Gate::new());
        let inside = Arc::clone(&gate);
        let server = actix_test::start(move || {
            let gate = Arc::clone(&inside);
            App::new()
                .wrap(sessions(&store))
                .route(
                    "/login",
                    web::get().to(|session: Session| async move {
                        session.insert("user", "hello").unwrap();
                        "in"
                    }),
                )
                .route(
                    "/logout",
                    web::get().to(|session: Session| async move {
                        session.destroy().await?;
                        Ok::<_, Error>("out")
                    }),
                )
                .route(
                    "/slow/{how}",
                    web::get().to(move |how: web::Path<String>, session: Session| {
                        let gate = Arc::clone(&gate);
                        async move {
                            match how.as_str() {
                                "insert" => session.insert("n", 1).unwrap(),
                                "renew" => session.renew(),
                                _ => {}
                            }
                            gate.arrived.add_permits(1);
                            gate.go_on.notified().await;
                            "slow"
                        }
                    }),
                )
                .route(
                    "/who",
                    web::get().to(|session: Session| async move {
                        format!("{:?}", session.get::<String>("user").unwrap())
                    }),
                )
        });
        let visitor = Visitor::default();
        visitor.get(&server, "/login").await;
        let overlap = async {
            gate.arrived.acquire().await.unwrap().forget();
            visitor.get(&server, "/logout").await;
            gate.go_on.notify_one();
        };
        let (reply, ()) = join(visitor.get(&server, slow), overlap).await;
        assert_eq!((reply.status, reply.cookies.len()), (200, 0), "{slow}");
        assert_eq!(visitor.get(&server, "/who").await.body, "None", "{slow}");
        assert_eq!(kept.stats().sessions, 0, "{slow}");
    }
}
