//! Ways to reach a server, and to live in a process: sockets, TLS, one runtime per thread as Actix has it.

use std::process::Command;
use std::thread;

use express_session_core::{Expect, SessionStore as _};
use express_session_mysql::mysql_async::SslOpts;
use express_session_mysql::{MySqlError, MySqlOptions};
use express_session_testbed::{MariaDb, mariadb};
use tokio::runtime::{Builder, Runtime};

use crate::database::{Database, connect, document, id};
use crate::expected::written;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runtimes come and go; the store stays, also with connections that died with a runtime.
#[test]
fn a_store_serves_many_runtimes_and_outlives_each() {
    let first = runtime();
    let database = first.block_on(Database::fresh());
    let store = first.block_on(connect(database.options().connection_limit(3))).unwrap();
    first.block_on(async { written(store.set(&id("sid"), &document("n", "1"), Expect::Any).await.unwrap()) });
    drop(first);
    for _ in 0..4 {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                thread::spawn(move || {
                    runtime().block_on(async {
                        for _ in 0..50 {
                            assert!(store.get(&id("sid")).await.unwrap().is_some());
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    // Compare-and-set on connections of runtimes that are gone.
    runtime().block_on(async {
        let found = store.get(&id("sid")).await.unwrap().unwrap();
        written(store.set(&id("sid"), &document("n", "2"), Expect::Revision(&found.revision)).await.unwrap());
    });
}

async fn assert_usable(options: MySqlOptions) {
    let store = connect(options.clear_expired(false)).await.unwrap();
    written(store.set(&id("sid"), &document("n", "1"), Expect::Any).await.unwrap());
    assert!(store.get(&id("sid")).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn a_unix_socket_is_as_good_as_tcp() {
    let server = MariaDb::shared();
    let database = Database::on(&server.url(""), "utf8mb4").await;
    let fields = MySqlOptions::new()
        .socket_path(server.socket().to_str().unwrap())
        .user(mariadb::USER)
        .password(mariadb::PASSWORD)
        .database(&database.name);
    assert_usable(fields).await;
    let url = format!("{}?socket={}", database.url, server.socket().display());
    assert_usable(MySqlOptions::from_url(&url).unwrap()).await;
}

/// The certificate is checked: with its root the connection is made, without it is not.
#[tokio::test]
async fn tls_by_rustls() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let options = [format!("--ssl-cert={}", cert.display()), format!("--ssl-key={}", key.display())];
    let options: Vec<_> =
        options.iter().map(String::as_str).chain(["--require-secure-transport=1"]).collect();
    let server = MariaDb::start(&options).unwrap();
    let admin = MySqlOptions::new()
        .host("localhost")
        .port(server.port())
        .user(mariadb::USER)
        .password(mariadb::PASSWORD)
        .database("mysql");
    let trusting = SslOpts::default().with_root_certs(vec![cert.into()]);
    assert_usable(admin.clone().table_name("sessions").tls(trusting)).await;
    let error = connect(admin.clone().tls(SslOpts::default())).await.unwrap_err();
    assert!(matches!(error, MySqlError::Connect(_)), "{error:?}");
    let error = connect(admin).await.unwrap_err();
    assert!(matches!(error, MySqlError::AccessDenied(_)), "{error:?}");
}
