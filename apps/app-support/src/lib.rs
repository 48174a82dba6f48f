#![doc = include_str!("../README.md")]

mod arguments;
mod attempts;
mod config_file;
mod content_policy;
mod locate;
mod notice;
mod page;
mod password;
mod server;
mod session_settings;
mod settings;
mod setup;
mod slow_clients;
mod users;

pub use arguments::Arguments;
pub use attempts::{Attempts, TooManyAttempts};
pub use config_file::ConfigError;
pub use content_policy::{content_policy, content_policy_of_file};
pub use locate::locate;
pub use notice::{LOGIN_FAILED_HTML, announce_failed_login, clear_notice, login_has_failed};
pub use page::{Page, RELOAD_WHEN_RESTORED, escape};
pub use password::{HashError, MAX_PASSWORD_LEN, hash, verify};
pub use settings::{Millis, Variable};
pub use setup::{Setup, run};
pub use users::{User, Users};
