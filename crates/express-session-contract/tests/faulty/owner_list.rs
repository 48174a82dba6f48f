//! A plain list of owners, and the faults that lists have.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use express_session_contract::OwnerListHarness;
use express_session_core::{
    CONDEMNED, Clock as _, Document, EntryState, IndexCall, Owner, OwnerEntry, OwnerIndex, PENDING,
    SessionId, SessionStore as _,
};

use super::{Fault, Naive, NaiveHarness};

/// A fault of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ListFault {
    None,
    /// The entry is made after the session was written, not before.
    EnlistsLate,
    /// `enlist` takes back what was condemned.
    EnlistForgives,
    /// `confirm` takes back what was condemned.
    ConfirmForgives,
    /// `refresh` takes back what was condemned.
    RefreshForgives,
    /// `refresh` makes no entry.
    RefreshMakesNothing,
    /// `confirm` makes an entry.
    ConfirmMakes,
    /// `condemn` leaves out what is not on the list.
    CondemnsOnlyTheListed,
    /// `delist` does nothing.
    DelistsNothing,
    /// `find` shows one entry.
    FindsOne,
    /// Owners are compared without regard to case.
    CaselessOwners,
    /// Trailing blanks of owners are cut off.
    TrimmedOwners,
    /// Pending entries stay for ever.
    EndlessPending,
    /// Confirmed entries stay for ever.
    EndlessEntries,
    /// Confirmed entries are forgotten when a session's life is over that nobody has used since.
    ShortEntries,
}

/// How an entry stands, and the last millisecond in which it counts.
type Lists = BTreeMap<(String, SessionId), (EntryState, i64)>;

#[derive(Clone, Debug)]
pub(crate) struct Owners {
    fault: ListFault,
    lists: Arc<Mutex<Lists>>,
}

impl Owners {
    pub(crate) fn new(fault: ListFault) -> Self {
        Self { fault, lists: Arc::default() }
    }

    fn key(&self, owner: &Owner, id: &SessionId) -> (String, SessionId) {
        let owner = match self.fault {
            ListFault::CaselessOwners => owner.as_str().to_lowercase(),
            ListFault::TrimmedOwners => owner.as_str().trim_end_matches(' ').to_owned(),
            _ => owner.as_str().to_owned(),
        };
        (owner, id.clone())
    }
}

const LIFE: Duration = Duration::from_hours(1);

impl Naive {
    fn confirmed(&self) -> (EntryState, i64) {
        let until = match self.owners.fault {
            ListFault::EndlessEntries => i64::MAX,
            ListFault::ShortEntries => self.clock.now().plus(LIFE / 2).0,
            _ => self.clock.now().plus(2 * LIFE).0,
        };
        (EntryState::Confirmed, until)
    }
}

impl OwnerIndex for Naive {
    fn find<'a>(&'a self, owner: &'a Owner) -> IndexCall<'a, Vec<OwnerEntry>> {
        Box::pin(async {
            let now = self.clock.now().0;
            let key = self.owners.key(owner, &SessionId::generate()).0;
            let lists = self.owners.lists.lock().unwrap().clone();
            let mut listed = Vec::new();
            for ((_, id), (entry, _)) in lists.into_iter().filter(|((of, _), it)| *of == key && it.1 >= now) {
                let stored = self.get(&id).await.ok().flatten();
                listed.push(OwnerEntry { id, entry, stored });
            }
            if self.owners.fault == ListFault::FindsOne {
                listed.truncate(1);
            }
            Ok(listed)
        })
    }

