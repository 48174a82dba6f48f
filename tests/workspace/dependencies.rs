//! Who depends on what, asked of cargo.

use std::collections::BTreeSet;
use std::fs;

use express_session_tests::app::{cargo, workspace};

const STORES: [&str; 4] =
    ["express-session-memory", "express-session-file", "express-session-mysql", "express-session-redis"];

/// Every package that `package` links, features of other packages left aside.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = cargo()
        .args([
            "tree",
            "--quiet",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn the_core_knows_no_framework_no_runtime_and_no_driver() {
    let core = dependencies("express-session-core");
    assert!(core.contains("serde_json"), "the list is not empty");
    for name in
        ["tokio", "async-std", "smol", "redis", "deadpool-redis", "mysql_async", "axum", "tower", "hyper"]
    {
        assert!(!core.contains(name), "express-session-core links {name}");
    }
    assert!(!core.iter().any(|name| name.starts_with("actix")), "{core:?}");
}

#[test]
fn the_middleware_knows_no_store() {
    let middleware = dependencies("express-session-actix");
    assert!(STORES.iter().all(|store| !middleware.contains(*store)), "{middleware:?}");
}

#[test]
fn every_app_links_exactly_one_store_and_has_a_config_file() {
    let mut apps = 0;
    for entry in fs::read_dir(workspace().join("apps")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("src/main.rs").is_file() {
            continue;
        }
        let app = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let linked = dependencies(&app);
        let stores: Vec<_> = STORES.iter().filter(|store| linked.contains(**store)).collect();
        assert_eq!(stores.len(), 1, "{app} links {stores:?}");
        assert!(workspace().join(format!("config/{app}.toml")).is_file(), "{app} has no config file");
        apps += 1;
    }
    assert!(apps >= 4, "only {apps} apps were found");
}

#[test]
fn no_published_package_depends_on_one_for_tests() {
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        let package = entry.unwrap().file_name().into_string().unwrap();
        if ["express-session-contract", "express-session-testbed"].contains(&package.as_str()) {
            continue;
        }
        let linked = dependencies(&package);
        for name in
            ["express-session-contract", "express-session-testbed", "express-session-tests", "app-support"]
        {
            assert!(!linked.contains(name), "{package} links {name}");
        }
    }
}
