//! The planted bugs, which `make sim-planted` looks for one by one: here only that they can still be planted.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_planted_bug_fits_the_code_as_it_is() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut patches = 0;
    for entry in fs::read_dir(workspace.join("tests/simulation/planted")).unwrap() {
        let patch = entry.unwrap().path();
        let text = fs::read_to_string(&patch).unwrap();
        let says = text.lines().next().unwrap();
        assert!(
            says.ends_with('.') && says.len() > 20,
            "{}: the first line says what is wrong",
            patch.display()
        );
        let check = Command::new("git")
            .args(["apply", "--check"])
            .arg(&patch)
            .current_dir(&workspace)
            .output()
            .unwrap();
        assert!(check.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&check.stderr));
        patches += 1;
    }
    assert!(patches >= 20, "{patches} patches");
}
