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

/// Adds copies with these numbers.
pub(crate) fn add(
    backend: &Backend,
    subject: &Subject,
    files: &Path,
    numbers: Range<u64>,
) -> anyhow::Result<()> {
    match backend.store() {
        Store::Memory => Ok(()),
        Store::File => files_in(files, numbers),
        Store::Redis => keys(backend.redis_port().context("no Redis")?, numbers),
        Store::Mysql => backend.sql(&rows(subject, &numbers)).map(drop),
    }
}

/// Removes everything that is in the store.
pub(crate) fn clear(backend: &Backend, subject: &Subject) -> anyhow::Result<()> {
    match backend.store() {
        Store::Memory | Store::File => Ok(()),
        Store::Redis => {
            let mut stream =
                TcpStream::connect((Ipv4Addr::LOCALHOST, backend.redis_port().context("no Redis")?))?;
            stream.write_all(b"FLUSHALL\r\n")?;
            Ok(stream.read_exact(&mut [0; 5])?)
        }
        Store::Mysql => backend.sql(&format!("TRUNCATE TABLE {}", table(subject).0)).map(drop),
    }
}

/// The table of a subject, and its columns: id, expiry, data.
fn table(subject: &Subject) -> (String, [&'static str; 3]) {
    if subject.name.starts_with("tower-") {
        return ("tower_sessions.session".to_owned(), ["id", "expiry_date", "data"]);
    }
    (format!("{}.sessions", subject.serves.replace('-', "_")), ["session_id", "expires", "data"])
}

/// SQL that adds rows: expiry and data of an existing one.
fn rows(subject: &Subject, numbers: &Range<u64>) -> String {
    let (table, [id, expiry, data]) = table(subject);
    let last = numbers.end - 1;
    format!(
        "SELECT {expiry}, {data} INTO @expiry, @data FROM {table} LIMIT 1; \
         INSERT INTO {table} ({id}, {expiry}, {data}) \
         SELECT SUBSTRING(MD5(seq), 1, 22), @expiry, @data FROM mysql.seq_{}_to_{last}",
        numbers.start
    )
}

/// Adds rows that a sweep will remove.
pub(crate) fn add_expired(backend: &Backend, subject: &Subject, count: u64) -> anyhow::Result<()> {
    let (table, [id, expiry, data]) = table(subject);
    let sql = format!(
        "INSERT INTO {table} ({id}, {expiry}, {data}) \
         SELECT CONCAT('expired', seq), UNIX_TIMESTAMP() - 3600, \
         '{{\"cookie\":{{\"originalMaxAge\":86400000,\"httpOnly\":true,\"path\":\"/\"}},\"num\":1}}' FROM mysql.seq_1_to_{count}"
    );
    backend.sql(&sql).map(drop)
}

/// Whether a sweep has something to do.
pub(crate) fn is_expired_left(backend: &Backend, subject: &Subject) -> anyhow::Result<bool> {
    let (table, [_, expiry, _]) = table(subject);
    let found =
        backend.sql(&format!("SELECT 1 FROM {table} WHERE {expiry} < UNIX_TIMESTAMP() - 60 LIMIT 1"))?;
    Ok(!found.trim().is_empty())
}

/// Redis keys, sent many at a time.
fn keys(redis: u16, numbers: Range<u64>) -> anyhow::Result<()> {
    const AT_ONCE: u64 = 1000;
    // About what a session with one key is.
    let value = "x".repeat(140);
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, redis))?);
    let mut number = numbers.start;
    while number < numbers.end {
        let end = numbers.end.min(number + AT_ONCE);
        let mut commands = String::new();
        for number in number..end {
            write!(commands, "SET sess:ballast{number:024} {value} EX 86400\r\n")?;
        }
        stream.get_mut().write_all(commands.as_bytes())?;
        let mut answers = vec![0; "+OK\r\n".len() * usize::try_from(end - number)?];
        stream.read_exact(&mut answers)?;
        number = end;
    }
    Ok(())
}

/// Files with the text of an existing one.
fn files_in(folder: &Path, numbers: Range<u64>) -> anyhow::Result<()> {
    let is_session = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    let mut entries = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let text = fs::read(entries.find(|path| is_session(path)).context("no session is there to be copied")?)?;
    for number in numbers {
        fs::write(folder.join(format!("ballast{number:025}.json")), &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copies_in_the_table_of_the_subject() {
        let sql = rows(Subject::named("ours-mysql").unwrap(), &(1000..10_000));
        assert!(sql.contains("INTO ours_mysql.sessions (session_id, expires, data)"), "{sql}");
        assert!(sql.ends_with("seq_1000_to_9999"), "{sql}");
        let sql = rows(Subject::named("tower-mysql").unwrap(), &(0..1));
        assert!(sql.contains("tower_sessions.session (id, expiry_date, data)"), "{sql}");
    }
}
