//! Where an id becomes a file name: parsed, or refused.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use express_session_core::SessionId;
use sha2::{Digest as _, Sha256};

/// The longest file name, in bytes, that common file systems accept.
const MAX_NAME: usize = 255;
/// Room for the suffixes of temporary files (Node's `.<number>` too) and of the quarantine.
const SUFFIX_ROOM: usize = 24;
/// Names that Windows gives to devices, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// How the marks of superseded sessions begin. No session file begins with a dot.
pub(crate) const MARK_PREFIX: &str = ".ended-";

/// How ids and file names map to each other.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    folder: PathBuf,
    extension: String,
    fan_out: bool,
}

/// Where one session is.
#[derive(Clone)]
pub(crate) struct SessionPath {
    /// The folder the file is in; temporary files must be in the same.
    pub(crate) folder: PathBuf,
    /// The file's name.
    pub(crate) name: String,
    /// Both together.
    pub(crate) file: PathBuf,
}

impl Layout {
    pub(crate) fn new(folder: PathBuf, extension: String, fan_out: bool) -> Self {
        Self { folder, extension, fan_out }
    }

    /// The folder given in the options.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether sessions are in subfolders.
    pub(crate) fn is_fanned_out(&self) -> bool {
        self.fan_out
    }

    /// The place of a session, or why there cannot be one.
    ///
    /// DIFFERENCE: session-file-store joins the raw id to the folder, so `../x` is a file outside it.
    pub(crate) fn locate(&self, id: &SessionId) -> Result<SessionPath, &'static str> {
        let id = id.as_str();
        check(id)?;
        let name = format!("{id}{}", self.extension);
        if name.len() > MAX_NAME - SUFFIX_ROOM {
            return Err("it is too long for a file name");
        }
        if self.extension.is_empty() {
            if name.ends_with(['.', ' ']) {
                return Err("it ends with a dot or blank, which Windows drops");
            }
            if has_number_suffix(&name) {
                return Err("without a file extension it looks like a temporary file");
            }
        }
        let folder = if self.fan_out { self.fanned_out(id) } else { self.folder.clone() };
        let file = folder.join(&name);
        Ok(SessionPath { folder, name, file })
    }

    /// Where a superseded session leaves its mark. Nowhere if every file is a session to Node.
    ///
    /// The name has a digest in it, because some names are too long, and some end as session files do.
    pub(crate) fn mark_of(&self, path: &SessionPath) -> Option<SessionPath> {
        if !self.has_room_for_marks() {
            return None;
        }
        let mut name = MARK_PREFIX.to_owned();
        for byte in Sha256::digest(path.name.as_bytes()) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push(if self.ends_with('-') { '_' } else { '-' });
        let file = path.folder.join(&name);
        Some(SessionPath { folder: path.folder.clone(), name, file })
    }

    /// Whether there are names that no Node server takes for a session's.
    pub(crate) fn has_room_for_marks(&self) -> bool {
        !self.extension.is_empty()
    }

    pub(crate) fn ends_with(&self, end: char) -> bool {
        self.extension.ends_with(end)
    }

    fn fanned_out(&self, id: &str) -> PathBuf {
        let first = Sha256::digest(id.as_bytes()).first().copied().unwrap_or_default();
        self.folder.join(format!("{:x}", first >> 4)).join(format!("{:x}", first & 15))
    }

    /// The session whose file has this name, if it is a session's at all.
    pub(crate) fn id_of(&self, name: &str) -> Option<SessionId> {
        let id = SessionId::parse(name.strip_suffix(self.extension.as_str())?).ok()?;
        self.locate(&id).is_ok().then_some(id)
    }

    /// Whether a file of this name was left behind by a Node server that died while writing a session.
    pub(crate) fn is_node_temporary(&self, name: &str) -> bool {
        !self.extension.is_empty()
            && has_number_suffix(name)
            && name.rsplit_once('.').is_some_and(|(session, _)| self.id_of(session).is_some())
    }
}

/// Whether a name ends as write-file-atomic's temporary files do: a dot and digits.
pub(crate) fn has_number_suffix(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, digits)| {
        !stem.is_empty() && !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit())
    })
}

