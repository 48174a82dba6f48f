//! The users: a JSON file as in the article, with bcrypt hashes where the article has passwords.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use app_support::{HashError, locate, verify};
use serde::Deserialize;

/// The cost of the hashes in the file.
const COST: u32 = 10;

/// Hashes by user id.
#[derive(Debug)]
pub(crate) struct Users(HashMap<String, String>);

#[derive(Deserialize)]
struct File {
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    password: String,
}

impl Users {
    /// Reads `{"users":[{"id":…,"password":…}]}`.
    pub(crate) fn read(name: &str) -> anyhow::Result<Self> {
        let path = locate(name).with_context(|| format!("{name} is not here or in a folder above"))?;
        let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
        let file: File =
            serde_json::from_str(&text).with_context(|| format!("{name} is not a list of users"))?;
        let mut users = HashMap::new();
        for User { id, password } in file.users {
            if !password.starts_with(&format!("$2b${COST}$")) {
                bail!(
                    "{name}: the password of user {id:?} must be a bcrypt hash ($2b$, cost {COST}), not the password"
                );
            }
            users.insert(id, password);
        }
        Ok(Self(users))
    }

    /// Whether this user has this password; takes as long for users who do not exist.
    pub(crate) async fn check(&self, id: &str, password: String) -> Result<bool, HashError> {
        verify(password, self.0.get(id).cloned(), COST).await
    }
}
