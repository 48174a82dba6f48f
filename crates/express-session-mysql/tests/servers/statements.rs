//! What goes over the wire: the server's own log shows exactly the statements promised.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Expect, ManualClock, SessionStore as _, SessionStoreAdmin as _, Successor, TouchOutcome,
};

use crate::database::{Database, FROZEN, StoredRow, connect, document, id, touch};
use crate::expected::{assert_gone, conflict, written};
use crate::general_log::{Log, executed};

/// The statements of one life, with the store's only connection.
#[tokio::test]
async fn each_verb_sends_what_is_promised_and_nothing_else() {
    let database = Database::fresh().await;
    let mut log = Log::start(&database).await;
    let clock = Arc::new(ManualClock::new(FROZEN));
    let options = database.options().connection_limit(1).clock(Arc::clone(&clock));
    let store = connect(options).await.unwrap();
    let creation = log.take().await;
    assert_eq!(creation.len(), 3, "one setting, one CREATE TABLE prepared and executed: {creation:?}");
    assert!(creation[0].starts_with("Query SET SESSION autocommit = 1"), "{creation:?}");
    assert!(creation[2].starts_with("Execute CREATE TABLE IF NOT EXISTS `sessions`"), "{creation:?}");

    let (sid, exact) =
        (id("sid"), "CAST(CONVERT(`session_id` USING utf8mb4) AS BINARY) = CAST('sid' AS BINARY)");
    let first = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
    let first_text = r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"n":1}"#;
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 1);
    assert!(
        sent[0].starts_with(
            "INSERT INTO `sessions` (`session_id`, `expires`, `data`) VALUES ('sid', 1893639846, '{"
        ),
        "{sent:?}"
    );
    assert!(
        sent[0].ends_with("ON DUPLICATE KEY UPDATE `expires` = VALUES(`expires`), `data` = VALUES(`data`)"),
        "{sent:?}"
    );

    let select = format!(
        "SELECT `data` AS data, `expires` AS expires FROM `sessions` WHERE `session_id` = 'sid' AND {exact}"
    );
    store.get(&sid).await.unwrap().unwrap();
    assert_eq!(executed(&log.take().await), [&*select]);

    // From here on everything is prepared already: only the executions are left.
    clock.advance(Duration::from_millis(500));
    let found = store.get(&sid).await.unwrap().unwrap();
    assert_eq!(touch(&store, &sid, &found.document).await.unwrap(), TouchOutcome::Touched);
    let second = written(store.set(&sid, &document("n", "2"), Expect::Revision(&first)).await.unwrap());
    log.take().await;
    store.get(&sid).await.unwrap().unwrap();
    touch(&store, &sid, &found.document).await.unwrap();
    let third = written(store.set(&sid, &document("n", "3"), Expect::Revision(&second)).await.unwrap());
    let commands = log.take().await;
    assert_eq!(commands.len(), 3, "no preparing, resetting or pinging: {commands:?}");
    let sent = executed(&commands);
    assert_eq!(sent[0], select);
    assert_eq!(
        sent[1],
        format!(
            "UPDATE `sessions` SET `expires` = 1893639846 WHERE `session_id` = 'sid' AND {exact} \
             AND `expires` >= 1893553446"
        )
    );
    assert!(sent[2].starts_with("UPDATE `sessions` SET `expires` = 1893639846, `data` = '{"), "{sent:?}");
    assert!(
        sent[2].contains(&format!(
            "WHERE `session_id` = 'sid' AND {exact} AND `expires` >= 1893553446 AND `data` = CONVERT('{{"
        )),
        "{sent:?}"
    );
    assert!(
        sent[2].ends_with("' USING utf8mb4) COLLATE utf8mb4_bin AND CHAR_LENGTH(`data`) = 82"),
        "{sent:?}"
    );
    assert!(database.rows().await[0].data.as_deref() != Some(first_text));
    log.take().await;

    // Only a write that was not carried out asks why.
    conflict(store.set(&sid, &document("n", "4"), Expect::Revision(&first)).await.unwrap());
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[1], select);

    assert!(store.destroy(&sid).await.unwrap());
    let sent = executed(&log.take().await);
    assert_eq!(
        sent,
        [format!(
            "DELETE FROM `sessions` WHERE `session_id` = 'sid' AND {exact} AND `expires` >= 1893553446"
        )]
    );
    assert_gone(&store.set(&sid, &document("n", "4"), Expect::Revision(&third)).await.unwrap());
    log.take().await;

    let by = Successor { id: &id("new"), grace: Duration::from_mins(1) };
    let revision = written(store.set(&sid, &document("n", "5"), Expect::Any).await.unwrap());
    log.take().await;
    store.supersede(&sid, Expect::Revision(&revision), by).await.unwrap();
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].starts_with("UPDATE `sessions` SET `expires` = 0, `data` = '0e0018935535"), "{sent:?}");
    store.supersede(&sid, Expect::Any, by).await.unwrap();
    let sent = executed(&log.take().await);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(
        sent[0].starts_with("INSERT INTO `sessions`") && sent[0].contains("VALUES ('sid', 0, '0e"),
        "{sent:?}"
    );
    store.successor(&sid).await.unwrap().unwrap();
    assert_eq!(executed(&log.take().await), [&*select]);

    assert_eq!(store.length().await.unwrap(), 0);
    assert_eq!(
        executed(&log.take().await),
        ["SELECT COUNT(*) FROM `sessions` WHERE `expires` >= 1893553446"]
    );
    store.clear().await.unwrap();
    assert_eq!(executed(&log.take().await), ["DELETE FROM `sessions`"]);
    log.stop().await;
}

#[tokio::test]
async fn what_is_switched_off_sends_nothing() {
    let database = Database::fresh().await;
    drop(database.store().await);
    let mut log = Log::start(&database).await;
    let store = connect(database.options().create_database_table(false).disable_touch(true)).await.unwrap();
    assert_eq!(touch(&store, &id("sid"), &document("n", "1")).await.unwrap(), TouchOutcome::Touched);
    assert_eq!(log.take().await, Vec::<String>::new());
    log.stop().await;
}

/// What nothing would lengthen is not cut short.
#[tokio::test]
async fn a_life_is_cut_short_in_its_column_unless_touches_are_switched_off() {
    let database = Database::fresh().await;
    for (disable_touch, life) in [(false, 600), (true, 86_400)] {
        let clock = Arc::new(ManualClock::new(FROZEN));
        let options = database.options().clock(Arc::clone(&clock)).disable_touch(disable_touch);
        let store = connect(options).await.unwrap();
        let (sid, document, at_most) = (id("sid"), document("n", "1"), Duration::from_mins(10));
        let revision = written(store.set_for(&sid, &document, Expect::Any, at_most).await.unwrap());
        written(store.set_for(&sid, &document, Expect::Revision(&revision), at_most).await.unwrap());
        // 1 893 553 445.678 is rounded.
        let expires = 1_893_553_446 + life;
        let row = StoredRow { id: "sid".into(), expires, data: Some(document.text().into()) };
        assert_eq!(database.rows().await, [row]);
        store.close().await;
    }
}
