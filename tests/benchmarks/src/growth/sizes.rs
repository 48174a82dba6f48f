//! Few sessions and many.

use super::cell::{interleave, steps};
use super::fill::filled;
use super::{Plan, subjects};
use crate::backends::Backend;
use crate::processor::available;
use crate::progress::Progress;
use crate::results::Results;
use crate::server::Start;
use crate::subject::{Store, Subject};

/// Sizes of a store in the memory of the server.
const IN_MEMORY: [u64; 4] = [10_000, 100_000, 1_000_000, 5_000_000];
/// Here only memory is looked at.
const BYTES_ONLY: u64 = 200_000;
/// In JavaScript's memory, five million need more than Node gives by default.
const LARGEST_ON_NODE: u64 = 1_000_000;
/// What the largest size needs of the machine's memory, all subjects together.
const NEEDED_FOR_LARGEST: u64 = 8 << 30;

/// Sizes of a store elsewhere.
const IN_DATABASES: [u64; 2] = [10_000, 1_000_000];
/// The same, in files.
const IN_FILES: [u64; 2] = [10_000, 200_000];

/// Every size has its own servers and databases, and in each round all have their turn.
pub(super) fn compare(store: Store, plan: Plan<'_>, results: &mut Results) -> anyhow::Result<()> {
    let subjects = subjects(store, plan);
    let sizes = sizes(store, plan.largest, available()?);
    let pairs: Vec<_> = (sizes.iter())
        .flat_map(|&size| subjects.iter().map(move |&subject| (size, subject)))
        .filter(|&(size, subject)| holds(subject, size))
        .collect();
    let timed = pairs.iter().filter(|(size, _)| *size != BYTES_ONLY).count();
    let progress =
        Progress::new(&format!("{}: sizes", store.title()), pairs.len() as u64 + steps(timed, plan));
    let mut backends = Vec::new();
    let mut cells = Vec::new();
    for size in sizes {
        let backend = Backend::start(store)?;
        for &(_, subject) in pairs.iter().filter(|(of, _)| *of == size) {
            plan.stop.check()?;
            progress.step(&format!("{}, making {size} sessions", subject.title));
            let files = backend.folder(subject)?;
            let start = Start::timed(subject, backend.url(subject)?, &files);
            let cell = filled(&backend, &start, size, plan)?;
            if size == BYTES_ONLY {
                results.put_growth(cell.found("counter", Vec::new()));
            } else {
                cells.push(cell);
            }
        }
        backend.settle()?;
        backends.push(backend);
    }
    interleave(&cells, plan, &progress, results)?;
    progress.done();
    Ok(())
}

/// The sizes that are wanted and that the machine has the memory for.
fn sizes(store: Store, largest: u64, memory: u64) -> Vec<u64> {
    let mut sizes = match store {
        Store::Memory => IN_MEMORY.to_vec(),
        Store::File => IN_FILES.to_vec(),
        Store::Redis | Store::Mysql => IN_DATABASES.to_vec(),
    };
    if store == Store::Memory {
        sizes.push(BYTES_ONLY);
        sizes.sort_unstable();
    }
    let fits = |size: u64| store != Store::Memory || size <= 1_000_000 || memory >= NEEDED_FOR_LARGEST;
    sizes.retain(|&size| size <= largest && fits(size));
    sizes
}

fn holds(subject: &Subject, size: u64) -> bool {
    !(subject.store == Some(Store::Memory) && subject.program.is_node() && size > LARGEST_ON_NODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_million_are_made_only_where_there_is_memory_for_them() {
        assert_eq!(sizes(Store::Memory, 5_000_000, 16 << 30).last(), Some(&5_000_000));
        assert_eq!(sizes(Store::Memory, 5_000_000, 4 << 30).last(), Some(&1_000_000));
        assert_eq!(sizes(Store::Memory, 100_000, 16 << 30), [10_000, 100_000]);
        assert_eq!(sizes(Store::Redis, 5_000_000, 0), IN_DATABASES);
    }

    #[test]
    fn memory_is_looked_at_with_200_k_and_a_million() {
        let sizes = sizes(Store::Memory, 5_000_000, 16 << 30);
        assert!(sizes.contains(&BYTES_ONLY) && sizes.contains(&1_000_000));
    }
}
