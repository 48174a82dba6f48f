//! Who has used the processor: read from `/proc`, in seconds.

use std::fs;

use anyhow::Context as _;

/// Ticks per second of the times in `/proc`; Linux has shown 100 to programs on every machine for decades.
const TICKS: f64 = 100.0;

/// What the whole machine has worked since it started, and what its host took from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    pub(crate) busy: f64,
    pub(crate) stolen: f64,
}

/// What the machine has worked so far.
pub(crate) fn machine() -> anyhow::Result<Machine> {
    parse_machine(&fs::read_to_string("/proc/stat")?).context("/proc/stat")
}

/// What a process and all its threads have worked so far.
pub(crate) fn process(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("a server has ended by itself")?;
    parse_process(&text).map(|times| times.own).context("/proc/…/stat")
}

/// What this program and the children it has waited for have worked so far.
pub(crate) fn this_program() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    parse_process(&text).map(|times| times.own + times.children).context("/proc/self/stat")
}

/// The memory a process holds, in bytes.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    parse_kilobytes(&text, "VmRSS:").context("VmRSS")
}

/// The memory that programs can still have, in bytes.
pub(crate) fn available() -> anyhow::Result<u64> {
    parse_kilobytes(&fs::read_to_string("/proc/meminfo")?, "MemAvailable:").context("MemAvailable")
}

struct Times {
    own: f64,
    children: f64,
}

fn parse_machine(text: &str) -> Option<Machine> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft, stolen, ..] = ticks.as_slice() else {
        return None;
    };
    Some(Machine { busy: (user + nice + system + interrupts + soft) / TICKS, stolen: stolen / TICKS })
}

fn parse_process(text: &str) -> Option<Times> {
    // The name, in parentheses, may contain anything; fields 14 to 17 of all are 11 to 14 behind it.
    let behind = text.rsplit_once(')')?.1;
    let mut fields = behind.split_whitespace().skip(11).map_while(|word| word.parse::<f64>().ok());
    let mut two = || Some((fields.next()? + fields.next()?) / TICKS);
    Some(Times { own: two()?, children: two()? })
}

fn parse_kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_with_everything_but_waiting() {
        let text = "cpu  100 10 50 9000 70 5 35 20 0 0\ncpu0 1 2 3\n";
        assert_eq!(parse_machine(text).unwrap(), Machine { busy: 2.0, stolen: 0.2 });
    }

    #[test]
    fn a_process_name_with_blanks_and_parentheses_shifts_nothing() {
        let text = "42 (a) b (c) S 1 42 42 0 -1 4194304 1 2 3 4 150 50 30 20 20 0 9 0";
        let times = parse_process(text).unwrap();
        assert_eq!((times.own, times.children), (2.0, 0.5));
    }

    #[test]
    fn memory_is_counted_in_bytes() {
        assert_eq!(parse_kilobytes("Name:\tx\nVmRSS:\t    2048 kB\n", "VmRSS:"), Some(2048 * 1024));
    }
}
