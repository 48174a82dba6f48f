//! What express-mysql-session leaves in its table, row by row.
//!
//! Source: `tests/vectors/mysql.json`, recorded from express-session 1.19.0 and express-mysql-session 3.0.3.

use std::sync::Arc;
use std::time::Duration;

use express_session_core::{
    Clock as _, Cookie, Data, Document, Expect, ManualClock, SessionStore as _, SessionStoreAdmin as _,
    SetOutcome, StoreError, TouchOutcome, UnixMillis,
};
use express_session_mysql::mysql_async::prelude::Queryable;
use express_session_mysql::{MySqlOptions, MySqlStore};
use express_session_testbed::vectors::{are_foreign, int, list, name, replay_async, text, untranslatable};
use serde_json::Value;

use crate::database::{Database, FROZEN, StoredRow, connect, id, touch};
use crate::expected::written;

/// The options as the Node package was given them, with Rust's names.
fn with_node_options(mut options: MySqlOptions, node: &Value) -> MySqlOptions {
    for (name, value) in node.as_object().into_iter().flatten() {
        options = match name.as_str() {
            "schema" => with_node_schema(options, value),
            "expiration" => options.expiration(Duration::from_millis(value.as_u64().unwrap())),
            "disableTouch" => options.disable_touch(value.as_bool().unwrap()),
            // Node accepts and ignores it; we have none.
            "charset" => options,
            other => untranslatable(format_args!("unknown option {other}")),
        };
    }
    options
}

fn with_node_schema(mut options: MySqlOptions, schema: &Value) -> MySqlOptions {
    if let Some(table) = schema["tableName"].as_str() {
        options = options.table_name(table);
    }
    for (column, name) in schema["columnNames"].as_object().into_iter().flatten() {
        let name = name.as_str().unwrap();
        options = match column.as_str() {
            "session_id" => options.session_id_column(name),
            "expires" => options.expires_column(name),
            "data" => options.data_column(name),
            other => untranslatable(format_args!("unknown column {other}")),
        };
    }
    options
}

/// The SQL names of the table and its columns.
fn names(node: &Value) -> (String, [String; 3]) {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let schema = &node["schema"];
    let column = |name: &str| quoted(schema["columnNames"][name].as_str().unwrap_or(name));
    (
        quoted(schema["tableName"].as_str().unwrap_or("sessions")),
        [column("session_id"), column("expires"), column("data")],
    )
}

#[tokio::test]
async fn the_table_is_created_byte_for_byte_as_by_node() {
    let mut compared = 0;
    replay_async("mysql.json", "create_table", async |row| {
        let Some(expected) = row["show_create_table"].as_str() else { return };
        let database = Database::with_charset(text(row, "database_charset")).await;
        let options = with_node_options(database.options(), &row["store_options"]);
        connect(options).await.unwrap().close().await;
        let mut conn = database.conn().await;
        let table = names(&row["store_options"]).0;
        let (_, created): (String, String) =
            conn.query_first(format!("SHOW CREATE TABLE {table}")).await.unwrap().unwrap();
        let version: String = conn.query_first("SELECT VERSION()").await.unwrap().unwrap();
        if version.contains("MariaDB") {
            assert_eq!(created, expected);
        }
        // Node's own statement makes the same table here, whatever server this is.
        conn.query_drop(format!("DROP TABLE {table}")).await.unwrap();
        conn.query_drop(text(&list(row, "statements")[0], "statement")).await.unwrap();
        let (_, by_node): (String, String) =
            conn.query_first(format!("SHOW CREATE TABLE {table}")).await.unwrap().unwrap();
        assert_eq!(created, by_node);
        compared += 1;
    })
    .await;
    assert!(compared == 7 || are_foreign(), "{compared}");
}

/// A session as the vectors write it, dates spelled as JSON has them.
fn document(session: &Value) -> Document {
    let mut session = session.clone();
    for field in ["expires", "_expires"] {
        if let Some(date) = session["cookie"][field].get("$date").cloned() {
            session["cookie"][field] = date;
        }
    }
    Data::of(Document::parse(session.to_string()).unwrap().unwrap()).encode()
}

fn rows(value: &Value) -> Vec<StoredRow> {
    let rows = value.as_array().unwrap().iter();
    rows.map(|row| StoredRow {
        id: text(row, "session_id").to_owned(),
        expires: row["expires"].as_u64().unwrap(),
        data: row["data"].as_str().map(str::to_owned),
    })
    .collect()
}

