//! The commands, one file each.

mod end;
mod facts;
mod list;
mod owners;
mod pages;
mod papers;
mod reindex;
mod show;
mod stats;
mod sweep;
mod verify;

pub(crate) use pages::Pages;

use crate::cli::{Cli, Command, End};
use crate::error::{CtlError, Ended};
use crate::output::Output;
use crate::store::{AnyStore, Purpose};

/// Runs the command.
pub(crate) async fn run(cli: Cli, output: &mut Output) -> Result<Ended, CtlError> {
    let Cli { store, page_size, command, .. } = cli;
    let command = match command {
        Command::Completions { shell } => return papers::completions(shell, output),
        Command::Man { into } => return papers::man(into.as_deref(), output),
        command => command,
    };
    let url = store.ok_or(CtlError::NoStore)?;
    let purpose = match &command {
        Command::Owners(_) | Command::Reindex | Command::End(End { owner: Some(_), .. }) => Purpose::Owners,
        _ => Purpose::Source,
    };
    let store = AnyStore::open(&url, purpose).await?;
    match command {
        Command::List(what) => list::run(&store, page_size, &what, output).await,
        Command::Show(what) => show::run(&store, &what, output).await,
        Command::End(what) => end::run(&store, &what, output).await,
        Command::Owners(what) => owners::run(&store, page_size, &what, output).await,
        Command::Reindex => reindex::run(&store, page_size, output).await,
        Command::Sweep => sweep::run(&store, output).await,
        Command::Stats => stats::run(&store, page_size, output).await,
        Command::Verify => verify::run(&store, page_size, output).await,
        Command::Migrate(what) => crate::migrate::run(store, &url, page_size, &what, output).await,
        // Answered above; they need no store.
        Command::Completions { .. } | Command::Man { .. } => Ok(Ended::Well),
    }
}
