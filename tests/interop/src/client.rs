//! Sends requests, and keeps of the answers what is compared.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::config::Space;
use crate::script::{Task, Verb};

/// A server that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The part of an answer that is compared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body: JSON as a value, anything else as text.
    pub body: Value,
    /// The `Set-Cookie` headers, in order.
    pub set_cookie: Vec<String>,
    /// The `Location` header.
    pub location: Option<String>,
}

impl Answer {
    /// The session cookie among the `Set-Cookie` headers.
    pub(crate) fn session_cookie(&self, name: &str) -> Option<&str> {
        let is_named = |cookie: &&str| cookie.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        self.set_cookie.iter().map(String::as_str).find(is_named)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)?;
        for cookie in &self.set_cookie {
            write!(f, "\n      Set-Cookie: {cookie}")?;
        }
        self.location.iter().try_for_each(|location| write!(f, "\n      Location: {location}"))
    }
}

/// A request to one of the scenario servers.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) port: u16,
    pub(crate) space: Space,
    pub(crate) set: usize,
    pub(crate) path: &'a str,
    pub(crate) now: i64,
    pub(crate) id: &'a str,
    pub(crate) cookie: Option<String>,
    pub(crate) forwarded: Option<&'a str>,
    pub(crate) fails: Option<Verb>,
    pub(crate) task: &'a Task,
}

/// An HTTP client without any cookies of its own.
#[derive(Clone)]
pub(crate) struct Client(awc::Client);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self(awc::Client::builder().timeout(PATIENCE).disable_redirects().no_default_headers().finish())
    }

    /// What comes of a request: its answer, or why there is none.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answer, String> {
        self.send(call).await.map_err(|error| format!("{error:#}"))
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer> {
        let mut request = self
            .0
            .post(format!("http://127.0.0.1:{}{}", call.port, call.path))
            .insert_header(("x-lab-space", call.space.name()))
            .insert_header(("x-lab-set", call.set.to_string()))
            .insert_header(("x-lab-now", call.now.to_string()))
            .insert_header(("x-lab-id", call.id));
        if let Some(cookie) = &call.cookie {
            request = request.insert_header(("cookie", cookie.as_str()));
        }
        if let Some(proto) = call.forwarded {
            request = request.insert_header(("x-forwarded-proto", proto));
        }
        if let Some(verb) = call.fails {
            request = request.insert_header(("x-lab-fails", verb.name()));
        }
        let mut response = request.send_json(call.task).await.map_err(|error| anyhow!("{error}"))?;
        let body = response.body().await.map_err(|error| anyhow!("{error}"))?;
        let header = |name: &str| {
            let values = response.headers().get_all(name);
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect::<Vec<_>>()
        };
        let text = || Value::from(String::from_utf8_lossy(&body).into_owned());
        let status = response.status().as_u16();
        Ok(Answer {
            status,
            // What a redirect says to those who do not follow it is the framework's business.
            body: if status == 302 {
                Value::Null
            } else {
                serde_json::from_slice(&body).unwrap_or_else(|_| text())
            },
            set_cookie: header("set-cookie"),
            location: header("location").into_iter().next(),
        })
    }

    pub(crate) async fn control(&self, port: u16, verb: &str, body: &Value, now: i64) -> Result<Value> {
        let mut response = self
            .0
            .post(format!("http://127.0.0.1:{port}/"))
            .insert_header(("x-lab-control", verb))
            .insert_header(("x-lab-now", now.to_string()))
            .send_json(body)
            .await
            .map_err(|error| anyhow!("{error}"))?;
        let body = response.body().limit(64 << 20).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}
