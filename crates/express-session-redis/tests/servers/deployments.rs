//! The ways to a server: TCP, TLS, unix socket, users and passwords, databases, a pool that is handed in.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use deadpool_redis::{Config, Runtime};
use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError};
use express_session_redis::{RedisError, RedisOptions, RedisPool, RedisStore, deadpool_redis};
use express_session_testbed::redis::RedisServer;

use crate::support::{document, eventually, id, n_of, own_options, store_at, store_on_pool, written};

/// Writes, reads, touches and destroys a session.
async fn works(store: &RedisStore) {
    // A server listens on TCP a moment before it does on its other doors.
    eventually(async || store.ready().await).await;
    written(store.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    let stored = store.get(&id("a")).await.unwrap().unwrap();
    assert_eq!(n_of(&stored.document), 1);
    written(store.set(&id("a"), &document(2), Expect::Revision(&stored.revision)).await.unwrap());
    assert_eq!(store.length().await.unwrap(), 1);
    assert!(store.destroy(&id("a")).await.unwrap());
}

#[tokio::test]
async fn a_unix_socket_leads_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    let _server = RedisServer::start(&["--unixsocket", socket.to_str().unwrap()]).unwrap();
    let url = format!("redis+unix://{}?db=3", socket.display());
    works(&store_at(&url, RedisOptions::new())).await;
}

#[tokio::test]
async fn the_newer_protocol_is_understood() {
    let server = RedisServer::start(&[]).unwrap();
    let url = format!("{}/?protocol=resp3", server.url());
    works(&store_at(&url, RedisOptions::new())).await;
}

#[tokio::test]
async fn databases_are_apart() {
    let server = RedisServer::start(&[]).unwrap();
    let in_database = |number: u8| store_at(&format!("{}/{number}", server.url()), RedisOptions::new());
    let (first, second) = (in_database(0), in_database(7));
    written(first.set(&id("a"), &document(1), Expect::Any).await.unwrap());
    assert!(second.get(&id("a")).await.unwrap().is_none());
    works(&second).await;
    assert_eq!(first.length().await.unwrap(), 1);
}

#[tokio::test]
async fn a_user_needs_no_more_rights_than_the_readme_says() {
    let server = RedisServer::start(&[]).unwrap();
    let rights =
        "+get +getex +set +del +expire +exists +pttl +eval +evalsha +scan +mget +ping +client +unwatch";
    let mut user = vec!["ACL", "SETUSER", "web", "on", ">secret", "~sess:*"];
    user.extend(rights.split(' '));
    server.command(&user).unwrap();
    let url = format!("redis://web:secret@127.0.0.1:{}", server.port());
    works(&store_at(&url, RedisOptions::new())).await;
    // Other keys are out of reach, and the error says so without naming the key.
    let elsewhere = store_at(&url, RedisOptions::new().prefix("other:"));
    for error in [
        elsewhere.get(&id("a")).await.unwrap_err(),
        elsewhere.set(&id("a"), &document(1), Expect::Any).await.unwrap_err(),
    ] {
        let StoreError::Backend(source) = &error else { panic!("{error:?}") };
        match source.downcast_ref() {
            Some(RedisError::Forbidden(driver)) if driver.code() == Some("NOPERM") => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_missing_or_wrong_password_is_an_outage() {
    let server = RedisServer::start(&["--requirepass", "secret"]).unwrap();
    let store = store_at(&server.url(), RedisOptions::new());
    assert_refused(&store.get(&id("a")).await.unwrap_err(), "NOAUTH");
    let wrong = format!("redis://:wrong@127.0.0.1:{}", server.port());
    let store = store_at(&wrong, RedisOptions::new());
    let error = store.get(&id("a")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
    works(&store_at(&wrong.replace("wrong", "secret"), RedisOptions::new())).await;
}

fn assert_refused(error: &StoreError, code: &str) {
    let StoreError::Unavailable(source) = error else { panic!("{error:?}") };
    match source.downcast_ref() {
        Some(RedisError::Refused(driver)) if driver.code() == Some(code) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pool_that_is_handed_in_is_shared_and_stays_usable() {
    let server = RedisServer::start(&[]).unwrap();
    let mut config = Config::from_url(server.url());
    config.pool = Some(deadpool_redis::PoolConfig::new(2));
    let pool = config.create_pool(Some(Runtime::Tokio1)).unwrap();
    let options = own_options().connections(NonZeroUsize::MIN);
    let store = store_on_pool(pool.clone(), options);
    works(&store).await;
    let mut own = pool.get().await.unwrap();
    let pong: String = deadpool_redis::redis::cmd("PING").query_async(&mut own).await.unwrap();
    assert_eq!(pong, "PONG");
    works(&store).await;
    // The store keeps one place, the test the other.
    assert_eq!(pool.status().size, 2);
    drop(store);
    assert_eq!(pool.status().available, 1, "the store gives its place back");
}

#[tokio::test]
async fn a_server_without_getex_is_too_old() {
    let server = RedisServer::start(&["--rename-command", "GETEX", ""]).unwrap();
    let store = store_at(&server.url(), RedisOptions::new());
    let cookie = express_session_core::Cookie::default();
    let touch_after = express_session_core::TouchAfter::Always;
    let hint = express_session_core::TouchHint { cookie: &cookie, touch_after };
    let error = store.get_and_touch(&id("SECRET"), hint).await.unwrap_err();
    let StoreError::Backend(source) = &error else { panic!("{error:?}") };
    assert!(matches!(source.downcast_ref(), Some(RedisError::Unsupported(_))), "{error:?}");
    assert!(!format!("{error:?}").contains("SECRET"));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_is_spoken_and_the_certificate_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let port = express_session_testbed::free_port().unwrap();
    let _server = RedisServer::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &path("server.crt"),
        "--tls-key-file",
        &path("server.key"),
        "--tls-auth-clients",
        "no",
    ])
    .unwrap();
    let url = format!("rediss://localhost:{port}");
    let root = std::fs::read(path("root.crt")).unwrap();
    let pool = RedisPool::url_with_root_certificate(&url, root).unwrap();
    works(&store_on_pool(pool, own_options())).await;
    // The system does not know this authority.
    let store = store_at(&url, own_options());
    assert!(store.get(&id("a")).await.unwrap_err().is_outage());
}

/// An authority of our own and a certificate for `localhost` from it.
#[cfg(feature = "tls")]
fn certificate(folder: &Path) {
    let openssl = |arguments: &str| {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout root.key -out root.crt -days 2 -subj /CN=test-root"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    openssl(
        "x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -out server.crt -days 2 -extfile names",
    );
}
