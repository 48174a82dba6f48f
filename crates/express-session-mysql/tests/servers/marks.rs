//! The rows of superseded sessions: what they say, who may take them for what, and how long they stay.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Expect, ManualClock, SessionId, SessionStore as _, SessionStoreAdmin as _, Successor, SupersedeOutcome,
    TouchOutcome,
};
use express_session_mysql::MySqlStore;

use crate::database::{Database, FROZEN, StoredRow, connect, document, id, touch};
use crate::expected::written;

const GRACE: Duration = Duration::from_mins(1);
/// `new`, until a minute after the vectors' instant.
const MARK: &str = "0e001893553505678110101119";

async fn supersede(store: &MySqlStore, old: &str, expect: Expect<'_>, by: &str) -> SupersedeOutcome {
    let by = id(by);
    store.supersede(&id(old), expect, Successor { id: &by, grace: GRACE }).await.unwrap()
}

async fn successor(store: &MySqlStore, old: &str) -> Option<SessionId> {
    store.successor(&id(old)).await.unwrap()
}

fn assert_done(outcome: &SupersedeOutcome) {
    assert!(matches!(outcome, SupersedeOutcome::Superseded), "{outcome:?}");
}

fn assert_gone(outcome: &SupersedeOutcome) {
    assert!(matches!(outcome, SupersedeOutcome::Gone), "{outcome:?}");
}

/// A store whose clock stands still.
async fn frozen(database: &Database, with_index: bool) -> (MySqlStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(FROZEN));
    let options = database.options().clock(Arc::clone(&clock)).create_expires_index(with_index);
    let store = connect(options).await.unwrap();
    if with_index {
        database.has_indexes(1).await;
    }
    (store, clock)
}

#[tokio::test]
async fn the_row_becomes_the_mark_and_a_session_again() {
    let database = Database::fresh().await;
    let (store, _) = frozen(&database, false).await;
    let revision = written(store.set(&id("old"), &document("n", "1"), Expect::Any).await.unwrap());
    assert_done(&supersede(&store, "old", Expect::Revision(&revision), "new").await);
    let mark = StoredRow { id: "old".into(), expires: 0, data: Some(MARK.into()) };
    assert_eq!(database.rows().await, std::slice::from_ref(&mark));
    // As after an answer that was lost: it was us.
    assert_done(&supersede(&store, "old", Expect::Revision(&revision), "new").await);
    assert_gone(&supersede(&store, "old", Expect::Revision(&revision), "other").await);
    assert!(!store.destroy(&id("old")).await.unwrap());
    assert_eq!(database.rows().await, [mark], "nothing of this may remove the mark");
    written(store.set(&id("old"), &document("n", "2"), Expect::Any).await.unwrap());
    assert!(store.get(&id("old")).await.unwrap().is_some());
    assert_eq!(successor(&store, "old").await, None);
}

#[tokio::test]
async fn without_a_grace_the_row_goes_if_it_is_as_expected() {
    let database = Database::fresh().await;
    let (store, _) = frozen(&database, false).await;
    let by = id("new");
    let none = Successor { id: &by, grace: Duration::ZERO };
    let stale = written(store.set(&id("old"), &document("n", "1"), Expect::Any).await.unwrap());
    let revision = written(store.set(&id("old"), &document("n", "2"), Expect::Any).await.unwrap());
    let outcome = store.supersede(&id("old"), Expect::Revision(&stale), none).await.unwrap();
    assert!(matches!(outcome, SupersedeOutcome::Conflict(_)), "{outcome:?}");
    assert_done(&store.supersede(&id("old"), Expect::Revision(&revision), none).await.unwrap());
    assert_gone(&store.supersede(&id("old"), Expect::Revision(&revision), none).await.unwrap());
    assert_done(&store.supersede(&id("old"), Expect::Any, none).await.unwrap());
    assert!(database.rows().await.is_empty());
}

