//! Every command, on every kind of store.

use std::fs;

use express_session_core::SessionId;

use crate::ctl::{HOUR, KINDS, Kind, Place, document, run, run_with_input, runtime};

/// Runs a test on each kind of store, with so many sessions in it.
fn on_each_kind(sessions: u64, test: &impl AsyncFn(&Place, &[SessionId])) {
    runtime().block_on(async {
        for kind in KINDS {
            let place = Place::fresh(kind).await;
            let ids: Vec<_> = (0..sessions).map(|_| SessionId::generate()).collect();
            for (n, id) in ids.iter().enumerate() {
                place.put(id, &document(n as u64)).await;
            }
            test(&place, &ids).await;
        }
    });
}

#[test]
fn list_shows_every_session_and_no_credential() {
    on_each_kind(25, &async |place, ids| {
        for arguments in [&["list"][..], &["list", "--json"], &["list", "--page-size", "3"]] {
            let ran = run(&place.url(), arguments);
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert_eq!(ran.out.lines().count(), 25 + usize::from(!arguments.contains(&"--json")));
            for id in ids {
                assert!(!ran.out.contains(id.as_str()) && !ran.err.contains(id.as_str()), "{}", ran.out);
                assert!(ran.out.contains(&format!("{}\u{2026}", &id.as_str()[..8])), "{}", ran.out);
            }
            assert!(!ran.out.contains("SECRET-VALUE"), "{}", ran.out);
        }
        let listed = run(&place.url(), &["list", "--json", "--reveal"]).objects();
        let mut revealed: Vec<_> = listed.iter().map(|it| it["id"].as_str().unwrap()).collect();
        let mut expected: Vec<_> = ids.iter().map(SessionId::as_str).collect();
        revealed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(revealed, expected);
        assert!(listed.iter().all(|it| it["bytes"].as_u64() > Some(50)
            && it["expires"].is_string()
            && it["seen"].is_string()));
        assert_eq!(run(&place.url(), &["list", "--json", "--limit", "7"]).objects().len(), 7);
    });
}

#[test]
fn show_tells_keys_and_sizes_and_values_only_if_asked() {
    on_each_kind(1, &async |place, ids| {
        let id = ids[0].as_str();
        for (input, argument) in [("", id), (&*format!("{id}\n"), "-")] {
            let ran = run_with_input(&place.url(), &["show", "--", argument], input);
            assert_eq!(ran.code, 0, "{}", ran.err);
            assert!(ran.out.contains("user ") && !ran.out.contains("SECRET-VALUE"), "{}", ran.out);
            assert!(!ran.out.contains(id), "{}", ran.out);
        }
        assert!(run(&place.url(), &["show", "--data", "--", id]).out.contains("SECRET-VALUE"));
        let shown = run(&place.url(), &["show", "--json", "--", id]).objects().remove(0);
        assert_eq!((shown["sizes"]["n"].as_u64(), &shown["data"]), (Some(1), &serde_json::Value::Null));
        assert_eq!(shown["cookie"]["path"], "/");
        let shown =
            run(&place.url(), &["show", "--json", "--data", "--reveal", "--", id]).objects().remove(0);
        assert_eq!((&shown["data"]["user"], &shown["id"]), (&"SECRET-VALUE".into(), &id.into()));
        let ran = run(&place.url(), &["show", "no-such-session"]);
        assert_eq!((ran.code, &*ran.out), (1, ""));
    });
}

#[test]
fn end_takes_ids_from_arguments_a_file_and_standard_input() {
    on_each_kind(5, &async |place, ids| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ids");
        fs::write(&file, format!("{}\n\n", ids[1].as_str())).unwrap();
        let input = format!("{}\n{}\nabsent-session\n", ids[2].as_str(), ids[3].as_str());
        let arguments = ["end", "--file", file.to_str().unwrap(), "--json", "--", ids[0].as_str(), "-"];
        let ran = run_with_input(&place.url(), &arguments, &input);
        assert_eq!((ran.code, &*ran.out), (1, "{\"ended\":4,\"absent\":1}\n"), "{}", ran.err);
        for id in &ids[..4] {
            assert!(place.get(id).await.is_none(), "it is ended");
            assert!(!ran.err.contains(id.as_str()), "{}", ran.err);
        }
        assert!(place.get(&ids[4]).await.is_some(), "nobody has named it");
        assert_eq!(run(&place.url(), &["end", "--", ids[4].as_str()]).code, 0);
        assert_eq!(run(&place.url(), &["end", "abcdefgh\u{2026}"]).code, 2, "a shortened id");
        assert_eq!(run(&place.url(), &["end"]).code, 2, "no id");
    });
}

