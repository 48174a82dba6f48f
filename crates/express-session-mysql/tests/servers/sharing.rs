//! Requests that wait at the same moment share a statement, and each has its own outcome.
//!
//! On a runtime of one thread, `join!` lets all its requests begin before any is answered: the first goes alone, and the
//! others wait and go together. That is how these tests know who shares a statement with whom.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use express_session_core::{
    Expect, ManualClock, Revision, SessionId, SessionStore as _, SetOutcome, Successor, TouchOutcome,
};
use express_session_mysql::MySqlStore;
use tokio::join;
use tokio::runtime::Builder;

use crate::database::{Database, FROZEN, connect, document, id, touch};
use crate::expected::{assert_gone, conflict, written};
use crate::general_log::{Log, executed};

/// A session under each name, with `n` as its only key; their revisions.
pub(crate) async fn sessions<const N: usize>(store: &MySqlStore, names: [&str; N]) -> [Revision; N] {
    let mut revisions = Vec::new();
    for name in names {
        revisions.push(written(store.set(&id(name), &document("n", "0"), Expect::Any).await.unwrap()));
    }
    revisions.try_into().ok().unwrap()
}

/// The number in a session.
pub(crate) async fn n(store: &MySqlStore, name: &str) -> Option<String> {
    let found = store.get(&id(name)).await.unwrap()?;
    found.document.get_raw("n").map(str::to_owned)
}

/// A conditional write of a number.
pub(crate) async fn put(store: &MySqlStore, name: &str, number: u32, expected: &Revision) -> SetOutcome {
    let document = document("n", &number.to_string());
    store.set(&id(name), &document, Expect::Revision(expected)).await.unwrap()
}

/// What the server sees of seven requests of each kind: two statements.
#[tokio::test]
async fn those_that_wait_share_a_statement() {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::new(FROZEN));
    let mut log = Log::start(&database).await;
    let store = connect(database.options().clock(Arc::clone(&clock))).await.unwrap();
    let revisions = sessions(&store, ["x", "a", "b", "c", "d"]).await;
    let [x, a, b, ..] = &revisions;
    log.take().await;

    let [(sx, sa), (sb, none)] = [(id("x"), id("a")), (id("b"), id("none"))];
    let found = join!(store.get(&sx), store.get(&sa), store.get(&sb), store.get(&sa), store.get(&none));
    assert!(found.0.unwrap().unwrap().revision == *x);
    assert!(found.1.unwrap().unwrap().revision == *a);
    assert!(found.2.unwrap().unwrap().revision == *b);
    assert!(found.3.unwrap().unwrap().revision == *a, "the same session twice");
    assert!(found.4.unwrap().is_none());
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(
        sent.iter().any(|sql| sql.ends_with("WHERE `session_id` IN ('a', 'b', 'a', 'none')")),
        "{sent:?}"
    );

    clock.advance(Duration::from_mins(1));
    let one = document("n", "0");
    let touched = join!(
        touch(&store, &sx, &one),
        touch(&store, &sa, &one),
        touch(&store, &none, &one),
        touch(&store, &sb, &one)
    );
    let touched = [touched.0.unwrap(), touched.1.unwrap(), touched.2.unwrap(), touched.3.unwrap()];
    assert_eq!(
        touched,
        [TouchOutcome::Touched, TouchOutcome::Touched, TouchOutcome::Gone, TouchOutcome::Touched]
    );
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 2, "{sent:?}");
    // Three ids, and the last one again.
    assert!(
        sent.iter().any(|sql| sql.contains("WHERE `session_id` IN ('a', 'none', 'b', 'b') AND")),
        "{sent:?}"
    );
    let touched: Vec<_> =
        database.rows().await.into_iter().filter(|row| row.expires == 1_893_639_906).collect();
    assert_eq!(touched.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["a", "b", "x"]);
    log.take().await;

    let outcomes = join!(
        put(&store, "x", 1, x),
        put(&store, "a", 2, a),
        put(&store, "b", 3, b),
        put(&store, "c", 4, &revisions[3]),
        put(&store, "d", 5, &revisions[4])
    );
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(
        sent.iter().any(|sql| sql.contains("WHERE `session_id` IN ('a', 'b', 'c', 'd') AND")),
        "{sent:?}"
    );
    for outcome in [outcomes.0, outcomes.1, outcomes.2, outcomes.3, outcomes.4] {
        written(outcome);
    }
    for (name, number) in [("x", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("d", "5")] {
        assert_eq!(n(&store, name).await.as_deref(), Some(number));
    }
    log.stop().await;
}

