//! Everything a server is asked to do, as `MONITOR` shows it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use express_session_testbed::redis::{RedisServer, command};

/// A connection on which the server reports every command.
pub(crate) struct Monitor {
    lines: BufReader<TcpStream>,
    port: u16,
}

impl Monitor {
    pub(crate) fn of(server: &RedisServer) -> Self {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        stream.write_all(b"*1\r\n$7\r\nMONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut answer = String::new();
        lines.read_line(&mut answer).unwrap();
        assert_eq!(answer, "+OK\r\n");
        Self { lines, port: server.port() }
    }

    /// The names of the commands that clients have sent since the last look, without those that only set up a
    /// connection and without what scripts do inside the server.
    pub(crate) fn commands(&mut self) -> Vec<String> {
        const SETUP: [&str; 6] = ["CLIENT", "HELLO", "AUTH", "SELECT", "PING", "UNWATCH"];
        command(self.port, &["ECHO", "that is all"]).unwrap();
        let mut names = Vec::new();
        loop {
            // +1700000000.000000 [0 127.0.0.1:5000] "GET" "key"
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            if line.contains("\"that is all\"") {
                return names;
            }
            let name = line.split('"').nth(1).unwrap_or_default().to_ascii_uppercase();
            if !line.contains(" lua] ") && !SETUP.contains(&name.as_str()) && name != "QUIT" {
                names.push(name);
            }
        }
    }
}
