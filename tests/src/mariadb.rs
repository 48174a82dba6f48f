//! Statements for a private MariaDB, by its own client.

use std::process::Command;

use express_session_testbed::MariaDb;
use express_session_testbed::mariadb::{PASSWORD, USER};

/// Creates an empty database.
pub fn create_database(server: &MariaDb, database: &str) {
    run(server, &format!("CREATE DATABASE `{database}`"));
}

/// Runs a statement; its rows, one per line, columns apart by tabs.
pub fn run(server: &MariaDb, statement: &str) -> String {
    let output = Command::new("mariadb")
        .args(["--no-defaults", "--batch", "--skip-column-names", "--user", USER])
        .arg(format!("--password={PASSWORD}"))
        .arg(format!("--socket={}", server.socket().display()))
        .args(["--execute", statement])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
