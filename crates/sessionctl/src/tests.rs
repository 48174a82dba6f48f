//! The command line itself.

use clap::CommandFactory as _;

use crate::cli::Cli;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
