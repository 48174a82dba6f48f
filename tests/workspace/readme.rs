//! The README's example, as a stranger would use it: a package of its own, outside the workspace.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use express_session_testbed::{Process, free_port};
use express_session_tests::Client;
use express_session_tests::app::{cargo, target_folder, workspace};

/// What the example promises.
const MOST_LINES: usize = 15;

/// The first fenced block of this language.
fn block(readme: &str, language: &str) -> String {
    let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("the README has such a block");
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_example_builds_outside_the_workspace_and_counts() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let program = block(&readme, "rust");
    assert!(program.lines().filter(|line| !line.trim().is_empty()).count() <= MOST_LINES, "{program}");
    let dependencies = block(&readme, "toml");

    let folder = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    write_package(folder.path(), &dependencies, &program.replace("8080", &port.to_string()));
    let build = cargo().arg("build").arg("--quiet").current_dir(folder.path()).output().unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));

    let mut command = Command::new(target_folder().join("readme-example"));
    command.env("SESSION_SECRET", "a secret for tests, thirty-two bytes or more");
    let mut process = Process::spawn(command, folder.path().join("log")).unwrap();
    process.wait_for_port(port).unwrap();
    let mut visitor = Client::new(([127, 0, 0, 1], port).into());
    assert_eq!(visitor.get("/").text(), "View: 1");
    assert_eq!(visitor.get("/").text(), "View: 2");
}

/// The README's dependencies and program; paths made absolute, versions as the workspace has tested them.
fn write_package(folder: &Path, dependencies: &str, program: &str) {
    let crates = workspace().join("crates");
    let mut manifest = "[package]\nname = \"readme-example\"\nedition = \"2024\"\n\n".to_owned();
    manifest.push_str(&dependencies.replace("path = \"crates", &format!("path = \"{}", crates.display())));
    // As in the workspace, so that what was built there is used again.
    write!(manifest, "\n[workspace]\n\n[profile.dev]\ndebug = \"line-tables-only\"\n").unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), program).unwrap();
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}
