//! The end of servers that live in a static, which is never dropped.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::process::in_its_own_group;

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
        Ok(Self { _child: in_its_own_group(&mut caretaker).spawn()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_interrupts_the_program_does_not_interrupt_its_caretaker() {
        let folder = tempfile::tempdir().unwrap();
        let Caretaker { _child: caretaker } = Caretaker::of(&[], folder.path()).unwrap();
        let pid = caretaker.id().to_string();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // Behind the name in parentheses: state, parent, group.
        let group = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(2).unwrap();
        assert_eq!(group, pid);
    }
}
