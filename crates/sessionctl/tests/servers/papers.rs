//! Completions and manual pages; they need no store.

use std::fs;

use crate::ctl::run;

#[test]
fn completions_are_written_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run("", &["completions", shell]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.out.contains("sessionctl") && ran.out.contains("migrate") && ran.out.contains("reveal"),
            "{shell}"
        );
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let ran = run("", &["man"]);
    assert!(ran.code == 0 && ran.out.contains(".TH sessionctl 1"), "{}", ran.out);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("man1");
    assert_eq!(run("", &["man", "--into", folder.to_str().unwrap()]).code, 0);
    for name in ["sessionctl", "sessionctl-list", "sessionctl-migrate", "sessionctl-verify", "sessionctl-end"]
    {
        let page = fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
}
