//! `migrate`: who wins, what comes back, what is said.

use std::time::Duration;

use express_session_core::SessionId;
use serde_json::Value;

use crate::ctl::{HOUR, KINDS, Kind, Place, document, document_of, migrate, n_of, run, runtime};

/// Two stores, and a place for the state.
struct Migration {
    from: Place,
    to: Place,
    dir: tempfile::TempDir,
}

impl Migration {
    async fn between(from: Kind, to: Kind) -> Self {
        Self { from: Place::fresh(from).await, to: Place::fresh(to).await, dir: tempfile::tempdir().unwrap() }
    }

    fn run(&self, more: &[&str]) -> (i32, Value) {
        let state = self.dir.path().join("state");
        let ran = migrate(&self.from.url(), &self.to.url(), &state, &[&["--json"], more].concat());
        let mut objects = ran.objects();
        assert_eq!(objects.len(), 1, "{}", ran.err);
        (ran.code, objects.remove(0))
    }

    /// The counts that are not zero.
    fn counts(&self, more: &[&str]) -> Vec<(String, u64)> {
        let (_, report) = self.run(more);
        let counts = report.as_object().unwrap().iter().map(|(name, n)| (name.clone(), n.as_u64().unwrap()));
        counts.filter(|(_, n)| *n > 0).collect()
    }
}

fn are(counts: &[(String, u64)], expected: &[(&str, u64)]) {
    let counts: Vec<_> = counts.iter().map(|(name, n)| (&**name, *n)).collect();
    assert_eq!(counts, expected);
}

#[test]
fn sessions_keep_their_data_and_what_is_left_of_their_life() {
    runtime().block_on(async {
        for (from, to) in KINDS.into_iter().flat_map(|from| KINDS.map(|to| (from, to))) {
            let migration = Migration::between(from, to).await;
            let (long, short, without) =
                (SessionId::generate(), SessionId::generate(), SessionId::generate());
            let days = Duration::from_hours(72);
            migration.from.put(&long, &document_of(days, 1)).await;
            migration.from.put_for(&short, &document(2), HOUR / 4).await;
            let mut data = express_session_core::Data::new(express_session_core::Cookie::default());
            data.insert("n", 3).unwrap();
            migration.from.put(&without, &data.encode()).await;
            let (code, report) = migration.run(&[]);
            assert_eq!(report["copied"], 3, "{from:?} to {to:?}: {report}");
            for (n, id) in [&long, &short, &without].into_iter().enumerate() {
                let document = migration.to.get(id).await.expect("it is in the target");
                assert_eq!(n_of(&document), n as u64 + 1);
                let is_stamped = document.get_raw("__lastAccess").is_some();
                assert_eq!(is_stamped, to == Kind::File, "the key of the file's format goes with the file");
                let (before, after) = (migration.from.left(id), migration.to.left(id));
                let is_shorter = after + Duration::from_secs(3) < before;
                // A cookie without an end lives as long as the target's option says, at most.
                assert_eq!(
                    is_shorter,
                    n == 2 && to == Kind::File && from != Kind::File,
                    "{from:?} to {to:?}: {before:?}, {after:?}"
                );
                assert!(after < before + Duration::from_secs(3), "{from:?} to {to:?}: {before:?}, {after:?}");
            }
            let shorter = u64::from(to == Kind::File && from != Kind::File);
            assert_eq!((report["shorter"].as_u64(), code), (Some(shorter), i32::from(shorter > 0)));
        }
    });
}

/// An hour for cookies without an end in the folder, a day in Redis: told to live as long, they do.
#[test]
fn an_option_gives_the_target_the_life_of_the_source() {
    runtime().block_on(async {
        let migration = Migration::between(Kind::Redis, Kind::File).await;
        let id = SessionId::generate();
        let data = express_session_core::Data::new(express_session_core::Cookie::default());
        migration.from.put(&id, &data.encode()).await;
        let (url, state) = (format!("{}?ttl=1d", migration.to.url()), migration.dir.path().join("state"));
        let ran = migrate(&migration.from.url(), &url, &state, &["--json"]);
        assert_eq!((ran.code, &ran.objects()[0]["shorter"]), (0, &0.into()), "{}", ran.err);
    });
}

#[test]
fn a_second_run_finds_nothing_to_do_and_then_what_has_changed() {
    runtime().block_on(async {
        for (from, to) in [(Kind::File, Kind::Redis), (Kind::Redis, Kind::MySql), (Kind::MySql, Kind::File)] {
            let migration = Migration::between(from, to).await;
            let ids: Vec<_> = (0..40).map(|_| SessionId::generate()).collect();
            for id in &ids {
                migration.from.put(id, &document(1)).await;
            }
            are(
                &migration.counts(&["--page-size", "7"]),
                &[("sessions", 40), ("copied", 40), ("unchanged", 40)],
            );
            are(&migration.counts(&[]), &[("sessions", 40), ("unchanged", 40)]);
            assert!(migration.from.count(&ids[0]).await);
            migration.from.put(&SessionId::generate(), &document(1)).await;
            let counts = migration.counts(&[]);
            are(&counts, &[("sessions", 41), ("copied", 1), ("updated", 1), ("unchanged", 41)]);
            assert_eq!(n_of(&migration.to.get(&ids[0]).await.unwrap()), 2);
        }
    });
}

