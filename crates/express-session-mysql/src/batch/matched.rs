//! Which rows a shared `UPDATE` has matched.
//!
//! The server counts the rows, and a count does not tell which they were. But `LAST_INSERT_ID(value)` remembers a value, and
//! the answer to an `UPDATE` brings it along. So the statement gives each row it changes a bit of that value. The upper half
//! of the value is the number of the statement, by which the first row knows that what it finds is left from an earlier
//! one. There is neither a second statement that asks, nor a transaction that would have to be rolled back.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::database::Answer;

/// No ordinary `AUTO_INCREMENT` is as large as a value with this bit, so that none is taken for ours.
const MARK: u64 = 1 << 29;

/// The numbers of the statements of one store.
#[derive(Debug, Default)]
pub(super) struct Generation(AtomicU32);

impl Generation {
    /// The next number.
    pub(super) fn next(&self) -> u64 {
        MARK | (u64::from(self.0.fetch_add(1, Ordering::Relaxed)) & (MARK - 1))
    }
}

/// The rows that a statement has matched, by their places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matched(u64);

impl Matched {
    /// SQL that adds the row's bit to those of this statement, and whose value is zero. `place` counts from 1.
    /// Parameters: the number of the statement twice, then those of `place`.
    pub(super) fn sql(place: &str) -> String {
        let so_far = "IF(LAST_INSERT_ID() >> 32 = ?, LAST_INSERT_ID(), ? << 32)";
        format!("0 * LAST_INSERT_ID({so_far} | (1 << ({place} - 1)))")
    }

    /// What the answer to the statement with this number says; `None` if it contradicts the number of rows.
    pub(super) fn read(answer: &Answer, number: u64) -> Option<Self> {
        let value = answer.last_insert_id;
        // Nothing of this statement is in it if no row was matched.
        let bits = if value >> 32 == number { value & u64::from(u32::MAX) } else { 0 };
        let count = u64::from(bits.count_ones());
        let plausible =
            if answer.counts_matches { answer.affected == count } else { answer.affected <= count };
        plausible.then_some(Self(bits))
    }

    /// Whether the row at this place, counted from 0, is one of them.
    pub(super) const fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(last_insert_id: u64, affected: u64, counts_matches: bool) -> Answer {
        Answer { rows: Vec::new(), affected, counts_matches, last_insert_id }
    }

    #[test]
    fn each_row_has_a_bit() {
        let number = Generation::default().next();
        let matched = Matched::read(&answer(number << 32 | 0b101, 2, true), number).unwrap();
        assert_eq!([0, 1, 2, 31].map(|place| matched.has(place)), [true, false, true, false]);
        let last = Matched::read(&answer(number << 32 | 1 << 31, 1, true), number).unwrap();
        assert!(last.has(31) && !last.has(0));
    }

    #[test]
    fn what_is_left_from_another_statement_counts_for_nothing() {
        let generation = Generation::default();
        let (first, second) = (generation.next(), generation.next());
        assert_eq!(Matched::read(&answer(first << 32 | 0b1, 0, true), second), Some(Matched(0)));
        assert_eq!(Matched::read(&answer(0, 0, true), second), Some(Matched(0)));
        // An application's own AUTO_INCREMENT, on a pool that was handed in.
        assert_eq!(Matched::read(&answer(5_000_000_000, 0, false), second), Some(Matched(0)));
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_not_believed() {
        let number = Generation::default().next();
        assert_eq!(Matched::read(&answer(0, 2, true), number), None);
        assert_eq!(Matched::read(&answer(number << 32 | 0b11, 1, true), number), None);
        assert_eq!(Matched::read(&answer(number << 32 | 0b11, 3, false), number), None);
        // Without the flag, only rows that were made different count.
        assert_eq!(Matched::read(&answer(number << 32 | 0b11, 1, false), number), Some(Matched(0b11)));
    }
}
