//! The users: the article's JSON file, with bcrypt hashes where the article has passwords.

use anyhow::Context as _;
use app_support::{User, Users, locate};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    users: Vec<User>,
}

/// Reads `{"users":[{"id":…,"password":…}]}`.
pub(crate) fn read(name: &str) -> anyhow::Result<Users> {
    let path = locate(name).with_context(|| format!("{name} is not here or in a folder above"))?;
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
    let file: File = serde_json::from_str(&text).with_context(|| format!("{name} is not a list of users"))?;
    Users::new(file.users).with_context(|| name.to_owned())
}
