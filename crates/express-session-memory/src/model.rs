//! The table beside a model that cannot be wrong: a map and two lists.

use std::collections::HashMap;

use express_session_core::{SessionId, UnixMillis};
use foldhash::fast::RandomState;
use proptest::prelude::*;

use crate::life::Deadline;
use crate::slot::{Key, Slot};
use crate::table::{Lookup, Table, Use};

/// Enough for the index to grow through several powers of two.
const IDS: usize = 300;

#[derive(Clone, Debug)]
enum Step {
    /// Written, for so long, with so many bytes: over what is there, or as a new session.
    Write(usize, i64, usize),
    Read(usize),
    Remove(usize),
    MarkReturned(usize),
    Evict(usize),
    Pass(i64),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..IDS;
    prop_oneof![
        8 => (id.clone(), 1_i64..500, 0_usize..40).prop_map(|(id, life, len)| Step::Write(id, life, len)),
        4 => id.clone().prop_map(Step::Read),
        2 => id.clone().prop_map(Step::Remove),
        1 => id.clone().prop_map(Step::MarkReturned),
        2 => id.prop_map(Step::Evict),
        1 => (0_i64..20).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
    ]
}

/// Packed ids and others: short, long, nearly packed, and such that one is the beginning of another.
fn id(number: usize) -> SessionId {
    let text = match number % 6 {
        0 | 1 => format!("{number:032}"),
        2 => format!("{number}"),
        3 => format!("{number:031}="),
        4 => format!("{number:033}"),
        _ => "\u{e9}".repeat(1 + number),
    };
    SessionId::parse(text).unwrap()
}

#[derive(Clone, Debug, PartialEq)]
struct Kept {
    text: String,
    deadline: i64,
    revision: u64,
}

#[derive(Default)]
struct Model {
    sessions: HashMap<usize, Kept>,
    /// The least recently used first.
    newcomers: Vec<usize>,
    returned: Vec<usize>,
}

impl Model {
    fn remove(&mut self, number: usize) -> Option<Kept> {
        self.newcomers.retain(|other| *other != number);
        self.returned.retain(|other| *other != number);
        self.sessions.remove(&number)
    }

    /// Makes it the last one to go, of those who came back if it has.
    fn renew(&mut self, number: usize, comes_back: bool) {
        let returned = comes_back || self.returned.contains(&number);
        self.newcomers.retain(|other| *other != number);
        self.returned.retain(|other| *other != number);
        if returned { &mut self.returned } else { &mut self.newcomers }.push(number);
    }

    fn bytes(&self, numbers: &[usize], key: impl Fn(usize, &str) -> u64) -> u64 {
        numbers.iter().map(|number| key(*number, &self.sessions[number].text)).sum()
    }

    fn next_to_go(&self, keep: usize, key: impl Fn(usize, &str) -> u64 + Copy) -> Option<usize> {
        let (new, old) = (self.bytes(&self.newcomers, key), self.bytes(&self.returned, key));
        let too_many = self.newcomers.len() * 10 > self.sessions.len() || new * 10 > new + old;
        let (first, then) =
            if too_many { (&self.newcomers, &self.returned) } else { (&self.returned, &self.newcomers) };
        [first.first(), then.first()].into_iter().flatten().copied().find(|number| *number != keep)
    }
}

fn is(slot: &Slot, number: usize, kept: &Kept) {
    assert_eq!(slot.id(), Some(id(number)));
    let found = (slot.text(), slot.deadline(), slot.revision());
    assert_eq!(found, (&*kept.text, Deadline::of(UnixMillis(kept.deadline)), kept.revision));
}