    fn enlist<'a>(&'a self, owner: &'a Owner, id: &'a SessionId) -> IndexCall<'a, ()> {
        let now = self.clock.now();
        let until = match self.owners.fault {
            ListFault::EnlistsLate => return Box::pin(ready(Ok(()))),
            ListFault::EndlessPending => i64::MAX,
            _ => now.plus(PENDING).0,
        };
        let mut lists = self.owners.lists.lock().unwrap();
        let place = lists.entry(self.owners.key(owner, id)).or_insert((EntryState::Pending, until));
        if place.1 < now.0
            || self.owners.fault == ListFault::EnlistForgives && place.0 == EntryState::Condemned
        {
            *place = (EntryState::Pending, until);
        }
        Box::pin(ready(Ok(())))
    }

    fn confirm<'a>(&'a self, owner: &'a Owner, id: &'a SessionId, _: &'a Document) -> IndexCall<'a, bool> {
        if self.owners.fault == ListFault::EnlistsLate {
            std::thread::sleep(Duration::from_millis(1));
        }
        let now = self.clock.now().0;
        let mut lists = self.owners.lists.lock().unwrap();
        let key = self.owners.key(owner, id);
        if matches!(self.owners.fault, ListFault::ConfirmMakes | ListFault::EnlistsLate) {
            lists.entry(key.clone()).or_insert((EntryState::Pending, i64::MAX));
        }
        let forgives = self.owners.fault == ListFault::ConfirmForgives;
        let place = lists.get_mut(&key).filter(|it| it.1 >= now);
        let place = place.filter(|it| it.0 != EntryState::Condemned || forgives);
        Box::pin(ready(Ok(place.map(|place| *place = self.confirmed()).is_some())))
    }

    fn refresh<'a>(&'a self, owner: &'a Owner, id: &'a SessionId, _: &'a Document) -> IndexCall<'a, bool> {
        let now = self.clock.now().0;
        let mut lists = self.owners.lists.lock().unwrap();
        let key = self.owners.key(owner, id);
        let present = lists.get(&key).copied().filter(|it| it.1 >= now).map(|it| it.0);
        let kept = match present {
            Some(EntryState::Condemned) => self.owners.fault == ListFault::RefreshForgives,
            None if self.owners.fault == ListFault::RefreshMakesNothing => return Box::pin(ready(Ok(true))),
            Some(_) | None => true,
        };
        if kept {
            lists.insert(key, self.confirmed());
        }
        Box::pin(ready(Ok(kept)))
    }

    fn refresh_after(&self, _: &SessionId, _: &Document) -> Option<Duration> {
        Some(LIFE / 2)
    }

    fn condemn<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        let until = self.clock.now().plus(CONDEMNED).0;
        let mut lists = self.owners.lists.lock().unwrap();
        for id in ids {
            let key = self.owners.key(owner, id);
            if self.owners.fault != ListFault::CondemnsOnlyTheListed || lists.contains_key(&key) {
                lists.insert(key, (EntryState::Condemned, until));
            }
        }
        Box::pin(ready(Ok(())))
    }

    fn delist<'a>(&'a self, owner: &'a Owner, ids: &'a [SessionId]) -> IndexCall<'a, ()> {
        if self.owners.fault != ListFault::DelistsNothing {
            let mut lists = self.owners.lists.lock().unwrap();
            for id in ids {
                lists.remove(&self.owners.key(owner, id));
            }
        }
        Box::pin(ready(Ok(())))
    }
}

impl OwnerListHarness for NaiveHarness {
    async fn age_list(&self, _: &Owner, by: Duration) {
        self.0.clock.advance(by);
    }
}

fn harness(fault: ListFault) -> NaiveHarness {
    NaiveHarness(Naive { owners: Owners::new(fault), ..Naive::new(Fault::None) })
}

mod a_naive_list_passes {
    express_session_contract::owner_contract!(super::harness(super::ListFault::None));
    express_session_contract::owner_list_contract!(super::harness(super::ListFault::None));
}

/// `fault => clause`: the clause passes without the fault (above) and panics with it.
macro_rules! caught {
    ($($fault:ident => $clause:ident;)*) => {
        #[allow(non_snake_case, reason = "named by the fault and the clause")]
        mod caught {
            $(
                mod $fault {
                    #[test]
                    #[should_panic = ""]
                    fn $clause() {
                        let harness = super::super::harness(super::super::ListFault::$fault);
                        express_session_contract::run(express_session_contract::clauses::$clause(&harness));
                    }
                }
            )*
        }
    };
}

caught! {
    EnlistsLate => an_end_of_all_wins_over_logins_under_way;
    EnlistForgives => a_condemned_entry_stays_condemned;
    ConfirmForgives => a_login_that_died_is_within_reach;
    RefreshForgives => a_condemned_session_is_not_read;
    RefreshMakesNothing => a_missing_entry_comes_back_with_the_next_request;
    ConfirmMakes => an_entry_is_made_confirmed_and_removed;
    CondemnsOnlyTheListed => a_condemned_entry_stays_condemned;
    DelistsNothing => a_listing_removes_stale_entries;
    FindsOne => the_sessions_of_an_owner_are_found;
    CaselessOwners => hostile_owners_have_lists_of_their_own;
    TrimmedOwners => hostile_owners_have_lists_of_their_own;
    EndlessPending => entries_are_forgotten_in_time;
    EndlessEntries => entries_are_forgotten_in_time;
    ShortEntries => entries_are_forgotten_in_time;
}
