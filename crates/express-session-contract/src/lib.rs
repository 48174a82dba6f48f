#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a suite of tests: a panic is how a clause says that a store breaks it"
)]

mod admin;
mod browser;
mod concurrency;
mod corrupt;
mod expectation;
mod expiry;
mod harness;
mod hostile_ids;
mod listed;
mod listing;
mod login;
mod owner_list;
mod owners;
mod request;
mod round_trip;
mod sample;
mod supersession;
mod touch;
mod watched;

pub use harness::{Harness, Scale};
pub use listed::{all, ids};
pub use owner_list::OwnerListHarness;

/// The clauses, one function each.
pub mod clauses {
    pub use crate::admin::*;
    pub use crate::concurrency::*;
    pub use crate::corrupt::*;
    pub use crate::expectation::*;
    pub use crate::expiry::*;
    pub use crate::hostile_ids::*;
    pub use crate::listing::*;
    pub use crate::login::*;
    pub use crate::owner_list::*;
    pub use crate::owners::*;
    pub use crate::request::*;
    pub use crate::round_trip::*;
    pub use crate::supersession::*;
    pub use crate::touch::*;
}

/// Runs a clause on a runtime of its own with four threads; for [`store_contract!`].
pub fn run<T>(clause: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the runtime starts")
        .block_on(clause)
}

/// One `#[test]` per clause of the contract, named by it.
///
/// The argument is an expression for a [`Harness`] with an empty store of its own; it is evaluated for every
/// clause, inside the runtime, and may `.await`. For a second configuration of a store use it in a second `mod`.
///
/// ```text
/// express_session_contract::store_contract!(MyHarness::start().await);
/// ```
#[macro_export]
macro_rules! store_contract {
    ($harness:expr) => {
        $crate::store_contract! { @each $harness;
            a_record_comes_back_exactly_as_it_was_written
            an_unknown_id_is_none
            large_and_unusual_data_come_back
            a_null_document_is_no_session
            the_revision_that_was_read_lets_a_write_through
            the_revision_that_was_written_lets_the_next_write_through
            a_stale_revision_is_a_conflict_and_writes_nothing
            a_conflict_carries_what_is_needed_to_try_again
            a_foreign_write_is_a_conflict
            a_write_to_a_destroyed_session_is_gone
            a_write_to_an_expired_session_is_gone
            a_write_to_a_session_that_never_was_is_gone
            a_blind_write_replaces_anything
            touch_extends_life
            touch_never_rewrites_data
            touch_does_not_bring_back_what_others_replaced
            touch_never_creates
            get_and_touch_reads_what_get_reads
            get_and_touch_has_extended_life_if_it_says_so
            an_expired_session_is_absent_before_any_sweep
            reading_does_not_extend_life
            writing_gives_the_full_life
            a_session_without_max_age_expires_too
            a_life_below_one_second_is_a_life
            an_expired_id_can_be_written_anew
            a_life_that_is_cut_short_ends_unless_somebody_comes_back
            a_life_is_cut_short_and_never_made_longer
            destroy_says_whether_there_was_a_session
            pages_have_the_live_sessions
            a_look_tells_what_a_page_tells
            a_page_is_a_part
            a_session_that_stays_is_listed_under_fire
            undecodable_bytes_are_listed_with_the_reason
            a_foreign_cursor_is_no_backend_error
            adding_never_replaces
            what_was_added_is_a_session
            adding_respects_marks
            of_several_who_add_one_does
            length_counts_the_sessions
            clear_removes_everything
            sweep_removes_the_expired_and_nothing_else
            hostile_ids_are_data
            variants_of_an_id_are_different_sessions
            undecodable_bytes_are_corrupt_and_not_lost
            undecodable_bytes_are_not_overwritten_by_a_conditional_write
            undecodable_bytes_can_be_destroyed_or_replaced
            of_several_writers_with_one_revision_one_gets_through
            of_several_callers_one_destroys
            readers_never_see_a_mixture
            a_dropped_write_happened_entirely_or_not_at_all
            a_destroyed_session_stays_destroyed_under_fire
            overlapping_requests_lose_no_key
            a_counter_in_transactions_is_exact
            logout_wins_over_a_request_that_changes_the_session
            logout_wins_over_a_request_that_only_reads
            logout_wins_over_a_request_that_renews_the_id
            logout_wins_over_a_transaction
            a_superseded_session_is_absent_and_names_its_successor
            superseding_by_a_stale_revision_is_a_conflict_and_changes_nothing
            a_session_that_is_gone_is_not_superseded
            superseding_anything_leaves_a_mark_also_without_a_session
            a_mark_lasts_for_its_grace
            sweep_leaves_marks
            a_superseded_id_can_be_written_anew
            of_several_who_supersede_one_gets_through
            hostile_ids_can_be_superseded
            login_wins_over_requests_that_began_before_it
            login_wins_over_requests_that_come_late
            login_wins_over_a_request_with_the_same_stale_cookie
            logout_under_the_old_id_ends_the_login
            a_write_during_a_renewal_is_not_lost
        }
    };
    (@each $harness:expr; $($clause:ident)*) => {
        $(
            #[test]
            fn $clause() {
                $crate::run(async {
                    let harness = $harness;
                    $crate::clauses::$clause(&harness).await;
                });
            }
        )*
    };
}

