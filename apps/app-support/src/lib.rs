#![doc = include_str!("../README.md")]

mod arguments;
mod attempts;
mod config_file;
mod content_policy;
mod counter;
mod database;
mod environment;
mod help;
mod locate;
mod notice;
mod page;
mod password;
mod server;
mod session_log;
mod settings;
mod setup;
mod signals;
mod slow_clients;
mod users;

pub use arguments::Arguments;
pub use attempts::{Attempts, TooManyAttempts};
pub use config_file::ConfigError;
pub use content_policy::{content_policy, content_policy_of_file};
pub use counter::Counter;
pub use database::log_unless_ready;
pub use environment::{DATABASE_URL, SESSION_SECRET, Variable};
pub use locate::locate;
pub use notice::{LOGIN_FAILED_HTML, announce_failed_login, clear_notice, login_has_failed};
pub use page::{Page, RELOAD_WHEN_RESTORED, escape};
pub use password::{HashError, MAX_PASSWORD_LEN, hash, verify};
pub use session_log::log_session;
pub use settings::{Database, Folder, NoSections, StoreSection};
pub use setup::{Setup, run};
pub use users::{User, Users};
