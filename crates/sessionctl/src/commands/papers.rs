//! `completions` and `man`: made from the command line itself, so they cannot say anything else.

use std::fs::{self, File};
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::error::{CtlError, Ended};
use crate::output::Output;

pub(crate) fn completions(shell: Shell, output: &mut Output) -> Result<Ended, CtlError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sessionctl", &mut script);
    output.raw(&script)?;
    Ok(Ended::Well)
}

pub(crate) fn man(into: Option<&Path>, output: &mut Output) -> Result<Ended, CtlError> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = into else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        output.raw(&page)?;
        return Ok(Ended::Well);
    };
    fs::create_dir_all(folder)?;
    write_page(folder, "sessionctl", command.clone())?;
    for subcommand in command.get_subcommands() {
        let name = format!("sessionctl-{}", subcommand.get_name());
        write_page(folder, &name, subcommand.clone())?;
    }
    Ok(Ended::Well)
}

fn write_page(folder: &Path, name: &str, command: Command) -> Result<(), CtlError> {
    let mut file = File::create(folder.join(format!("{name}.1")))?;
    // clap wants names that live as long as the program; there are a dozen.
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    Ok(Man::new(command.name(name)).render(&mut file)?)
}