/// Refuses what is not a plain file name on every system a session folder may be moved to or shared with.
fn check(id: &str) -> Result<(), &'static str> {
    if id.contains(['/', '\\']) {
        return Err("it contains a path separator");
    }
    if id.starts_with('.') || id.contains("..") {
        return Err("it starts with a dot or contains two");
    }
    if id.chars().any(char::is_control) {
        return Err("it contains control characters");
    }
    if id.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Err("it contains characters that Windows reserves");
    }
    let stem = id.split('.').next().unwrap_or(id).trim_end().to_ascii_lowercase();
    let numbered = |device| stem.strip_prefix(device).is_some_and(is_device_number);
    if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        return Err("it is the name of a device on Windows");
    }
    if id.ends_with(['.', ' ']) {
        return Err("it ends with a dot or blank, which Windows drops");
    }
    Ok(())
}

fn is_device_number(text: &str) -> bool {
    matches!(text, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{b9}" | "\u{b2}" | "\u{b3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(extension: &str) -> Layout {
        Layout::new("/s".into(), extension.into(), false)
    }

    fn name(extension: &str, id: &str) -> Option<String> {
        layout(extension).locate(&SessionId::parse(id).unwrap()).ok().map(|path| path.name)
    }

    /// Source: `tests/vectors/file.json`, `store_api`, "file name for id".
    #[test]
    fn ids_are_named_as_in_node() {
        for id in ["abc-_123", "a.b", "s\u{ef}d\u{1f36a}", "SID"] {
            assert_eq!(name(".json", id), Some(format!("{id}.json")));
        }
        assert_eq!(name("json", "a").as_deref(), Some("ajson"));
        assert_eq!(name("", "a").as_deref(), Some("a"));
    }

    #[test]
    fn what_is_not_a_plain_file_name_everywhere_is_refused() {
        let long = "x".repeat(250);
        for id in [
            "../escape",
            "x/y",
            "x\\y",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}b",
            ".",
            "..",
            ".hidden",
            "a..b",
            "a.",
            "a ",
            "con",
            "NUL",
            "Aux.x",
            "com1",
            "LPT9.log",
            "com\u{b9}",
            "con .x",
            "a:b",
            "a*",
            "a?",
            "a|b",
            "<a",
            &long,
        ] {
            assert_eq!(name(".json", id), None, "{id:?}");
            assert_eq!(name("", id), None, "{id:?}");
        }
        for id in ["console", "com10", "com", "xcon", "a.con"] {
            assert!(name(".json", id).is_some(), "{id:?}");
        }
    }

    #[test]
    fn temporary_files_of_node_are_not_sessions() {
        let json = layout(".json");
        assert!(json.id_of("a.json").is_some());
        assert!(json.id_of("a.json.12345").is_none());
        assert!(json.is_node_temporary("a.json.12345"));
        assert!(!json.is_node_temporary("a.json") && !json.is_node_temporary("12345"));
        assert!(!json.is_node_temporary("notes.2024"));
        assert!(layout("").id_of("a.12345").is_none());
        assert!(layout("").id_of("a.json").is_some());
    }

    #[test]
    fn names_and_ids_map_to_each_other() {
        let layout = layout(".json");
        for id in ["abc", "a.b", "s\u{ef}d"] {
            let id = SessionId::parse(id).unwrap();
            assert_eq!(layout.id_of(&layout.locate(&id).unwrap().name), Some(id));
        }
        for other in [".json", "fjson", "a.sess", ".tmp-1", "..json"] {
            assert_eq!(layout.id_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_name_of_a_mark_is_no_sessions() {
        for extension in [".json", "json", "-", "_", "--", "e", "0"] {
            let layout = layout(extension);
            let long = "x".repeat(180);
            for id in ["abc", "ABC", "a.json", &long] {
                let path = layout.locate(&SessionId::parse(id).unwrap()).unwrap();
                let mark = layout.mark_of(&path).unwrap();
                assert!(
                    mark.name.starts_with(MARK_PREFIX) && !mark.name.ends_with(extension),
                    "{}",
                    mark.name
                );
                assert!(layout.id_of(&mark.name).is_none() && !layout.is_node_temporary(&mark.name));
                assert_eq!(mark.file, Path::new("/s").join(&mark.name));
            }
        }
        let path = layout("").locate(&SessionId::parse("abc").unwrap()).unwrap();
        assert!(layout("").mark_of(&path).is_none());
    }

    #[test]
    fn fan_out_uses_two_levels() {
        let layout = Layout::new("/s".into(), ".json".into(), true);
        let path = layout.locate(&SessionId::parse("abc").unwrap()).unwrap();
        // SHA-256("abc") starts with ba.
        assert_eq!(path.file, Path::new("/s/b/a/abc.json"));
    }
}