/// What is stored in these cases is not what Node stores, on purpose.
fn deliberate_difference(name: &str) -> Option<&'static str> {
    if name.contains("invalid Date") || name.contains("garbage string") {
        // Node sends the text NaN and gets an SQL error.
        return Some("an invalid date counts as none");
    }
    if name.contains("empty string") {
        // What is loaded by Node's own `createSession` has a (then invalid) date there, too.
        return Some("an empty text for a date becomes an invalid date when it is read");
    }
    if name.contains("epoch ms number") || name.contains("_expires only") {
        // No cookie of express-session has these.
        return Some("a number in `expires`, or `_expires`, is not consulted");
    }
    None
}

#[tokio::test]
async fn every_call_of_the_store_leaves_the_same_rows_as_in_node() {
    let mut compared = 0;
    replay_async("mysql.json", "store_api", async |row| {
        if row["rows_after"].is_null() {
            return;
        }
        compare_call(name(row), row).await;
        compared += 1;
    })
    .await;
    assert!(compared == 61 || are_foreign(), "{compared}");
}

async fn compare_call(name: &str, vector: &Value) {
    let database = Database::fresh().await;
    let clock = ManualClock::new(FROZEN);
    let node = &vector["store_options"];
    let store = connect(with_node_options(database.options(), node).clock(clock)).await.unwrap();
    let (table, [id_column, expires, data]) = names(node);
    let args = vector["args"].as_array().cloned().unwrap_or_default();
    let is_touch = vector["method"] == "touch";
    for row in vector["seed"].as_array().into_iter().flatten() {
        // Node's touch of an expired row brings it back, ours does not: here the row lives.
        let seeded = row[1].as_u64().unwrap();
        let life = if is_touch && node.get("disableTouch").is_none() { 1_893_600_000 } else { seeded };
        let insert = format!("INSERT INTO {table} VALUES (?, ?, ?)");
        database.put_row_into(&insert, row[0].as_str().unwrap(), life, row[2].as_str()).await;
    }
    if vector["method"] == "clearExpiredSessions" {
        for (id, expires) in [("a", 1_893_553_445), ("b", 1_893_553_446), ("c", 1_893_553_447)] {
            database.put_row(id, expires, Some("{}")).await;
        }
    }
    let before = database
        .rows_of(&format!("SELECT {id_column}, {expires}, {data} FROM {table} ORDER BY {id_column}"))
        .await;
    let failed = !call(&store, vector, &args).await;
    let after = database
        .rows_of(&format!("SELECT {id_column}, {expires}, {data} FROM {table} ORDER BY {id_column}"))
        .await;
    if let Some(difference) = deliberate_difference(name) {
        assert!(!failed, "{name}: {difference}");
        let day_later = 1_893_639_846;
        assert_eq!(after[0].expires, day_later, "{name}: {difference}");
        return;
    }
    assert_eq!(failed, !vector["error"].is_null(), "{name}");
    let expected = rows(&vector["rows_after"]);
    if is_touch && failed {
        assert_eq!(after, before, "{name}");
    } else {
        assert_eq!(after, expected, "{name}");
    }
}