#[test]
fn what_servers_of_the_target_have_written_stays() {
    runtime().block_on(async {
        for to in KINDS {
            let migration = Migration::between(Kind::Redis, to).await;
            let (both, theirs, before) =
                (SessionId::generate(), SessionId::generate(), SessionId::generate());
            for id in [&both, &theirs, &before] {
                migration.from.put(id, &document(1)).await;
            }
            migration.to.put(&before, &document(100)).await;
            are(&migration.counts(&["--passes", "1"]), &[("sessions", 3), ("copied", 2), ("kept", 1)]);
            migration.to.put(&both, &document(200)).await;
            migration.to.put(&theirs, &document(300)).await;
            migration.from.put(&both, &document(2)).await;
            are(&migration.counts(&["--passes", "1"]), &[("sessions", 3), ("unchanged", 1), ("kept", 2)]);
            for (id, n) in [(&both, 200), (&theirs, 300), (&before, 100)] {
                assert_eq!(n_of(&migration.to.get(id).await.unwrap()), n, "{to:?}");
            }
        }
    });
}

/// Somebody logs out of the new servers while the old store still has the session, and it even changes there.
#[test]
fn a_logout_in_the_target_is_not_undone() {
    runtime().block_on(async {
        for to in KINDS {
            let migration = Migration::between(Kind::Redis, to).await;
            let (idle, used) = (SessionId::generate(), SessionId::generate());
            migration.from.put(&idle, &document(1)).await;
            migration.from.put(&used, &document(1)).await;
            assert_eq!(migration.run(&[]).0, 0);
            assert!(migration.to.destroy(&idle).await && migration.to.destroy(&used).await);
            assert!(migration.from.count(&used).await);
            are(&migration.counts(&[]), &[("sessions", 2), ("unchanged", 1), ("ended", 1)]);
            assert!(migration.to.get(&idle).await.is_none() && migration.to.get(&used).await.is_none());
        }
    });
}

#[test]
fn a_session_that_is_used_in_the_source_lives_on_in_the_target() {
    runtime().block_on(async {
        for to in KINDS {
            let migration = Migration::between(Kind::Redis, to).await;
            let id = SessionId::generate();
            migration.from.put_for(&id, &document(1), Duration::from_mins(5)).await;
            assert_eq!(migration.run(&[]).0, 0);
            assert!(migration.to.left(&id) < Duration::from_secs(302));
            // The same data, with its full life.
            migration.from.put(&id, &document(1)).await;
            are(&migration.counts(&["--passes", "1"]), &[("sessions", 1), ("updated", 1)]);
            assert!(migration.to.left(&id) > Duration::from_mins(55), "{to:?}");
        }
    });
}

#[test]
fn what_cannot_be_copied_is_named_and_counted() {
    runtime().block_on(async {
        let migration = Migration::between(Kind::Redis, Kind::File).await;
        let (fine, long) = (SessionId::generate(), SessionId::parse("path/to-a-session-0123456789").unwrap());
        migration.from.put(&fine, &document(1)).await;
        migration.from.put(&long, &document(1)).await;
        migration.from.plant("broken-session-0123", "SECRET-VALUE").await;
        let state = migration.dir.path().join("state");
        let ran = migrate(&migration.from.url(), &migration.to.url(), &state, &[]);
        assert_eq!(ran.code, 1);
        assert!(
            ran.err.contains("not copied: path/to\u{2026}: the target cannot hold its id"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("not copied: brok\u{2026}: the record is not valid JSON"), "{}", ran.err);
        for secret in ["SECRET-VALUE", long.as_str(), fine.as_str(), "broken-session"] {
            assert!(!ran.err.contains(secret) && !ran.out.contains(secret), "{} {}", ran.out, ran.err);
        }
        assert!(ran.out.contains("refused by the target"), "{}", ran.out);
        assert!(migration.to.get(&fine).await.is_some());
    });
}

#[test]
fn remove_takes_from_the_source_what_is_in_the_target() {
    runtime().block_on(async {
        for from in KINDS {
            let to = if from == Kind::MySql { Kind::Redis } else { Kind::MySql };
            let migration = Migration::between(from, to).await;
            let ids: Vec<_> = (0..30).map(|_| SessionId::generate()).collect();
            for id in &ids {
                migration.from.put(id, &document(1)).await;
            }
            assert_eq!(migration.run(&[]).0, 0);
            are(
                &migration.counts(&["--remove", "--page-size", "4"]),
                &[("sessions", 30), ("same", 30), ("removed", 30)],
            );
            assert!(run(&migration.from.url(), &["list", "--json"]).out.is_empty(), "{from:?}");
            for id in &ids {
                assert!(migration.to.get(id).await.is_some());
            }
        }
    });
}

#[test]
fn a_state_is_of_two_stores_and_a_store_is_not_migrated_into_itself() {
    runtime().block_on(async {
        let migration = Migration::between(Kind::File, Kind::Redis).await;
        assert_eq!(migration.run(&[]).0, 0);
        let (state, url) = (migration.dir.path().join("state"), migration.from.url());
        let other = Place::fresh(Kind::Redis).await;
        let ran = migrate(&url, &other.url(), &state, &[]);
        assert!(ran.code == 2 && ran.err.contains("other stores"), "{}", ran.err);
        let ran = migrate(&url, &url, &state, &[]);
        assert!(ran.code == 2 && ran.err.contains("one store"), "{}", ran.err);
    });
}
