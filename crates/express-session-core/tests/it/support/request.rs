//! A request that is nothing but its head.

use std::net::{IpAddr, Ipv4Addr};

use express_session_core::{RequestHead, Secrets};

use super::SECRET;

#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) path: String,
    pub(crate) tls: bool,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    pub(crate) fn new() -> Self {
        Self { path: "/".into(), tls: false, headers: Vec::new() }
    }

    /// A request target as it stands on the request line, absolute form included.
    pub(crate) fn target(mut self, target: &str) -> Self {
        let path = target.strip_prefix("http://").map_or(target, |rest| &rest[rest.find('/').unwrap()..]);
        path.split('?').next().unwrap().clone_into(&mut self.path);
        self
    }

    pub(crate) fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// A line `Name: value`.
    pub(crate) fn line(self, line: &str) -> Self {
        let (name, value) = line.split_once(": ").expect("a header line");
        self.header(name, value)
    }

    /// With the cookie `connect.sid` for `id`, signed with [`SECRET`].
    pub(crate) fn with_session(self, id: &str) -> Self {
        self.with_session_signed(id, SECRET)
    }

    pub(crate) fn with_session_signed(self, id: &str, secret: &str) -> Self {
        let value = Secrets::new([secret]).unwrap().cookie_value(id);
        self.header("cookie", format!("connect.sid={value}"))
    }
}

impl RequestHead for Head {
    fn path(&self) -> &str {
        &self.path
    }
    fn is_tls(&self) -> bool {
        self.tls
    }
    fn peer_addr(&self) -> Option<IpAddr> {
        Some(Ipv4Addr::LOCALHOST.into())
    }
    fn headers(&self, name: &str, see: &mut dyn FnMut(&[u8])) {
        self.headers.iter().filter(|(key, _)| key == name).for_each(|(_, value)| see(value));
    }
}
