//! Users whose password hashes are written down in a file.

use std::collections::HashMap;

use anyhow::ensure;
use serde::Deserialize;

use crate::password::{HashError, verify};

/// One user.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name to log in with.
    pub id: String,
    /// The bcrypt hash of the password.
    pub password: String,
}

impl User {
    /// A user, with the bcrypt hash of the password.
    pub fn new(id: impl Into<String>, password: impl Into<String>) -> Self {
        Self { id: id.into(), password: password.into() }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Who may log in.
#[derive(Debug)]
pub struct Users(HashMap<String, User>);

impl Users {
    /// The cost of every hash, so that all comparisons take equally long.
    pub const COST: u32 = 10;

    /// Takes users whose passwords are hashes of cost [`COST`](Self::COST).
    ///
    /// # Errors
    ///
    /// If one is not: passwords are not kept in plain text.
    pub fn new(users: impl IntoIterator<Item = User>) -> anyhow::Result<Self> {
        let cost = Self::COST;
        let mut by_id = HashMap::new();
        for user in users {
            ensure!(
                user.password.starts_with(&format!("$2b${cost}$")) && user.password.len() == 60,
                "the password of user {:?} must be a bcrypt hash ($2b$, cost {cost}), not the password itself",
                user.id
            );
            by_id.insert(user.id.clone(), user);
        }
        Ok(Self(by_id))
    }

    /// Whether this user has this password; takes as long for users who do not exist.
    ///
    /// # Errors
    ///
    /// [`HashError`] if the hash cannot be compared.
    pub async fn check(&self, id: &str, password: String) -> Result<bool, HashError> {
        verify(password, self.0.get(id).map(|user| user.password.clone()), Self::COST).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_plain_text_is_refused_and_not_shown() {
        let user = User { id: "hello".to_owned(), password: "world".to_owned() };
        assert!(!format!("{user:?}").contains("world"));
        let error = Users::new([user]).unwrap_err().to_string();
        assert!(error.contains("hello") && !error.contains("world"), "{error}");
    }
}
