//! The users, in Redis beside the sessions: `user:<username>` holds one as JSON.

use std::time::Duration;

use actix_web::rt::time::timeout;
use anyhow::{Context as _, bail};
use app_support::{HashError, hash, verify};
use express_session_redis::RedisPool;
use express_session_redis::deadpool_redis::redis::{Cmd, FromRedisValue};
use express_session_redis::deadpool_redis::{self, Connection};
use serde::{Deserialize, Serialize};

/// bcrypt's cost, as in the article.
const COST: u32 = 12;

/// How long a question may take, connecting included: as long as the session's own, by default.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// What others may see of a user, and what the session remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) username: String,
}

/// What Redis keeps.
#[derive(Serialize, Deserialize)]
struct Stored {
    id: u64,
    username: String,
    password: String,
}

/// Why somebody cannot sign up.
#[derive(Debug)]
pub(crate) enum SignupError {
    /// Empty, too long, or with control characters.
    BadName,
    EmptyPassword,
    /// bcrypt would cut it off.
    LongPassword,
    NameTaken,
    Broken(anyhow::Error),
}

/// How a login ends.
pub(crate) enum Login {
    Welcome(User),
    NoSuchUser,
    WrongPassword,
}

/// Handles on the users.
#[derive(Clone)]
pub(crate) struct Users {
    pool: deadpool_redis::Pool,
}

impl Users {
    /// The users in the server that `pool` belongs to.
    pub(crate) fn new(pool: &RedisPool) -> anyhow::Result<Self> {
        match pool {
            RedisPool::Single(pool) => Ok(Self { pool: pool.clone() }),
            _ => bail!("the users of this demo live in a single Redis server"),
        }
    }

    /// Creates a user. Of two who want the same name at the same time, one gets it.
    pub(crate) async fn sign_up(&self, username: String, password: String) -> Result<User, SignupError> {
        if !is_name(&username) {
            return Err(SignupError::BadName);
        }
        if password.is_empty() {
            return Err(SignupError::EmptyPassword);
        }
        if self.find(&username).await?.is_some() {
            return Err(SignupError::NameTaken);
        }
        let password = hash(password, COST).await.map_err(|error| match error {
            HashError::TooLong => SignupError::LongPassword,
            other => SignupError::Broken(other.into()),
        })?;
        let id = self.ask(Cmd::new().arg("INCR").arg("users:last-id")).await?;
        let stored = Stored { id, username, password };
        let json = serde_json::to_string(&stored).context("a user cannot be written as JSON")?;
        let mut create = Cmd::new();
        create.arg("SET").arg(key(&stored.username)).arg(json).arg("NX");
        match self.ask::<Option<String>>(&create).await? {
            Some(_) => Ok(User { id, username: stored.username }),
            None => Err(SignupError::NameTaken),
        }
    }

    /// Compares a password. For a user who does not exist this takes as long.
    pub(crate) async fn log_in(&self, username: &str, password: String) -> anyhow::Result<Login> {
        let stored = if is_name(username) { self.find(username).await? } else { None };
        let matches = verify(password, stored.as_ref().map(|user| user.password.clone()), COST).await?;
        Ok(match stored {
            None => Login::NoSuchUser,
            Some(_) if !matches => Login::WrongPassword,
            Some(Stored { id, username, .. }) => Login::Welcome(User { id, username }),
        })
    }

    async fn find(&self, username: &str) -> anyhow::Result<Option<Stored>> {
        let json: Option<String> = self.ask(Cmd::new().arg("GET").arg(key(username))).await?;
        json.map(|json| serde_json::from_str(&json).context("a stored user cannot be read")).transpose()
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> anyhow::Result<T> {
        let answer = async {
            let mut connection: Connection = self.pool.get().await.context("Redis cannot be reached")?;
            command.query_async(&mut connection).await.context("Redis did not answer as expected")
        };
        timeout(ANSWER_LIMIT, answer).await.context("Redis did not answer in time")?
    }
}

impl From<anyhow::Error> for SignupError {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

fn key(username: &str) -> String {
    format!("user:{username}")
}

fn is_name(username: &str) -> bool {
    !username.trim().is_empty()
        && username.chars().count() <= MAX_NAME_CHARS
        && !username.chars().any(char::is_control)
}
