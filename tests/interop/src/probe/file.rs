//! The files of the file store.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::{Entries, Entry};
use crate::config::{OptionSet, Space};

/// Reads and writes the session files.
#[derive(Debug)]
pub(crate) struct FileProbe {
    folder: PathBuf,
    extensions: Vec<String>,
}

impl FileProbe {
    pub(crate) fn new(folder: PathBuf, sets: &[OptionSet]) -> Self {
        let extension = |set: &OptionSet| {
            let given = set.store.get("fileExtension").and_then(|value| value.as_str());
            given.unwrap_or(".json").to_owned()
        };
        Self { folder, extensions: sets.iter().map(extension).collect() }
    }

    fn folder(&self, space: Space) -> PathBuf {
        self.folder.join(space.name())
    }

    fn extension(&self, set: usize) -> &str {
        self.extensions.get(set).map_or(".json", String::as_str)
    }

    /// Session files only: what else a store keeps in the folder (locks, quarantine) is its own business.
    pub(crate) fn entries(&self, space: Space, set: usize) -> Result<Entries> {
        let mut entries = Entries::new();
        let Ok(folder) = fs::read_dir(self.folder(space)) else { return Ok(entries) };
        for file in folder {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(self.extension(set)) else { continue };
            if !file.file_type()?.is_file() {
                continue;
            }
            let document = String::from_utf8_lossy(&fs::read(file.path())?).into_owned();
            let ends = ends(&document);
            entries.insert(id.to_owned(), Entry { document, life: String::new(), ends });
        }
        Ok(entries)
    }

    pub(crate) fn plant(&self, space: Space, set: usize, id: &str, document: &str) -> Result<()> {
        let file = self.folder(space).join(format!("{id}{}", self.extension(set)));
        if file.exists() {
            fs::write(file, document)?;
        }
        Ok(())
    }

    pub(crate) fn remove(&self, space: Space, set: usize, id: &str) -> Result<()> {
        Ok(fs::remove_file(self.folder(space).join(format!("{id}{}", self.extension(set))))?)
    }

    pub(crate) fn reset(&self, space: Space) -> Result<()> {
        let folder = self.folder(space);
        fs::create_dir_all(&folder)?;
        for file in fs::read_dir(folder)? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }
}

/// Source: session-file-store, `isExpired`, with its default ttl of an hour.
fn ends(document: &str) -> Option<i64> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    let ttl = document.get("cookie")?.get("originalMaxAge").and_then(serde_json::Value::as_i64);
    Some(document.get("__lastAccess")?.as_i64()? + ttl.filter(|ttl| *ttl != 0).unwrap_or(3_600_000))
}