#[tokio::test]
async fn sharing_can_be_switched_off() {
    let database = Database::fresh().await;
    let mut log = Log::start(&database).await;
    let store = connect(database.options().share_statements(false)).await.unwrap();
    sessions(&store, ["a", "b", "c"]).await;
    log.take().await;
    let [a, b, c] = ["a", "b", "c"].map(id);
    let found = join!(store.get(&a), store.get(&b), store.get(&c));
    assert!(found.0.unwrap().is_some() && found.1.unwrap().is_some() && found.2.unwrap().is_some());
    assert_eq!(executed(&log.take().await).len(), 3);
    log.stop().await;
}

/// More than fit into one statement, in each of the sizes there are texts for.
#[tokio::test]
async fn any_number_of_requests_is_served() {
    let database = Database::fresh().await;
    let store = database.store().await;
    for count in [2_u32, 3, 5, 6, 9, 10, 17, 18, 33, 34, 100] {
        let tasks: Vec<_> = (0..count)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let name = format!("s{count}-{number}");
                    let [revision] = sessions(&store, [&name]).await;
                    let stored = store.get(&id(&name)).await.unwrap().unwrap();
                    assert!(stored.revision == revision);
                    written(put(&store, &name, number + 1, &revision).await);
                    let touched = touch(&store, &id(&name), &stored.document).await.unwrap();
                    assert_eq!(touched, TouchOutcome::Touched);
                    assert_eq!(n(&store, &name).await, Some((number + 1).to_string()));
                    conflict(put(&store, &name, number + 2, &revision).await);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn of_two_writes_of_one_id_at_once_one_is_written() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let [mut x, mut a, mut b] = sessions(&store, ["x", "a", "b"]).await;
    for round in 1..20 {
        let (first, second, number) = (round * 3, round * 3 + 1, round * 3 + 2);
        let outcomes = join!(
            put(&store, "x", number, &x),
            put(&store, "a", first, &a),
            put(&store, "b", number, &b),
            put(&store, "a", second, &a)
        );
        (x, b) = (written(outcomes.0), written(outcomes.2));
        let (winner, loser) = match (outcomes.1, outcomes.3) {
            (SetOutcome::Written(revision), loser) => ((revision, first), loser),
            (loser, SetOutcome::Written(revision)) => ((revision, second), loser),
            neither => panic!("{neither:?}"),
        };
        assert!(conflict(loser).revision == winner.0);
        assert_eq!(n(&store, "a").await, Some(winner.1.to_string()));
        a = winner.0;
    }
}

/// With one of them waiting alone, and with both in the queue.
#[tokio::test]
async fn two_touches_of_one_id_at_once_both_touch() {
    let database = Database::fresh().await;
    let store = database.store().await;
    sessions(&store, ["x", "a", "b"]).await;
    let (x, a, b, one) = (id("x"), id("a"), id("b"), document("n", "0"));
    for _ in 0..10 {
        let touched = join!(
            touch(&store, &x, &one),
            touch(&store, &a, &one),
            touch(&store, &x, &one),
            touch(&store, &a, &one),
            touch(&store, &b, &one)
        );
        for touched in [touched.0, touched.1, touched.2, touched.3, touched.4] {
            assert_eq!(touched.unwrap(), TouchOutcome::Touched);
        }
    }
}

/// Both count to the same number, so that both would store the same bytes: one of them has lost all the same.
#[tokio::test]
async fn two_equal_writes_of_one_id_are_not_both_written() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let [x, a, b] = sessions(&store, ["x", "a", "b"]).await;
    let outcomes = join!(
        put(&store, "x", 1, &x),
        put(&store, "a", 1, &a),
        put(&store, "b", 1, &b),
        put(&store, "a", 1, &a)
    );
    written(outcomes.0);
    written(outcomes.2);
    let count = [&outcomes.1, &outcomes.3].iter().filter(|one| matches!(one, SetOutcome::Written(_))).count();
    assert_eq!(count, 1, "{:?} {:?}", outcomes.1, outcomes.3);
}

