//! Ids, names and tables that are out to do harm.

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError, TouchOutcome};
use express_session_mysql::{MySqlError, MySqlStore};

use crate::database::{Database, connect, document, id, touch};
use crate::expected::{assert_gone, conflict, written};

/// Whatever the id says, it is a value: each finds its own session only, and the table stays.
#[tokio::test]
async fn ids_are_never_sql() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let bystander = id("bystander");
    written(store.set(&bystander, &document("n", "0"), Expect::Any).await.unwrap());
    for text in [
        "' OR '1'='1",
        "'; DROP TABLE sessions; -- ",
        "\\' OR 1=1 -- -",
        "\" OR \"\"=\"",
        "x' UNION SELECT user, password FROM mysql.user -- -",
        "%",
        "_ystander",
        "bystander\0",
        "bystander'/*",
        "?",
        ":id",
        "0x62797374616e646572",
        "\u{bf}' OR 1=1 -- -",
        "bystander\u{200b}",
        "BYSTANDER",
    ] {
        let hostile = id(text);
        assert!(store.get(&hostile).await.unwrap().is_none(), "{text}");
        assert!(!store.destroy(&hostile).await.unwrap(), "{text}");
        assert_eq!(touch(&store, &hostile, &document("n", "1")).await.unwrap(), TouchOutcome::Gone, "{text}");
        match store.set(&hostile, &document("n", "1"), Expect::Any).await {
            Ok(outcome) => {
                written(outcome);
                assert_eq!(store.length().await.unwrap(), 2, "{text}");
                assert!(store.destroy(&hostile).await.unwrap(), "{text}");
            }
            Err(StoreError::UnsupportedId(_)) => assert!(text.ends_with(' '), "{text}"),
            Err(other) => panic!("{text}: {other:?}"),
        }
        let kept = store.get(&bystander).await.unwrap().unwrap();
        assert_eq!(kept.document.get_raw("n"), Some("0"), "{text}");
    }
}

/// PAD SPACE makes `a` and `a ` one key; the row's bytes tell them apart.
#[tokio::test]
async fn trailing_spaces_make_another_id() {
    let database = Database::fresh().await;
    let store = database.store().await;
    let revision = written(store.set(&id("a"), &document("n", "1"), Expect::Any).await.unwrap());
    for text in ["a ", "a  "] {
        let padded = id(text);
        assert!(store.get(&padded).await.unwrap().is_none());
        assert!(!store.destroy(&padded).await.unwrap());
        assert_eq!(touch(&store, &padded, &document("n", "2")).await.unwrap(), TouchOutcome::Gone);
        assert_gone(&store.set(&padded, &document("n", "2"), Expect::Revision(&revision)).await.unwrap());
        let refused = store.set(&padded, &document("n", "2"), Expect::Any).await;
        assert!(matches!(refused, Err(StoreError::UnsupportedId(_))), "{refused:?}");
    }
    let row = &database.rows().await[0];
    assert_eq!(row.id, "a");
    // A row that Node has stored under an id with a space belongs to that id alone.
    store.clear().await.unwrap();
    database.put_row("b ", row.expires, row.data.as_deref()).await;
    assert!(store.get(&id("b")).await.unwrap().is_none());
    assert!(!store.destroy(&id("b")).await.unwrap());
    assert!(store.get(&id("b ")).await.unwrap().is_some());
    assert!(store.destroy(&id("b ")).await.unwrap());
}

/// A document that differs only in trailing spaces, or in what a collation takes for equal, is another one.
#[tokio::test]
async fn revisions_are_compared_byte_by_byte() {
    for collation in ["utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"] {
        let database = Database::fresh().await;
        let store = database.store().await;
        database
            .run(&format!(
                "ALTER TABLE sessions MODIFY data mediumtext CHARACTER SET utf8mb4 COLLATE {collation}"
            ))
            .await;
        let sid = id("sid");
        let revision = written(store.set(&sid, &document("name", "\"aé\""), Expect::Any).await.unwrap());
        for change in ["CONCAT(data, ' ')", "REPLACE(data, 'aé', 'Aé')", "REPLACE(data, 'aé', 'ae')"] {
            let restore = database.rows().await[0].data.clone().unwrap();
            database.run(&format!("UPDATE sessions SET data = {change}")).await;
            let outcome = store.set(&sid, &document("name", "2"), Expect::Revision(&revision)).await.unwrap();
            conflict(outcome);
            database.run(&format!("UPDATE sessions SET data = '{restore}'")).await;
        }
        written(store.set(&sid, &document("name", "2"), Expect::Revision(&revision)).await.unwrap());
    }
}

