//! What every counting page owes its visitors: each sees a number of their own, and none is lost.

use std::collections::BTreeSet;
use std::thread;

use express_session_tests::Client;

const CONNECTIONS: u64 = 64;
const VISITS_EACH: u64 = 20;

/// Has 64 connections count in one session at the same time. The page says how often it was seen as the only
/// number in its text.
pub(crate) fn is_exact_under_load(visitor: &mut Client, path: &str) {
    let before = number(visitor.get(path).text());
    let seen: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut tab = visitor.another_tab();
                scope
                    .spawn(move || (0..VISITS_EACH).map(|_| number(tab.get(path).text())).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!(seen.len(), distinct.len(), "two visits saw the same number");
    let expected: BTreeSet<u64> = (before + 1..=before + CONNECTIONS * VISITS_EACH).collect();
    assert_eq!(distinct, expected);
    assert_eq!(number(visitor.get(path).text()), before + CONNECTIONS * VISITS_EACH + 1);
}

fn number(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {text:?}"))
}
