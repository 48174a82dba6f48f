//! Sessions that nobody asks for: copies of a real one under other ids, made by the store's own means.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;

use crate::backends::Backend;
use crate::subject::{Store, Subject};

/// What the names of expired files begin with.
const EXPIRED: &str = "expired";

/// Adds copies with these numbers. All that use one Redis share its keys: there, once
/// is enough.
pub(crate) fn add(
    backend: &Backend,
    subject: &Subject,
    files: &Path,
    numbers: Range<u64>,
) -> anyhow::Result<()> {
    match backend.store() {
        Store::Memory => Ok(()),
        Store::File => names_in(files, numbers),
        Store::Redis => keys(backend.redis_port().context("no Redis")?, numbers),
        Store::Mysql => backend.sql(&rows(subject, &numbers, false)).map(drop),
    }
}

/// The table of a subject, and its columns: id, expiry, data.
fn table(subject: &Subject) -> (String, [&'static str; 3]) {
    if subject.name.starts_with("tower-") {
        return ("tower_sessions.session".to_owned(), ["id", "expiry_date", "data"]);
    }
    (format!("{}.sessions", subject.serves.replace('-', "_")), ["session_id", "expires", "data"])
}

/// SQL that adds rows: copies of an existing one, in the order of their ids, as long as real ones.
fn rows(subject: &Subject, numbers: &Range<u64>, expired: bool) -> String {
    let (table, [id, expiry, data]) = table(subject);
    let is_tower = subject.name.starts_with("tower-");
    let length = if is_tower { 22 } else { 32 };
    let then = match (expired, is_tower) {
        (false, _) => "@expiry",
        (true, true) => "UTC_TIMESTAMP() - INTERVAL 1 HOUR",
        (true, false) => "UNIX_TIMESTAMP() - 3600",
    };
    let last = numbers.end - 1;
    format!(
        "SELECT {expiry}, {data} INTO @expiry, @data FROM {table} LIMIT 1; \
         INSERT INTO {table} ({id}, {expiry}, {data}) \
         SELECT LEFT(MD5(seq), {length}), {then}, @data FROM mysql.seq_{}_to_{last} ORDER BY 1",
        numbers.start
    )
}

/// Adds so many sessions that a sweep will remove.
pub(crate) fn add_expired(
    backend: &Backend,
    subject: &Subject,
    files: &Path,
    count: u64,
) -> anyhow::Result<()> {
    match backend.store() {
        Store::Memory | Store::Redis => Ok(()),
        Store::File => expired_in(files, count),
        Store::Mysql => backend.sql(&rows(subject, &(0..count), true)).map(drop),
    }
}

/// Whether a sweep has something to do.
pub(crate) fn is_expired_left(backend: &Backend, subject: &Subject, files: &Path) -> anyhow::Result<bool> {
    if backend.store() == Store::File {
        let mut names = fs::read_dir(files)?.filter_map(Result::ok).map(|entry| entry.file_name());
        return Ok(names.any(|name| name.to_string_lossy().starts_with(EXPIRED)));
    }
    let (table, [_, expiry, _]) = table(subject);
    let now = if subject.name.starts_with("tower-") { "UTC_TIMESTAMP()" } else { "UNIX_TIMESTAMP()" };
    let found = backend.sql(&format!("SELECT 1 FROM {table} WHERE {expiry} < {now} LIMIT 1"))?;
    Ok(!found.trim().is_empty())
}

/// Redis keys, sent many at a time.
fn keys(redis: u16, numbers: Range<u64>) -> anyhow::Result<()> {
    const AT_ONCE: u64 = 1000;
    // About what a session with one key is.
    let value = "x".repeat(140);
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, redis))?);
    let key = |number: u64| format!("sess:ballast{number:024}");
    stream.get_mut().write_all(format!("EXISTS {}\r\n", key(numbers.end - 1)).as_bytes())?;
    let mut answer = [0; ":0\r\n".len()];
    stream.read_exact(&mut answer)?;
    if answer == *b":1\r\n" {
        return Ok(());
    }
    let mut number = numbers.start;
    while number < numbers.end {
        let end = numbers.end.min(number + AT_ONCE);
        let mut commands = String::new();
        for number in number..end {
            write!(commands, "SET {} {value} EX 86400\r\n", key(number))?;
        }
        stream.get_mut().write_all(commands.as_bytes())?;
        let mut answers = vec![0; "+OK\r\n".len() * usize::try_from(end - number)?];
        stream.read_exact(&mut answers)?;
        number = end;
    }
    Ok(())
}

/// Names for one file with the text of an existing one, and for another when it has as many as ext4 allows: the
/// folder is as large as with real files, and removing it does not take a quarter of an hour on a slow disk.
fn names_in(folder: &Path, numbers: Range<u64>) -> anyhow::Result<()> {
    const NAMES: usize = 60_000;
    let text = text_in(folder)?;
    let mut file = None;
    for (index, number) in numbers.enumerate() {
        let name = folder.join(format!("ballast{number:025}.json"));
        match &file {
            Some(file) if index % NAMES != 0 => fs::hard_link(file, name)?,
            _ => {
                fs::write(&name, &text)?;
                file = Some(name);
            }
        }
    }
    Ok(())
}

/// Files with the text of an existing one, but expired.
fn expired_in(folder: &Path, count: u64) -> anyhow::Result<()> {
    let text = expired(&text_in(folder)?);
    for number in 0..count {
        fs::write(folder.join(format!("{EXPIRED}{number:025}.json")), &text)?;
    }
    Ok(())
}

fn text_in(folder: &Path) -> anyhow::Result<String> {
    let is_session = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    let mut entries = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let session = entries.find(|path| is_session(path)).context("no session is there to be copied")?;
    Ok(fs::read_to_string(session)?)
}

/// A session whose last access was in 2001. Source: session-file-store 1.5.0, `isExpired`.
fn expired(text: &str) -> String {
    const LAST_ACCESS: &str = "\"__lastAccess\":";
    let Some((before, after)) = text.split_once(LAST_ACCESS) else { return text.to_owned() };
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{before}{LAST_ACCESS}1000000000000{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copies_in_the_table_of_the_subject() {
        let sql = rows(Subject::named("ours-mysql").unwrap(), &(1000..10_000), false);
        assert!(sql.contains("INTO ours_mysql.sessions (session_id, expires, data)"), "{sql}");
        assert!(sql.contains("LEFT(MD5(seq), 32), @expiry, @data FROM mysql.seq_1000_to_9999"), "{sql}");
        let sql = rows(Subject::named("tower-mysql").unwrap(), &(0..1), true);
        assert!(sql.contains("tower_sessions.session (id, expiry_date, data)"), "{sql}");
        assert!(sql.contains("LEFT(MD5(seq), 22), UTC_TIMESTAMP() - INTERVAL 1 HOUR"), "{sql}");
    }

    #[test]
    fn an_expired_file_differs_in_its_last_access_only() {
        let text = r#"{"cookie":{"originalMaxAge":86400000},"num":1,"__lastAccess":1795651200000}"#;
        let old = r#"{"cookie":{"originalMaxAge":86400000},"num":1,"__lastAccess":1000000000000}"#;
        assert_eq!(expired(text), old);
    }
}