/// A table in another character set works as well: the bytes compared are those of the text, not of the column.
#[tokio::test]
async fn a_latin1_table_can_be_written_conditionally() {
    let database = Database::fresh().await;
    let store = database.store().await;
    database.run("ALTER TABLE sessions CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci").await;
    let sid = id("sïd");
    let first = written(store.set(&sid, &document("name", "\"café\""), Expect::Any).await.unwrap());
    let found = store.get(&sid).await.unwrap().unwrap();
    assert!(found.revision == first);
    written(store.set(&sid, &document("name", "\"thé\""), Expect::Revision(&first)).await.unwrap());
    assert!(store.get(&id("SÏD")).await.unwrap().is_none());
    assert!(store.destroy(&sid).await.unwrap());
}

/// A column of bytes, as somebody might have made it by hand: what the comparison of texts misses is compared by bytes.
#[tokio::test]
async fn a_column_of_bytes_can_be_written_conditionally() {
    let database = Database::fresh().await;
    let store = database.store().await;
    database.run("ALTER TABLE sessions MODIFY data mediumblob").await;
    let sid = id("sid");
    let first = written(store.set(&sid, &document("name", "\"café\""), Expect::Any).await.unwrap());
    let second =
        written(store.set(&sid, &document("name", "\"thé\""), Expect::Revision(&first)).await.unwrap());
    conflict(store.set(&sid, &document("name", "1"), Expect::Revision(&first)).await.unwrap());
    written(store.set(&sid, &document("name", "2"), Expect::Revision(&second)).await.unwrap());
}

#[tokio::test]
async fn names_are_never_sql() {
    let database = Database::fresh().await;
    database.run("CREATE TABLE precious (a int)").await;
    let names = ["x`; DROP TABLE precious; -- x", "a'b\"c?d:e", "se ssions", "tàble", "--", "/*", "select"];
    for (table, so_far) in names.into_iter().zip(1..) {
        let options = database
            .options()
            .table_name(table)
            .session_id_column("id`) OR 1=1 -- x")
            .expires_column("when?:now")
            .data_column("da'ta\"");
        let store = connect(options.create_expires_index(true)).await.unwrap();
        database.has_indexes(so_far).await;
        let sid = id("sid");
        let revision = written(store.set(&sid, &document("n", "1"), Expect::Any).await.unwrap());
        written(store.set(&sid, &document("n", "2"), Expect::Revision(&revision)).await.unwrap());
        assert_eq!(touch(&store, &sid, &document("n", "2")).await.unwrap(), TouchOutcome::Touched);
        assert_eq!(express_session_contract::all(&store).await.unwrap().len(), 1);
        assert_eq!(store.sweep().await.unwrap(), 0);
        assert!(store.destroy(&sid).await.unwrap());
        store.close().await;
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM precious").await, 0);
    for impossible in ["", "a\0", "a ", "a.b.c", &"x".repeat(65)] {
        let refused = MySqlStore::new(database.options().table_name(impossible));
        assert!(matches!(refused, Err(MySqlError::Name(_))), "{impossible}");
    }
}

#[tokio::test]
async fn a_table_can_live_in_another_database() {
    let (database, other) = (Database::fresh().await, Database::fresh().await);
    let options = database.options().table_name(&format!("{}.sessions", other.name));
    let store = connect(options.create_expires_index(true)).await.unwrap();
    other.has_indexes(1).await;
    written(store.set(&id("sid"), &document("n", "1"), Expect::Any).await.unwrap());
    assert_eq!(other.rows().await.len(), 1);
    // The second start finds table and index.
    let options = database.options().table_name(&format!("{}.sessions", other.name));
    connect(options.create_expires_index(true)).await.unwrap();
    other.has_indexes(1).await;
}

/// Ids of 128 characters fit, whatever their length in bytes; longer ones are refused without asking the server.
#[tokio::test]
async fn ids_have_up_to_128_characters() {
    let store = Database::fresh().await.store().await;
    for character in ["x", "é", "🍪"] {
        let longest = id(&character.repeat(128));
        written(store.set(&longest, &document("n", "1"), Expect::Any).await.unwrap());
        assert!(store.get(&longest).await.unwrap().is_some());
        let longer = id(&character.repeat(129));
        let refused = store.set(&longer, &document("n", "1"), Expect::Any).await;
        assert!(matches!(refused, Err(StoreError::UnsupportedId(_))), "{refused:?}");
        assert!(store.get(&longer).await.unwrap().is_none());
        assert!(!store.destroy(&longer).await.unwrap());
    }
}