#[test]
fn verify_finds_what_cannot_be_decoded_and_leaves_it() {
    on_each_kind(20, &async |place, ids| {
        let ran = run(&place.url(), &["verify"]);
        assert_eq!((ran.code, &*ran.out), (0, "read 20, not decodable 0\n"), "{}", ran.err);
        place.plant("broken-session-0123", "{\"cookie\":null,\"user\":\"SECRET-VALUE\"}").await;
        for _ in 0..2 {
            let ran = run(&place.url(), &["verify"]);
            assert_eq!(ran.code, 1, "{}", ran.err);
            assert!(ran.out.contains("brok\u{2026}") && ran.out.contains("cookie"), "{}", ran.out);
            assert!(ran.out.ends_with("read 21, not decodable 1\n"), "{}", ran.out);
            assert!(!ran.out.contains("SECRET-VALUE") && !ran.out.contains("broken-session"), "{}", ran.out);
        }
        let objects = run(&place.url(), &["verify", "--json"]).objects();
        assert!(objects[0]["error"].is_string(), "{objects:?}");
        assert_eq!((&objects[1]["sessions"], &objects[1]["undecodable"]), (&21.into(), &1.into()));
        let listed = run(&place.url(), &["list", "--json"]).objects();
        assert_eq!((listed.len(), listed.iter().filter(|it| it["error"].is_string()).count()), (21, 1));
        assert!(place.get(&ids[0]).await.is_some());
    });
}

#[test]
fn stats_count_sessions_bytes_and_lives() {
    on_each_kind(12, &async |place, _| {
        let stats = run(&place.url(), &["stats", "--json"]).objects().remove(0);
        assert_eq!(stats["sessions"], 12);
        let counts =
            |name: &str| stats[name].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).sum::<u64>();
        assert_eq!((counts("sizes"), counts("left"), counts("unseen")), (12, 12, 12));
        assert_eq!(stats["unseen"][0], 12, "all were written in this minute");
        assert_eq!(
            stats["left"][2].as_u64().unwrap() + stats["left"][3].as_u64().unwrap(),
            12,
            "an hour, give or take a second"
        );
        let ran = run(&place.url(), &["stats"]);
        assert!(ran.out.contains("LIFE LEFT") && ran.out.contains("####"), "{}", ran.out);
    });
}

#[test]
fn sweep_removes_what_has_expired() {
    runtime().block_on(async {
        let place = Place::fresh(Kind::File).await;
        place.put(&SessionId::generate(), &document(1)).await;
        // Its last access is 1970.
        place.plant("expired", r#"{"cookie":{"originalMaxAge":1000},"__lastAccess":0}"#).await;
        let ran = run(&place.url(), &["sweep", "--json"]);
        assert_eq!((ran.code, &*ran.out), (0, "{\"removed\":1}\n"));
        let ran = run(&place.url(), &["sweep"]);
        assert_eq!((ran.code, &*ran.out), (0, "removed 0\n"));
        for kind in [Kind::Redis, Kind::MySql] {
            let place = Place::fresh(kind).await;
            place.put_for(&SessionId::generate(), &document(1), HOUR).await;
            assert_eq!(run(&place.url(), &["sweep"]).code, 0);
            assert_eq!(run(&place.url(), &["list", "--json"]).objects().len(), 1);
        }
    });
}

/// Ids are data: what is in them must not reach a terminal as it is.
#[test]
fn an_id_cannot_move_the_cursor() {
    runtime().block_on(async {
        let place = Place::fresh(Kind::Redis).await;
        let id = SessionId::parse("\u{1b}[2J\u{1b}[31m and much more to have an id of some length").unwrap();
        place.put(&id, &document(1)).await;
        let ran = run(&place.url(), &["list", "--reveal"]);
        assert!(!ran.out.contains('\u{1b}') && ran.out.contains("\\u{1b}[2J"), "{}", ran.out);
        let listed = run(&place.url(), &["list", "--reveal", "--json"]).objects();
        assert_eq!(listed[0]["id"], id.as_str());
    });
}

#[test]
fn exit_codes_tell_wrong_usage_from_a_store_that_fails() {
    let closed = express_session_testbed::free_port().unwrap();
    for (store, code) in [
        ("", 2),
        ("postgres://user:SECRET-PASSWORD@host/db", 2),
        ("redis://:SECRET-PASSWORD@host?no_such_option=1", 2),
        ("memory:", 2),
        ("file:/no/such/folder", 2),
        (&format!("redis://:SECRET-PASSWORD@127.0.0.1:{closed}"), 3),
        (&format!("mysql://user:SECRET-PASSWORD@127.0.0.1:{closed}/db"), 3),
        ("mysql://user:SECRET-PASSWORD@/x?pool_min=SECRET-PASSWORD", 3),
    ] {
        let ran = run(store, &["list"]);
        assert_eq!(ran.code, code, "{}", ran.err);
        assert!(ran.err.contains("sessionctl: "), "{}", ran.err);
        assert!(!ran.err.contains("SECRET-PASSWORD"), "{}", ran.err);
    }
    let ran = run("file:/tmp", &["list", "--no-such-option"]);
    assert_eq!(ran.code, 2);
    let ran = run("redis://:SECRET-PASSWORD@h", &["--help"]);
    assert!(ran.code == 0 && !ran.out.contains("SECRET-PASSWORD"), "help shows the environment");
}

/// Somebody who has seen enough closes the pipe.
#[test]
fn a_closed_pipe_is_the_end_and_no_failure() {
    runtime().block_on(async {
        let place = Place::fresh(Kind::Redis).await;
        for n in 0..2000 {
            place.put(&SessionId::generate(), &document(n)).await;
        }
        let mut child = crate::ctl::command(&place.url(), &["list", "--page-size", "100"]).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}
