//! How a command ends, and the exit code that says so.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use express_session_core::{OwnerError, SessionError, StoreError};
use express_session_file::FileError;
use express_session_mysql::MySqlError;
use express_session_redis::RedisError;

use crate::address::AddressError;

/// Everything was done, and there is something to look at: exit code 1.
const FINDINGS: u8 = 1;
/// The command line or a URL cannot be used: exit code 2, which is clap's as well.
const USAGE: u8 = 2;
/// A store or a file failed: exit code 3. What was done so far is done.
const FAILED: u8 = 3;

/// How a command ended that could do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// There is nothing to look at.
    Well,
    /// Something was not found, not decoded or not copied.
    WithFindings,
}

impl Ended {
    pub(crate) const fn with(has_findings: bool) -> Self {
        if has_findings { Self::WithFindings } else { Self::Well }
    }
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Well => Self::SUCCESS,
            Ended::WithFindings => Self::from(FINDINGS),
        }
    }
}

/// Why a command could not do what it was asked. No text has a password, an id or session data in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CtlError {
    #[error("no store is named: give --store URL, or set SESSIONCTL_STORE")]
    NoStore,
    #[error("the URL of the {which} cannot be used")]
    Address { which: &'static str, source: AddressError },
    #[error("the id is shortened: list with --reveal to have whole ids")]
    ShortenedId,
    #[error("line {0} is no session id")]
    NoId(usize),
    #[error("no ids are given: name them, or `-` for standard input, or --file")]
    NoIds,
    #[error("the owner cannot be used")]
    Owner(#[source] OwnerError),
    #[error("this store keeps no list of owners: its prefix or file extension leaves no room for one")]
    NoOwners,
    #[error("the owner's sessions could not be found or ended")]
    Sessions(#[source] SessionError),
    #[error("the source and the target are one store")]
    OneStore,
    #[error("the state file belongs to a migration between other stores")]
    OtherMigration,
    #[error("another sessionctl is using the state file")]
    StateInUse,
    #[error("the state file is none of sessionctl's")]
    NoState,
    #[error("cannot use the state file")]
    State(#[source] io::Error),
    #[error("cannot read the ids")]
    Ids(#[source] io::Error),
    #[error("the store cannot be opened")]
    File(#[from] FileError),
    #[error("the store cannot be opened")]
    MySql(#[from] MySqlError),
    #[error("the store cannot be opened")]
    Redis(#[from] RedisError),
    #[error("the {which} failed")]
    Store { which: &'static str, source: StoreError },
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    #[error("the runtime cannot be started")]
    Runtime(#[source] io::Error),
}

impl CtlError {
    /// For `map_err`.
    pub(crate) fn of(which: &'static str) -> impl Fn(StoreError) -> Self {
        move |source| Self::Store { which, source }
    }

    /// What core says of an owner's sessions.
    pub(crate) fn of_owners(error: SessionError) -> Self {
        match error {
            SessionError::Owner(OwnerError::Unsupported) => Self::NoOwners,
            error => Self::Sessions(error),
        }
    }

    /// Whoever read the output has had enough.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoStore
            | Self::Address { .. }
            | Self::ShortenedId
            | Self::NoId(_)
            | Self::NoIds
            | Self::Owner(_)
            | Self::OneStore
            | Self::OtherMigration
            | Self::NoState => USAGE,
            _ => FAILED,
        })
    }

    /// This error and what caused it, each layer once.
    pub(crate) fn with_causes(&self) -> String {
        causes(self)
    }
}

/// An error and what caused it, in one line.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
