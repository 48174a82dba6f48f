//! A list of owners that a store keeps beside its sessions: whatever dies in between, it is right again.
//!
//! See [`owner_list_contract!`](crate::owner_list_contract).

use std::future::Future;
use std::time::Duration;

use express_session_core::{CONDEMNED, EntryState, Owner, OwnerIndex, PENDING, SessionId, SessionStore as _};

use crate::Harness;
use crate::browser::{Browser, begin};
use crate::owners::{listed, log_in, owner, servers};
use crate::sample::{HOUR, HarnessExt as _, MINUTE, new_id};

/// A store whose list of owners grows old on demand.
pub trait OwnerListHarness: Harness {
    /// Makes this owner's list look as if `by` had passed since its entries were made or confirmed. A store with a clock
    /// of its own may let time pass for its sessions too.
    fn age_list(&self, owner: &Owner, by: Duration) -> impl Future<Output = ()> + Send;
}

fn index<H: Harness>(h: &H) -> &dyn OwnerIndex {
    h.store().owner_index().expect("the store has a list of owners")
}

/// How the entry of this session stands.
async fn entry<H: Harness>(h: &H, of: &Owner, id: &SessionId) -> Option<EntryState> {
    let list = index(h).find(of).await.expect("the list can be read");
    list.into_iter().find(|listed| listed.id == *id).map(|listed| listed.entry)
}