/// As [`store_contract!`], for the optional part of the contract: a store with
/// [owners](express_session_core::OwnerIndex).
#[macro_export]
macro_rules! owner_contract {
    ($harness:expr) => {
        $crate::store_contract! { @each $harness;
            the_sessions_of_an_owner_are_found
            hostile_owners_have_lists_of_their_own
            one_session_is_ended_by_its_handle
            all_other_sessions_end
            all_sessions_of_an_owner_end
            an_ended_session_is_not_listed
            a_session_is_listed_under_its_new_id
            a_session_is_its_newest_owners
            what_node_wrote_belongs_to_its_owner
            an_end_of_all_wins_over_logins_under_way
            the_oldest_session_makes_place
            a_login_too_many_is_refused
        }
    };
}

/// As [`owner_contract!`], for a store that keeps its list of owners beside the sessions. The argument is an
/// [`OwnerListHarness`].
#[macro_export]
macro_rules! owner_list_contract {
    ($harness:expr) => {
        $crate::store_contract! { @each $harness;
            an_entry_is_made_confirmed_and_removed
            a_condemned_entry_stays_condemned
            a_listing_ends_what_was_condemned
            a_condemned_session_is_not_read
            a_login_that_died_is_within_reach
            a_missing_entry_comes_back_with_the_next_request
            a_listing_removes_stale_entries
            entries_are_forgotten_in_time
        }
    };
}

#[cfg(test)]
mod tests {
    /// A clause that the macro does not list would never run.
    #[test]
    fn every_clause_is_listed() {
        let listed = include_str!("lib.rs");
        let sources = [
            include_str!("admin.rs"),
            include_str!("concurrency.rs"),
            include_str!("corrupt.rs"),
            include_str!("expectation.rs"),
            include_str!("expiry.rs"),
            include_str!("hostile_ids.rs"),
            include_str!("listing.rs"),
            include_str!("login.rs"),
            include_str!("owner_list.rs"),
            include_str!("owners.rs"),
            include_str!("request.rs"),
            include_str!("round_trip.rs"),
            include_str!("supersession.rs"),
            include_str!("touch.rs"),
        ];
        let mut clauses = 0;
        for source in sources {
            for line in source.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = line.split('<').next().unwrap();
                assert!(listed.contains(&format!("            {name}\n")), "{name} is not listed");
                clauses += 1;
            }
        }
        assert!(clauses > 40, "only {clauses} clauses were found");
    }
}
