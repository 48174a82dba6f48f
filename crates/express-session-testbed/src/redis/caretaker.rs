//! The end of servers that live in a static, which is never dropped.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that waits until this program has ended, however it does; then it ends the servers, if they are
/// still the ones with this folder on their command line, and removes the folder.
#[derive(Debug)]
pub(super) struct Caretaker {
    // Its standard input is closed with the program.
    _child: Child,
}

impl Caretaker {
    pub(super) fn of(servers: &[u32], folder: &Path) -> io::Result<Self> {
        const SCRIPT: &str = r#"
            cat >/dev/null
            folder=$0
            for server in "$@"; do
                grep -qs -- "$folder" "/proc/$server/cmdline" && kill -9 "$server"
            done
            rm -rf -- "$folder"
        "#;
        let mut caretaker = Command::new("sh");
        caretaker.arg("-c").arg(SCRIPT).arg(folder).args(servers.iter().map(u32::to_string));
        caretaker.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { _child: caretaker.spawn()? })
    }
}