/// express-mysql-session touches whatever row has the id, also one that has expired: a request that had loaded the
/// session before it was superseded gives the mark a life.
#[tokio::test]
async fn a_mark_that_a_node_server_touches_is_still_no_session() {
    let database = Database::fresh().await;
    let (store, _) = frozen(&database, false).await;
    assert_done(&supersede(&store, "old", Expect::Any, "new").await);
    database.run("UPDATE sessions SET expires = 4000000000 WHERE session_id = 'old'").await;
    assert!(store.get(&id("old")).await.unwrap().is_none());
    assert!(express_session_contract::ids(&store).await.unwrap().is_empty());
    assert_eq!(successor(&store, "old").await, Some(id("new")));
    let revision = written(store.set(&id("other"), &document("n", "1"), Expect::Any).await.unwrap());
    assert_gone(&supersede(&store, "old", Expect::Revision(&revision), "newer").await);
}

#[tokio::test]
async fn a_sweep_takes_a_mark_when_its_time_is_over_and_not_before() {
    let no_change = "SELECT 1";
    for (with_index, change) in [
        (false, no_change),
        (true, no_change),
        // As somebody might have made the table by hand.
        (false, "ALTER TABLE sessions CONVERT TO CHARACTER SET latin1"),
        (false, "ALTER TABLE sessions CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"),
    ] {
        let database = Database::fresh().await;
        let (store, clock) = frozen(&database, with_index).await;
        database.run(change).await;
        for number in 0..5 {
            assert_done(&supersede(&store, &format!("old{number}"), Expect::Any, "new").await);
            database.put_row(&format!("dead{number}"), number, Some("{")).await;
        }
        database.put_row("empty", 1, None).await;
        assert_eq!(store.sweep().await.unwrap(), 6);
        clock.advance(GRACE);
        assert_eq!(successor(&store, "old0").await, Some(id("new")), "the last millisecond");
        assert_eq!(store.sweep().await.unwrap(), 0);
        assert_eq!(database.rows().await.len(), 5);
        clock.advance(Duration::from_millis(1));
        assert_eq!(successor(&store, "old0").await, None);
        store.sweep().await.unwrap();
        assert!(database.rows().await.is_empty());
    }
}

#[tokio::test]
async fn an_id_that_the_table_cannot_hold_is_absent() {
    let database = Database::fresh().await;
    let (store, _) = frozen(&database, false).await;
    database.run("ALTER TABLE sessions MODIFY session_id varchar(64) COLLATE utf8mb4_bin NOT NULL").await;
    let revision = written(store.set(&id("a"), &document("n", "1"), Expect::Any).await.unwrap());
    for name in ["x".repeat(129), "x".repeat(65), "a ".to_owned()] {
        assert_done(&supersede(&store, &name, Expect::Any, "new").await);
        assert_gone(&supersede(&store, &name, Expect::Revision(&revision), "new").await);
        assert_eq!(successor(&store, &name).await, None);
    }
    assert!(store.get(&id("a")).await.unwrap().is_some_and(|stored| stored.revision == revision));
    assert_eq!(database.rows().await.len(), 1);
}

#[tokio::test]
async fn marks_are_kept_under_other_names_of_table_and_columns() {
    let database = Database::fresh().await;
    let clock = Arc::new(ManualClock::new(FROZEN));
    let options = database
        .options()
        .clock(clock)
        .table_name("odd")
        .session_id_column("key")
        .expires_column("until")
        .data_column("json");
    let store = connect(options).await.unwrap();
    let revision = written(store.set(&id("old"), &document("n", "1"), Expect::Any).await.unwrap());
    assert_done(&supersede(&store, "old", Expect::Revision(&revision), "new").await);
    assert_eq!(store.sweep().await.unwrap(), 0);
    let rows = database.rows_of("SELECT `key`, `until`, json FROM odd").await;
    assert_eq!(rows, [StoredRow { id: "old".into(), expires: 0, data: Some(MARK.into()) }]);
    assert_eq!(touch(&store, &id("old"), &document("n", "1")).await.unwrap(), TouchOutcome::Gone);
}