fn run(steps: &[Step]) {
    let hasher = RandomState::default();
    let (mut table, mut model) = (Table::new(hasher.clone()), Model::default());
    let ids: Vec<_> = (0..IDS).map(id).collect();
    let keys: Vec<_> = ids.iter().map(|id| Key::new(id, &hasher)).collect();
    let size = |number: usize, text: &str| keys[number].size(text);
    let (mut now, mut revision) = (0, 0);
    for (count, step) in steps.iter().enumerate() {
        revision += 1;
        match *step {
            Step::Write(number, life, len) => {
                let new = Kept { text: "x".repeat(len), deadline: now + life, revision };
                let deadline = Deadline::of(UnixMillis(new.deadline));
                match table.find(&keys[number], UnixMillis(now), Use::Write) {
                    Lookup::Live(at) => {
                        let (before, after) = table.change(at, Some(&new.text), deadline, Some(revision));
                        let old = model.sessions.insert(number, new.clone()).unwrap();
                        assert_eq!((before, after), (size(number, &old.text), size(number, &new.text)));
                    }
                    other => {
                        let expired = model.remove(number);
                        match (other, &expired) {
                            (Lookup::Expired(slot), Some(kept)) => is(&slot, number, kept),
                            (Lookup::Absent, None) => {}
                            _ => panic!("{number} is not what was stored"),
                        }
                        table.insert(&keys[number], Slot::new(&keys[number], &new.text, deadline, revision));
                        model.sessions.insert(number, new);
                    }
                }
                model.renew(number, false);
            }
            Step::Read(number) => match table.find(&keys[number], UnixMillis(now), Use::Return) {
                Lookup::Live(at) => {
                    is(table.slot(at), number, &model.sessions[&number]);
                    model.renew(number, true);
                }
                Lookup::Expired(slot) => is(&slot, number, &model.remove(number).unwrap()),
                Lookup::Absent => assert!(!model.sessions.contains_key(&number)),
            },
            Step::Remove(number) => match (table.remove(&keys[number]), model.remove(number)) {
                (Some(slot), Some(kept)) => is(&slot, number, &kept),
                (None, None) => {}
                _ => panic!("{number} is there in one of them only"),
            },
            Step::MarkReturned(number) => {
                table.mark_returned(&keys[number]);
                if model.newcomers.contains(&number) {
                    model.renew(number, true);
                }
            }
            Step::Evict(keep) => {
                let evicted = table.evict(&keys[keep]);
                let expected = model.next_to_go(keep, size);
                assert_eq!(evicted.and_then(|slot| slot.id()), expected.map(id));
                expected.map(|number| model.remove(number));
            }
            Step::Pass(millis) => now += millis,
            Step::Sweep => {
                for at in (0..u32::try_from(table.len()).unwrap()).rev() {
                    if table.slot(at).deadline().is_past(UnixMillis(now)) {
                        drop(table.remove_at(at));
                    }
                }
                for number in 0..IDS {
                    if model.sessions.get(&number).is_some_and(|kept| kept.deadline < now) {
                        model.remove(number);
                    }
                }
            }
        }
        assert_eq!(table.len(), model.sessions.len());
        if count % 64 == 0 || count + 1 == steps.len() {
            compare(&table, &model, &keys);
        }
    }
}

/// Whether all is where it should be, nothing else is, and the order of use and the buckets hold all of it.
fn compare(table: &Table, model: &Model, keys: &[Key<'_>]) {
    for (number, key) in keys.iter().enumerate() {
        match (table.peek(key), model.sessions.get(&number)) {
            (Some(slot), Some(kept)) => is(slot, number, kept),
            (None, None) => {}
            _ => panic!("{number} is there in one of them only"),
        }
    }
    let order: Vec<_> = model.newcomers.iter().chain(&model.returned).map(|number| id(*number)).collect();
    assert_eq!(table.in_order().filter_map(Slot::id).collect::<Vec<_>>(), order);
    let all: Vec<_> = model.sessions.keys().copied().collect();
    assert_eq!(table.bytes(), model.bytes(&all, |number, text| keys[number].size(text)));
    for (number, key) in keys.iter().enumerate().filter(|(number, _)| model.sessions.contains_key(number)) {
        let (mut slots, bits) = table.bucket(key.hash).unwrap();
        let lowest = |hash: u64| hash & !(u64::MAX << bits);
        assert!(slots.any(|slot| slot.has_id(key)), "{number}");
        let (slots, _) = table.bucket(key.hash).unwrap();
        let ids: Vec<_> = slots.filter_map(Slot::id).collect();
        assert!(
            keys.iter()
                .zip(0..)
                .filter(|(_, it)| ids.contains(&id(*it)))
                .all(|(it, _)| lowest(it.hash) == lowest(key.hash))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_table_does_what_a_map_and_two_lists_do(steps in prop::collection::vec(step(), 1..1500)) {
        run(&steps);
    }
}

/// The index grows to its largest and back to nothing, more than once, and with removals from anywhere.
#[test]
fn it_grows_and_shrinks_and_grows_again() {
    let write = |number| Step::Write(number, 100, number % 7);
    let fill = || (0..IDS).map(write);
    let steps: Vec<_> = fill()
        .chain((0..IDS).rev().map(Step::Remove))
        .chain(fill())
        .chain((0..IDS).map(|number| Step::Remove(number * 7 % IDS)))
        .chain(fill())
        .chain([Step::Pass(1000), Step::Sweep])
        .chain(fill())
        .collect();
    run(&steps);
}