/// Writes a session of this owner, as it is after a login.
async fn put<H: Harness>(h: &H, of: &Owner, id: &SessionId) {
    let document = h.document(&[("n", "1")]);
    let text = document.text().replacen(r#","n""#, &format!(r#","__owner":"{}","n""#, of.as_str()), 1);
    h.put_raw(id, text.as_bytes()).await;
}

/// An entry is pending until it is confirmed, and is there until it is removed.
pub async fn an_entry_is_made_confirmed_and_removed<H: OwnerListHarness>(h: &H) {
    let (alice, bob, id) = (owner("alice"), owner("bob"), new_id());
    let document = h.document(&[]);
    assert_eq!(entry(h, &alice, &id).await, None);
    assert!(
        !index(h).confirm(&alice, &id, &document).await.unwrap(),
        "an entry is confirmed that is not there"
    );
    assert_eq!(entry(h, &alice, &id).await, None, "to confirm is not to make");
    index(h).enlist(&alice, &id).await.unwrap();
    assert_eq!(entry(h, &alice, &id).await, Some(EntryState::Pending));
    assert!(!index(h).confirm(&bob, &id, &document).await.unwrap(), "lists are mixed up");
    assert!(index(h).confirm(&alice, &id, &document).await.unwrap());
    assert_eq!(entry(h, &alice, &id).await, Some(EntryState::Confirmed));
    index(h).enlist(&alice, &id).await.unwrap();
    assert_eq!(entry(h, &alice, &id).await, Some(EntryState::Confirmed), "a confirmed entry is taken back");
    let (other, third) = (new_id(), new_id());
    assert!(index(h).refresh(&alice, &other, &document).await.unwrap(), "to refresh is to make");
    assert_eq!(entry(h, &alice, &other).await, Some(EntryState::Confirmed));
    index(h).delist(&alice, &[id.clone(), third]).await.unwrap();
    assert_eq!(entry(h, &alice, &id).await, None);
    assert_eq!(entry(h, &alice, &other).await, Some(EntryState::Confirmed));
}

/// What is condemned is neither confirmed nor refreshed, whoever tries to, until the entry is removed.
pub async fn a_condemned_entry_stays_condemned<H: OwnerListHarness>(h: &H) {
    let alice = owner("alice");
    let [pending, confirmed, unknown] = [new_id(), new_id(), new_id()];
    let document = h.document(&[]);
    index(h).enlist(&alice, &pending).await.unwrap();
    assert!(index(h).refresh(&alice, &confirmed, &document).await.unwrap());
    let ids = [pending, confirmed, unknown];
    index(h).condemn(&alice, &ids).await.unwrap();
    for id in &ids {
        assert!(!index(h).confirm(&alice, id, &document).await.unwrap(), "confirmed although condemned");
        assert!(!index(h).refresh(&alice, id, &document).await.unwrap(), "refreshed although condemned");
        index(h).enlist(&alice, id).await.unwrap();
        assert!(!index(h).confirm(&alice, id, &document).await.unwrap(), "enlisted although condemned");
        assert_eq!(entry(h, &alice, id).await, Some(EntryState::Condemned));
    }
    index(h).delist(&alice, &ids).await.unwrap();
    assert!(index(h).refresh(&alice, &ids[0], &document).await.unwrap());
}

/// A process that dies while it ends sessions has its work done by the next listing.
pub async fn a_listing_ends_what_was_condemned<H: OwnerListHarness>(h: &H) {
    let [one, other] = servers(h);
    let browser = log_in(&one, "alice").await.expect("the login succeeds");
    let id = begin(&one, &browser).await.id();
    index(h).condemn(&owner("alice"), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(listed(&other, "alice").await, []);
    assert!(h.find(&id).await.is_none(), "the session has not ended");
    assert_eq!(entry(h, &owner("alice"), &id).await, None, "the entry is left");
}

/// A request that comes to a session which is about to end finds none.
pub async fn a_condemned_session_is_not_read<H: OwnerListHarness>(h: &H) {
    let [one, other] = servers(h);
    let browser = log_in(&one, "alice").await.expect("the login succeeds");
    let id = begin(&one, &browser).await.id();
    index(h).condemn(&owner("alice"), std::slice::from_ref(&id)).await.unwrap();
    assert!(begin(&other, &browser).await.is_new(), "a session is read that is about to end");
    assert!(h.find(&id).await.is_none(), "the session has not ended");
}

/// A login whose process dies before, between or after its steps is neither shown before it is there, nor out of reach.
pub async fn a_login_that_died_is_within_reach<H: OwnerListHarness>(h: &H) {
    let [one, _] = servers(h);
    let alice = owner("alice");
    let [enlisted, written] = [new_id(), new_id()];
    for id in [&enlisted, &written] {
        index(h).enlist(&alice, id).await.unwrap();
    }
    put(h, &alice, &written).await;
    assert_eq!(listed(&one, "alice").await, [one.handle(&written)]);
    assert_eq!(
        entry(h, &alice, &enlisted).await,
        Some(EntryState::Pending),
        "a login under way is ended by a listing"
    );
    assert_eq!(one.sessions_of(alice.clone()).end_all().await.unwrap(), 1);
    assert!(h.find(&written).await.is_none());
    // The process was slow, not dead: it comes too late.
    assert!(
        !index(h).confirm(&alice, &enlisted, &h.document(&[])).await.unwrap(),
        "a login outlives an end of all"
    );
}

/// A session that is missing in the list comes back with the next request that reads it, on any server.
pub async fn a_missing_entry_comes_back_with_the_next_request<H: OwnerListHarness>(h: &H) {
    let [one, other] = servers(h);
    let alice = owner("alice");
    let browser = log_in(&one, "alice").await.expect("the login succeeds");
    let id = begin(&one, &browser).await.id();
    index(h).delist(&alice, std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(listed(&one, "alice").await, []);
    let session = begin(&other, &browser).await;
    assert_eq!(listed(&one, "alice").await, [session.handle()]);

    // A record that was copied to another id, as some Node middleware does at a login, is a session of its own.
    let copy = new_id();
    put(h, &alice, &copy).await;
    begin(&other, &Browser::with_id(&other, &copy)).await.finish().await.unwrap();
    assert_eq!(listed(&one, "alice").await.len(), 2);
}

/// A listing removes the entries of sessions that are gone, and those of sessions that are somebody else's now.
pub async fn a_listing_removes_stale_entries<H: OwnerListHarness>(h: &H) {
    let [one, _] = servers(h);
    let (alice, bob) = (owner("alice"), owner("bob"));
    let [gone, moved, there] = [new_id(), new_id(), new_id()];
    let document = h.document(&[]);
    for id in [&gone, &moved, &there] {
        assert!(index(h).refresh(&alice, id, &document).await.unwrap());
    }
    put(h, &bob, &moved).await;
    put(h, &alice, &there).await;
    assert_eq!(listed(&one, "alice").await, [one.handle(&there)]);
    assert_eq!(entry(h, &alice, &gone).await, None, "the entry of a session that is gone is left");
    assert_eq!(entry(h, &alice, &moved).await, None, "the entry of somebody else's session is left");
    assert!(h.find(&moved).await.is_some(), "somebody else's session ended");
}

/// Entries are forgotten without being asked for: pending ones soon, condemned ones later, confirmed ones not before
/// their session's life is over.
pub async fn entries_are_forgotten_in_time<H: OwnerListHarness>(h: &H) {
    let alice = owner("alice");
    let [pending, condemned, confirmed] = [new_id(), new_id(), new_id()];
    let document = h.document(&[]);
    index(h).enlist(&alice, &pending).await.unwrap();
    assert!(index(h).refresh(&alice, &confirmed, &document).await.unwrap());
    index(h).condemn(&alice, std::slice::from_ref(&condemned)).await.unwrap();
    assert_eq!(entry(h, &alice, &pending).await, Some(EntryState::Pending));

    h.age_list(&alice, PENDING + PENDING / 10).await;
    assert_eq!(entry(h, &alice, &pending).await, None, "a pending entry stays");
    assert!(!index(h).confirm(&alice, &pending, &document).await.unwrap());
    assert_eq!(entry(h, &alice, &condemned).await, Some(EntryState::Condemned));

    h.age_list(&alice, 59 * MINUTE).await;
    assert_eq!(
        entry(h, &alice, &confirmed).await,
        Some(EntryState::Confirmed),
        "an entry dies before its session"
    );
    let after = index(h).refresh_after(&confirmed, &document).expect("a list that is kept needs refreshing");
    assert!(after <= HOUR / 2 + MINUTE, "an entry is refreshed too late");

    h.age_list(&alice, CONDEMNED).await;
    assert_eq!(entry(h, &alice, &condemned).await, None, "a condemned entry stays");
    h.age_list(&alice, 4 * HOUR).await;
    assert_eq!(entry(h, &alice, &confirmed).await, None, "an entry stays for ever");
}
