//! The command line: every command and option.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use express_session_core::DEFAULT_PAGE;

/// Looks after the sessions of a store of express-session for Rust (and of its Node twin).
#[derive(Debug, Parser)]
#[command(name = "sessionctl", version, arg_required_else_help = true, after_help = AFTER)]
pub(crate) struct Cli {
    /// Where the sessions are: `file:./sessions`, `redis://host`, `mysql://user@host/database`.
    ///
    /// Everybody on this machine can see the command line: put a URL with a password into the environment.
    #[arg(long, global = true, env = "SESSIONCTL_STORE", hide_env_values = true, value_name = "URL")]
    pub(crate) store: Option<String>,

    /// Write JSON for scripts; a list is one object per line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show whole session ids. Whoever has one may be able to use the session.
    #[arg(long, global = true)]
    pub(crate) reveal: bool,

    /// How many sessions are asked for at a time.
    #[arg(long, global = true, value_name = "N", default_value_t = DEFAULT_PAGE)]
    pub(crate) page_size: usize,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str =
    "Exit codes: 0 done, 1 done and something is to be looked at, 2 wrong usage, 3 a store failed.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the live sessions: sizes, lives and numbers of keys, no values.
    List(List),
    /// Show one session: its keys and their sizes, and its values if wanted.
    Show(Show),
    /// End sessions: their users are logged out.
    End(End),
    /// Count sessions by owner, or list those of one owner.
    Owners(Owners),
    /// Put every session on its owner's list again.
    Reindex,
    /// Remove expired sessions now.
    Sweep,
    /// Count sessions and bytes; how sizes, lives and ages are distributed.
    Stats,
    /// Read every session and report what cannot be decoded.
    Verify,
    /// Copy live sessions to another store, while servers run.
    Migrate(Migrate),
    /// Write a script that completes commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual page, or one page per command into a folder.
    Man {
        /// The folder.
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Stop after so many sessions.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The session's id, or `-` to read it from standard input, which no list of processes shows.
    pub(crate) id: String,
    /// Show the values, too. They may be secret.
    #[arg(long)]
    pub(crate) data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct End {
    /// Session ids, or `-` to read them from standard input, one a line.
    pub(crate) ids: Vec<String>,
    /// A file with ids, one a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// End all sessions of this owner, also those whose login is under way.
    #[arg(long, value_name = "OWNER", conflicts_with_all = ["ids", "file"])]
    pub(crate) owner: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Owners {
    /// Whose sessions to list.
    pub(crate) owner: Option<String>,
    /// Of the owners with the most sessions, count so many.
    #[arg(long, value_name = "N", conflicts_with = "owner")]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The store that sessions are copied to; those of --store are.
    #[arg(long, env = "SESSIONCTL_TO", hide_env_values = true, value_name = "URL")]
    pub(crate) to: String,
    /// Remembers what was copied, so that a migration can be stopped and go on, and so that nothing comes back that has
    /// ended in the target. Created if it is missing.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// How often to go through all sessions, at most. It ends earlier when a pass finds nothing to copy.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) passes: u32,
    /// How many sessions are copied at the same time.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) jobs: usize,
    /// Remove each session from the source when it is in the target. Whoever still uses the source is logged out.
    #[arg(long)]
    pub(crate) remove: bool,
}
