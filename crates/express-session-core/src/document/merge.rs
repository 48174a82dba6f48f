//! The three-way merge of concurrent changes, at top-level keys.

use crate::document::Record;
use crate::js::json;

/// What `base` → `ours` changed, applied to `theirs`: our keys where we changed them, theirs everywhere else.
///
/// A key that we removed is removed; a key that we changed and they removed comes back with our value.
/// The cookie is ours if we changed it, else theirs.
#[must_use]
pub fn merge(base: &Record, ours: &Record, theirs: &Record) -> Record {
    let mut merged = theirs.clone();
    for (key, text) in ours.data.entries() {
        let unchanged = base.data.get_raw(key).is_some_and(|before| json::same(before, text));
        if !unchanged {
            merged.data.put(key, text.into());
        }
    }
    for (key, _) in base.data.entries() {
        if !ours.data.contains_key(key) {
            merged.data.remove(key);
        }
    }
    if ours.cookie().was_changed_since(base.cookie()) {
        merged.set_cookie(ours.cookie().clone());
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(data: &str) -> Record {
        let text = format!(
            r#"{{"cookie":{{"httpOnly":true,"path":"/"}}{}{data}}}"#,
            if data.is_empty() { "" } else { "," }
        );
        Record::decode(text.as_bytes()).unwrap().unwrap()
    }

    fn merged(base: &str, ours: &str, theirs: &str) -> String {
        let merged = merge(&record(base), &record(ours), &record(theirs)).encode();
        merged
            .replace(r#"{"cookie":{"httpOnly":true,"path":"/"}"#, "")
            .trim_start_matches(',')
            .trim_end_matches('}')
            .to_owned()
    }

    #[test]
    fn changes_to_different_keys_are_both_kept() {
        assert_eq!(merged(r#""n":1"#, r#""n":1,"a":1"#, r#""n":1,"b":1"#), r#""n":1,"b":1,"a":1"#);
    }

    #[test]
    fn only_our_changes_are_applied() {
        assert_eq!(merged(r#""n":1,"m":1"#, r#""n":2,"m":1"#, r#""n":1,"m":9"#), r#""n":2,"m":9"#);
        assert_eq!(merged(r#""n":1.0"#, r#""n":1"#, r#""n":7"#), r#""n":7"#);
    }

    #[test]
    fn our_removals_are_applied_and_theirs_are_kept() {
        assert_eq!(merged(r#""a":1,"b":1"#, r#""b":1"#, r#""a":1,"b":1,"c":1"#), r#""b":1,"c":1"#);
        assert_eq!(merged(r#""a":1,"b":1"#, r#""a":1,"b":1"#, r#""b":1"#), r#""b":1"#);
        assert_eq!(merged(r#""a":1"#, r#""a":2"#, ""), r#""a":2"#);
    }

    #[test]
    fn the_cookie_is_ours_only_if_we_changed_it() {
        let (base, mut ours, mut theirs) = (record(""), record(""), record(""));
        theirs.cookie_mut().set_path(Some("/theirs"));
        assert_eq!(merge(&base, &ours, &theirs).cookie().path(), Some("/theirs"));
        ours.cookie_mut().set_path(Some("/ours"));
        assert_eq!(merge(&base, &ours, &theirs).cookie().path(), Some("/ours"));
    }
}
