#![doc = include_str!("../README.md")]

mod arguments;
mod config_file;
mod locate;
mod page;
mod password;
mod server;
mod session_settings;
mod settings;
mod setup;
mod users;

pub use arguments::Arguments;
pub use config_file::ConfigError;
pub use locate::locate;
pub use page::{Page, RELOAD_WHEN_RESTORED, escape};
pub use password::{HashError, MAX_PASSWORD_LEN, hash, verify};
pub use settings::{Millis, Variable};
pub use setup::{Setup, run};
pub use users::{User, Users};
