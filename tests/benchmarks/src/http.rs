//! A client that asks for one page after the other on one connection, or for many at once.
//!
//! It counts exactly, which is what allocations, instructions and statements need; throughput is `wrk`'s part.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;

/// No page takes this long; under valgrind they take some milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `name=value` of the cookie that is set; the last one, as a browser keeps.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The answer, if it is a page.
    pub(crate) fn ok(self) -> anyhow::Result<Self> {
        anyhow::ensure!(self.status == 200, "answered {}: {}", self.status, self.body);
        Ok(self)
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for one page and waits for it.
    pub(crate) fn get(&mut self, path: &str, cookie: Option<&str>) -> anyhow::Result<Answer> {
        self.send(&request(path, cookie))?;
        self.receive()
    }

    /// Sends bytes that [`request`] has made, one or many.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    /// Waits for the next answer.
    pub(crate) fn receive(&mut self) -> anyhow::Result<Answer> {
        let mut line = String::new();
        let mut answer = Answer::default();
        let mut length = 0;
        self.read_line(&mut line)?;
        answer.status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        loop {
            self.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            } else if name.eq_ignore_ascii_case("set-cookie") {
                answer.cookie = value.split(';').next().map(str::to_owned);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(answer)
    }

    fn read_line(&mut self, line: &mut String) -> anyhow::Result<()> {
        line.clear();
        anyhow::ensure!(self.stream.read_line(line)? > 0, "the server has closed the connection");
        Ok(())
    }
}

/// The bytes of a request.
pub(crate) fn request(path: &str, cookie: Option<&str>) -> Vec<u8> {
    let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n").into_bytes()
}

/// Makes so many sessions by asking for `page` without a cookie, and hands each cookie to `keep`.
///
/// Requests are sent many at a time: a million sessions in the time that the server needs for them.
pub(crate) fn make_sessions(
    port: u16,
    page: &str,
    count: u64,
    mut keep: impl FnMut(u64, String),
) -> anyhow::Result<()> {
    const AT_ONCE: u64 = 32;
    let mut client = Client::connect(port)?;
    let one = request(page, None);
    let mut made = 0;
    while made < count {
        let batch = AT_ONCE.min(count - made);
        client.send(&one.repeat(usize::try_from(batch)?))?;
        for number in made..made + batch {
            keep(number, client.receive()?.ok()?.cookie.context("a new session has no cookie")?);
        }
        made += batch;
    }
    Ok(())
}

/// The cookies of so many new sessions.
pub(crate) fn cookies(port: u16, page: &str, count: u64) -> anyhow::Result<Vec<String>> {
    let mut cookies = Vec::new();
    make_sessions(port, page, count, |_, cookie| cookies.push(cookie))?;
    Ok(cookies)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_are_read_one_after_the_other() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nContent-Length: 2\r\n\r\nhi\
                      HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
                )
                .unwrap();
        });
        let mut client = Client::connect(port).unwrap();
        let first = client.receive().unwrap();
        assert_eq!(first, Answer { status: 200, cookie: Some("a=1".into()), body: "hi".into() });
        assert_eq!(client.receive().unwrap().status, 500);
        assert!(client.receive().is_err());
    }
}