#[tokio::test]
async fn only_the_stale_write_of_a_batch_conflicts() {
    let database = Database::fresh().await;
    let (store, foreign) = (database.store().await, database.store().await);
    let [x, a, stale, gone, d] = sessions(&store, ["x", "a", "stale", "gone", "d"]).await;
    let newer = written(put(&foreign, "stale", 7, &stale).await);
    assert!(foreign.destroy(&id("gone")).await.unwrap());
    let outcomes = join!(
        put(&store, "x", 1, &x),
        put(&store, "a", 2, &a),
        put(&store, "stale", 3, &stale),
        put(&store, "gone", 4, &gone),
        put(&store, "d", 5, &d)
    );
    written(outcomes.0);
    written(outcomes.1);
    assert!(conflict(outcomes.2).revision == newer);
    assert_gone(&outcomes.3);
    written(outcomes.4);
    let stored =
        [n(&store, "x").await, n(&store, "a").await, n(&store, "stale").await, n(&store, "gone").await];
    assert_eq!(stored.map(Option::unwrap_or_default), ["1", "2", "7", ""]);
}

/// What a collation takes for equal is told apart by its bytes, also for many at once.
#[tokio::test]
async fn documents_and_ids_are_compared_byte_by_byte_in_a_batch() {
    for collation in ["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"] {
        let database = Database::fresh().await;
        let store = database.store().await;
        let change = format!("ALTER TABLE sessions CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}");
        database.run(&change).await;
        let mut revisions = Vec::new();
        let (accented, changed) = (document("name", "\"aé\""), document("name", "\"b\""));
        for name in ["x", "space", "case", "accent", "same"] {
            revisions.push(written(store.set(&id(name), &accented, Expect::Any).await.unwrap()));
        }
        database.run("UPDATE sessions SET data = CONCAT(data, ' ') WHERE session_id = 'space'").await;
        database.run("UPDATE sessions SET data = REPLACE(data, 'aé', 'Aé') WHERE session_id = 'case'").await;
        database
            .run("UPDATE sessions SET data = REPLACE(data, 'aé', 'ae') WHERE session_id = 'accent'")
            .await;
        let [x, space, case, accent, same, other] = ["x", "space", "case", "accent", "same", "SAME"].map(id);
        let set = |id, number: usize| store.set(id, &changed, Expect::Revision(&revisions[number]));
        let outcomes =
            join!(set(&x, 0), set(&space, 1), set(&case, 2), set(&accent, 3), set(&same, 4), set(&other, 4));
        written(outcomes.0.unwrap());
        conflict(outcomes.1.unwrap());
        conflict(outcomes.2.unwrap());
        conflict(outcomes.3.unwrap());
        written(outcomes.4.unwrap());
        assert_gone(&outcomes.5.unwrap());
        let found = join!(store.get(&x), store.get(&other), store.get(&same));
        assert!(found.1.unwrap().is_none() && found.2.unwrap().is_some(), "{collation}");
        let touched = join!(
            touch(&store, &x, &changed),
            touch(&store, &other, &changed),
            touch(&store, &same, &changed)
        );
        assert_eq!(touched.1.unwrap(), TouchOutcome::Gone, "{collation}");
        assert_eq!(touched.2.unwrap(), TouchOutcome::Touched, "{collation}");
    }
}