/// Makes the call; whether it succeeded as Node's did, with the same result.
async fn call(store: &MySqlStore, vector: &Value, args: &[Value]) -> bool {
    let name = text(vector, "name");
    let session = args.first().and_then(Value::as_str).map(id);
    let id = || session.clone().unwrap();
    match text(vector, "method") {
        "set" => match store.set(&id(), &document(&args[1]), Expect::Any).await {
            Ok(outcome) => {
                written(outcome);
                true
            }
            Err(StoreError::Backend(_) | StoreError::UnsupportedId(_)) => false,
            Err(other) => panic!("{name}: {other:?}"),
        },
        "touch" => match touch(store, &id(), &document(&args[1])).await {
            Ok(outcome) => {
                let seeded = vector["seed"].is_array();
                let expected = if seeded { TouchOutcome::Touched } else { TouchOutcome::Gone };
                assert_eq!(outcome, expected, "{name}");
                true
            }
            Err(StoreError::Backend(_)) => false,
            Err(other) => panic!("{name}: {other:?}"),
        },
        "get" => match store.get(&id()).await {
            Ok(found) => {
                // DIFFERENCE: we tell ids apart that differ in trailing spaces.
                let expected = !vector["data"].is_null() && !name.contains("PAD SPACE");
                assert_eq!(found.is_some(), expected, "{name}");
                if let Some(n) = vector["data"].get("n") {
                    let text = found.map(|stored| stored.document.get_raw("n").map(str::to_owned));
                    assert!(text.is_none_or(|text| text == Some(n.to_string())), "{name}");
                }
                true
            }
            Err(StoreError::Corrupt(_)) => false,
            Err(other) => panic!("{name}: {other:?}"),
        },
        "destroy" => {
            assert_eq!(store.destroy(&id()).await.unwrap(), vector["seed"].is_array(), "{name}");
            true
        }
        "length" => {
            assert_eq!(store.length().await.unwrap(), vector["data"].as_u64().unwrap(), "{name}");
            true
        }
        "all" => {
            let mut ids: Vec<_> = express_session_contract::all(store)
                .await
                .unwrap()
                .iter()
                .map(|(id, _)| id.as_str().to_owned())
                .collect();
            ids.sort();
            let expected: Vec<_> = vector["data"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(ids, expected, "{name}");
            true
        }
        "clear" => {
            store.clear().await.unwrap();
            true
        }
        "clearExpiredSessions" => {
            assert_eq!(store.sweep().await.unwrap(), 1, "{name}");
            true
        }
        other => untranslatable(format_args!("unknown method {other}")),
    }
}

#[tokio::test]
async fn a_session_dies_in_the_same_millisecond_as_in_node() {
    replay_async("mysql.json", "boundary", async |vector| {
        let name = name(vector);
        let ms = |key: &str| UnixMillis(int(vector, key));
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::new(FROZEN));
        let store = connect(database.options().clock(Arc::clone(&clock))).await.unwrap();
        let mut cookie = Cookie::default();
        cookie.set_expires(ms("cookie_expires_ms").into(), FROZEN);
        let (id, document) = (id("sid"), Data::new(cookie).encode());
        let revision = written(store.set(&id, &document, Expect::Any).await.unwrap());
        assert_eq!(database.rows().await[0].expires, vector["column_expires"].as_u64().unwrap(), "{name}");
        clock.set(ms("last_ms_alive"));
        assert!(store.get(&id).await.unwrap().is_some(), "{name}");
        assert_eq!(store.length().await.unwrap(), 1, "{name}");
        clock.set(ms("first_ms_dead"));
        assert!(store.get(&id).await.unwrap().is_none(), "{name}");
        assert_eq!(store.length().await.unwrap(), 0, "{name}");
        let outcome = store.set(&id, &document, Expect::Revision(&revision)).await.unwrap();
        assert!(matches!(outcome, SetOutcome::Gone), "{name}");
        assert_eq!(touch(&store, &id, &document).await.unwrap(), TouchOutcome::Gone, "{name}");
        assert!(!store.destroy(&id).await.unwrap(), "{name}");
    })
    .await;
}

/// The requests of `over_time`, as the store sees them: read, touch the cookie, touch the row.
#[tokio::test]
async fn rows_age_as_in_node() {
    let mut compared = 0;
    replay_async("mysql.json", "over_time", async |vector| {
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::new(FROZEN));
        let options = with_node_options(database.options(), &vector["store_options"]);
        let store = connect(options.clock(Arc::clone(&clock))).await.unwrap();
        let max_age = vector["session_options"]["cookie"]["maxAge"].as_u64().map(Duration::from_millis);
        let resave = vector["session_options"]["resave"].as_bool().unwrap_or(false);
        let mut sessions = 0;
        for state in vector["states"].as_array().unwrap() {
            let label = text(state, "label");
            clock.set(FROZEN.plus(Duration::from_millis(state["at_ms"].as_u64().unwrap())));
            let now = clock.now();
            let present = id(&format!("SID{sessions}"));
            if let Some(stored) = store.get(&present).await.unwrap() {
                let mut cookie = stored.document.cookie().clone();
                cookie.touch(now);
                if resave {
                    let expect = Expect::Revision(&stored.revision);
                    written(
                        store.set(&present, &stored.document.with_cookie(&cookie), expect).await.unwrap(),
                    );
                } else {
                    let touched = store.touch(&present, &stored.document, &cookie).await.unwrap();
                    assert_eq!(touched, TouchOutcome::Touched, "{label}");
                }
            } else {
                let mut data = Data::new(Cookie::default());
                data.cookie_mut().set_max_age(max_age, now);
                if sessions == 0 {
                    data.insert("n", 1).unwrap();
                }
                sessions += 1;
                let id = id(&format!("SID{sessions}"));
                written(store.set(&id, &data.encode(), Expect::Any).await.unwrap());
            }
            assert_eq!(database.rows().await, rows(&state["rows"]), "{label}");
            compared += 1;
        }
    })
    .await;
    assert!(compared >= 16 || are_foreign(), "only {compared} states were compared");
}
