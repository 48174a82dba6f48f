//! What a request does to its session.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Maker, values};
use crate::config::StoreKind;
use crate::random::Random;
use crate::script::Operation;

/// Integer-like keys go in front by themselves, all others stand in the order in which they were set.
const KEYS: [&str; 10] = ["10", "9", "a", "cart", "count", "list", "user", "with space", "é", "한"];

/// A key that was removed does not come back in the same request: that it keeps its place is a known difference.
#[derive(Debug, Default)]
pub(super) struct Removed(BTreeSet<usize>);

impl Removed {
    fn next(&self, random: &mut Random) -> Option<String> {
        let place = random.below(KEYS.len());
        if self.0.contains(&place) {
            return None;
        }
        KEYS.get(place).map(|key| (*key).to_owned())
    }
}

/// What is known of the session while the operations of one request are made.
#[derive(Debug)]
struct Progress {
    list: Vec<Operation>,
    removed: Removed,
    /// Whether it began in this request.
    is_new: bool,
    cookie_was_changed: bool,
    /// The handler has saved it: that what it does to the cookie of a new one then is not stored by Node is a known
    /// difference.
    was_saved: bool,
}

impl Maker<'_> {
    /// Up to four operations, and what belongs to them; with changes of the cookie of a session that was stored before if
    /// `changes_cookies`.
    pub(super) fn operations(&mut self, is_new: bool, changes_cookies: bool) -> Vec<Operation> {
        let mut progress = Progress {
            list: Vec::new(),
            removed: Removed::default(),
            is_new,
            cookie_was_changed: false,
            was_saved: false,
        };
        for _ in 0..self.random.below(5) {
            self.add(&mut progress, changes_cookies);
            // Once session-file-store has saved, its `__lastAccess` has a place among the keys.
            if self.store == StoreKind::File && progress.was_saved {
                break;
            }
        }
        progress.list
    }

    fn add(&mut self, progress: &mut Progress, changes_cookies: bool) {
        let unset_destroys = self.options.unset_destroys();
        let of_stored = changes_cookies && !self.never_touches();
        let operation = match self.random.below(100) {
            0..=57 => self.data(&mut progress.removed),
            58..=60 => Operation::Dump,
            61 | 62 => Operation::Id,
            63..=65 => Operation::Touch,
            66..=74 => return self.save(progress),
            75..=77 => Operation::Reload,
            78..=83 => Operation::Regenerate,
            84..=86 => Operation::Destroy,
            87..=90 if unset_destroys => Operation::Unset,
            // Our Redis store has extended the session's life by then.
            89 | 90 if self.store != StoreKind::Redis => Operation::Unset,
            91..=97 if (progress.is_new || of_stored) && !progress.was_saved => {
                progress.cookie_was_changed = true;
                self.cookie_change()
            }
            _ => Operation::Get { key: (*self.random.pick(&KEYS)).to_owned() },
        };
        match operation {
            Operation::Regenerate => {
                progress.is_new = true;
                progress.cookie_was_changed = false;
                progress.was_saved = false;
                progress.removed = Removed::default();
            }
            Operation::Reload => progress.is_new = false,
            _ => {}
        }
        progress.list.push(operation);
    }

    /// `save()`, as far as it is without known differences.
    ///
    /// A session that is dead when it is saved is gone for whatever follows. Node writes the expiry as it was loaded and
    /// extends the session afterwards, so a touch comes first. session-file-store's `__lastAccess`, as our time of creation,
    /// counts as a modification once saved, so something else is modified first.
    fn save(&mut self, progress: &mut Progress) {
        let lifetime = self.options.cookie("maxAge").and_then(Value::as_i64);
        let is_dead = lifetime.is_some_and(|ms| ms <= 0);
        let sends_always = self.store == StoreKind::File && !self.lifetimes_may_vary();
        if progress.cookie_was_changed || is_dead || sends_always {
            return;
        }
        if self.store == StoreKind::File || self.stamps() || self.random.chance(50) {
            progress.list.push(self.modification());
        }
        if !progress.is_new {
            progress.list.push(Operation::Touch);
        }
        progress.list.push(Operation::Save);
        if self.random.chance(60) {
            progress.list.extend([Operation::Reload, Operation::Dump]);
        }
        progress.was_saved = true;
        progress.is_new = false;
    }

    /// An operation on the data.
    pub(super) fn data(&mut self, removed: &mut Removed) -> Operation {
        let (random, exact) = (&mut self.random, self.exact);
        let kind = random.below(10);
        if kind == 0 {
            let place = random.below(KEYS.len());
            removed.0.insert(place);
            return Operation::Delete { key: KEYS.get(place).copied().unwrap_or_default().to_owned() };
        }
        let Some(key) = removed.next(random) else { return Operation::Dump };
        match kind {
            1 => Operation::Get { key },
            2 | 3 => Operation::Count { key },
            4 => Operation::Push { key, value: values::value(random, 1, exact) },
            5 => Operation::Nested {
                key,
                member: (*random.pick(&["x", "7", "deep", "0"])).to_owned(),
                value: values::value(random, 1, exact),
            },
            _ => Operation::Set { key, value: values::value(random, 3, exact) },
        }
    }

    /// Something that changes a session in any case: no other operation has this key.
    fn modification(&mut self) -> Operation {
        Operation::Set { key: "saved".to_owned(), value: json!(1_000 + self.random.below(1_000_000_000)) }
    }
}
