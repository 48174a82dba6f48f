//! Files that belong to an app, wherever it is started from.

use std::env;
use std::path::{Path, PathBuf};

/// Finds a file or folder that a relative path names: from the working directory or a folder above it, else from
/// a folder above the program itself, else from the workspace it was built in (cargo may have been told to build
/// elsewhere). An absolute path is taken as it is.
///
/// `None` if it is nowhere.
pub fn locate(path: impl AsRef<Path>) -> Option<PathBuf> {
    let path = path.as_ref();
    let built_in = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(built_in)];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|folder| folder.join(path))
        .find(|candidate| candidate.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_from_below_and_a_missing_one_is_not() {
        assert!(locate("src/locate.rs").is_some());
        assert!(locate("Makefile").is_some_and(|found| found.with_file_name("crates").is_dir()));
        assert_eq!(locate("no/such/file.toml"), None);
    }
}
