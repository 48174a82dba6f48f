//! A small HTTP client with a cookie jar, on one connection kept open: what the apps' tests need, in sight.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than any answer takes; a hanging server fails the test instead of stopping it for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// A visitor: a connection and the cookies it was given.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
    /// By name. Attributes are for the tests to look at: everything here goes to one host.
    cookies: BTreeMap<String, String>,
    accept: &'static str,
    /// Sent with every request; whole lines.
    more_headers: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    /// A visitor without cookies, who accepts any type as curl does.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
            cookies: BTreeMap::new(),
            accept: "*/*",
            more_headers: String::new(),
        }
    }

    /// Asks for HTML from now on, as browsers do.
    #[must_use]
    pub fn as_browser(mut self) -> Self {
        self.accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        self
    }

    /// Claims from now on to come through a proxy that was asked by HTTPS.
    #[must_use]
    pub fn behind_https_proxy(mut self) -> Self {
        self.more_headers.push_str("x-forwarded-proto: https\r\n");
        self
    }

    /// Says from now on, as a browser does, from where its requests come: `cross-site`, `same-origin`, …
    #[must_use]
    pub fn fetching_from(mut self, site: &str) -> Self {
        write!(self.more_headers, "sec-fetch-site: {site}\r\n").unwrap();
        self
    }

    /// Another connection with the same cookies.
    #[must_use]
    pub fn another_tab(&self) -> Self {
        Self {
            address: self.address,
            connection: None,
            cookies: self.cookies.clone(),
            accept: self.accept,
            more_headers: self.more_headers.clone(),
        }
    }

    /// The cookie of this name, as it was set.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Sets a cookie by hand.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// `GET`; redirects are shown, not followed.
    pub fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, None)
    }

    /// `POST` of a form; keys and values as they are, so plain letters and digits only.
    pub fn post_form(&mut self, path: &str, form: &str) -> Response {
        self.send("POST", path, Some(("application/x-www-form-urlencoded", form.as_bytes())))
    }

    /// `POST` of JSON.
    pub fn post_json(&mut self, path: &str, json: &Value) -> Response {
        self.send("POST", path, Some(("application/json", json.to_string().as_bytes())))
    }

    /// A request with any method and body; the body comes with its type.
    pub fn send(&mut self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Response {
        self.try_send(method, path, body).unwrap()
    }

    /// As [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is not HTTP.
    pub fn try_send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> io::Result<Response> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: {}\r\n", self.address, self.accept);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            write!(request, "cookie: {}\r\n", cookies.join("; ")).unwrap();
        }
        request.push_str(&self.more_headers);
        let (kind, body) = body.unwrap_or_default();
        if !kind.is_empty() {
            write!(request, "content-type: {kind}\r\n").unwrap();
        }
        write!(request, "content-length: {}\r\n\r\n", body.len()).unwrap();
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);

        // A server may close a connection that was idle; then, and only then, another one is tried.
        let idle = self.connection.take().and_then(|mut connection| {
            exchange(&mut connection, &bytes).ok().map(|response| (connection, response))
        });
        let (connection, response) = if let Some(done) = idle {
            done
        } else {
            let mut connection = connect(self.address)?;
            let response = exchange(&mut connection, &bytes)?;
            (connection, response)
        };
        if response.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        for (_, cookie) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            self.keep(cookie);
        }
        Ok(response)
    }

    fn keep(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        // What the servers here send to remove a cookie; real expiry is not waited for in these tests.
        if attributes.contains("Expires=Thu, 01 Jan 1970") || attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.set_cookie(name, value);
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(BufReader::new(stream))
}

fn exchange(connection: &mut BufReader<TcpStream>, request: &[u8]) -> io::Result<Response> {
    connection.get_mut().write_all(request)?;
    let status_line = read_line(connection)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not HTTP: {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(response.header("transfer-encoding"), None, "none of the servers here streams");
    response.body.resize(length, 0);
    connection.read_exact(&mut response.body)?;
    Ok(response)
}

fn read_line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