/// A mark is no session, whoever it stands beside; an expired row is none either.
#[tokio::test]
async fn marks_and_expired_rows_are_absent_in_a_batch() {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::new(FROZEN));
    let store = connect(database.options().clock(clock)).await.unwrap();
    let [x, old, dead, live] = sessions(&store, ["x", "old", "dead", "live"]).await;
    let by = Successor { id: &id("new"), grace: Duration::from_mins(1) };
    store.supersede(&id("old"), Expect::Revision(&old), by).await.unwrap();
    database.run("UPDATE sessions SET expires = 5 WHERE session_id = 'dead'").await;
    let marks = database.rows().await;

    let ids = ["x", "old", "dead", "live"].map(id);
    let found = join!(store.get(&ids[0]), store.get(&ids[1]), store.get(&ids[2]), store.get(&ids[3]));
    assert!(found.1.unwrap().is_none() && found.2.unwrap().is_none() && found.3.unwrap().is_some());
    let one = document("n", "0");
    let touched = join!(
        touch(&store, &ids[0], &one),
        touch(&store, &ids[1], &one),
        touch(&store, &ids[2], &one),
        touch(&store, &ids[3], &one)
    );
    assert_eq!(touched.1.unwrap(), TouchOutcome::Gone);
    assert_eq!(touched.2.unwrap(), TouchOutcome::Gone);
    assert_eq!(touched.3.unwrap(), TouchOutcome::Touched);
    let outcomes = join!(
        put(&store, "x", 1, &x),
        put(&store, "old", 1, &old),
        put(&store, "dead", 1, &dead),
        put(&store, "live", 1, &live)
    );
    assert_gone(&outcomes.1);
    assert_gone(&outcomes.2);
    written(outcomes.3);
    let left = |name: &str| marks.iter().find(|row| row.id == name).cloned();
    let rows = database.rows().await;
    for name in ["old", "dead"] {
        assert_eq!(rows.iter().find(|row| row.id == name).cloned(), left(name));
    }
    let successors = join!(store.successor(&ids[0]), store.successor(&ids[1]), store.successor(&ids[3]));
    assert_eq!(successors.1.unwrap(), Some(id("new")));
    assert_eq!(successors.2.unwrap(), None);
}

/// Counters of many threads with runtimes of their own, as Actix has them: nobody's step is lost or done twice.
#[test]
fn no_step_is_lost_between_runtimes() {
    const THREADS: u32 = 4;
    const CALLERS: u32 = 6;
    const STEPS: u32 = 20;
    async fn count(store: MySqlStore, sid: SessionId) {
        for _ in 0..STEPS {
            let mut found = store.get(&sid).await.unwrap().unwrap();
            loop {
                let number: u32 = found.document.get_raw("n").unwrap().parse().unwrap();
                let next = document("n", &(number + 1).to_string());
                match store.set(&sid, &next, Expect::Revision(&found.revision)).await.unwrap() {
                    SetOutcome::Written(_) => break,
                    SetOutcome::Conflict(newer) => found = *newer,
                    SetOutcome::Gone => panic!("nobody destroys it"),
                }
            }
        }
    }
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let main = runtime();
    let (database, store) = main.block_on(async {
        let database = Database::fresh().await;
        let store = connect(database.options().connection_limit(6)).await.unwrap();
        sessions(&store, ["s0", "s1", "s2", "s3", "s4", "s5"]).await;
        (database, store)
    });
    // No runtime ends while another may use its connections: a thread that ends takes its requests with it.
    let done = Arc::new(tokio::sync::Barrier::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                runtime().block_on(async move {
                    // Each session has one caller on every thread, so that rows are met in batches and alone.
                    let callers = (0..CALLERS)
                        .map(|caller| tokio::spawn(count(store.clone(), id(&format!("s{caller}")))));
                    let mut ended = Vec::new();
                    for caller in callers.collect::<Vec<_>>() {
                        ended.push(caller.await);
                    }
                    done.wait().await;
                    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
                });
            })
        })
        .collect();
    // The first runtime has connections, too, so it goes on meanwhile.
    main.block_on(async {
        let join = || threads.into_iter().for_each(|thread| thread.join().unwrap());
        tokio::task::spawn_blocking(join).await.unwrap();
    });
    main.block_on(async {
        for caller in 0..CALLERS {
            assert_eq!(n(&store, &format!("s{caller}")).await, Some((THREADS * STEPS).to_string()));
        }
        drop(database);
    });
}
