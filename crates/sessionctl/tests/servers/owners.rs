//! Whose sessions: counted, listed, ended and put on their lists again, on every kind of store.

use express_session_core::{Data, Document, SessionId};

use crate::ctl::{KINDS, Place, document, run, runtime};

fn owned_by(owner: &str, n: u64) -> Document {
    let text = document(n).text().to_owned();
    let members =
        format!(r#","__owner":"{owner}","__label":"Firefox \u001b[31m","__createdAt":1764000000000}}"#);
    let text = format!("{}{members}", text.strip_suffix('}').unwrap());
    Data::of(Document::parse(text).unwrap().unwrap()).encode()
}

/// Two sessions of alice, one of bob, one of nobody.
async fn people(place: &Place) -> [SessionId; 4] {
    let ids = [(); 4].map(|()| SessionId::generate());
    for (n, (id, owner)) in ids.iter().zip(["alice", "alice", "bob"]).enumerate() {
        place.put(id, &owned_by(owner, n as u64)).await;
    }
    place.put(&ids[3], &document(3)).await;
    ids
}

#[test]
fn owners_are_counted_listed_and_logged_out() {
    runtime().block_on(async {
        for kind in KINDS {
            let place = Place::fresh(kind).await;
            let ids = people(&place).await;
            let counted = run(&place.url(), &["owners", "--json"]);
            assert_eq!(
                counted.out, "{\"owner\":\"alice\",\"sessions\":2}\n{\"owner\":\"bob\",\"sessions\":1}\n",
                "{}",
                counted.err
            );
            assert_eq!(run(&place.url(), &["owners", "--limit", "1"]).out.lines().count(), 2);

            // They were written by nobody who keeps lists.
            let reindexed = run(&place.url(), &["reindex", "--json"]);
            assert_eq!(reindexed.out, "{\"sessions\":4,\"owned\":3,\"ending\":0}\n", "{}", reindexed.err);
            let listed = run(&place.url(), &["owners", "alice"]);
            assert_eq!((listed.code, listed.out.lines().count()), (0, 3), "{}{}", listed.out, listed.err);
            assert!(
                listed.out.contains("2025-11-24T16:00:00Z") && listed.out.contains("Firefox"),
                "{}",
                listed.out
            );
            assert!(!listed.out.contains('\u{1b}') && ids.iter().all(|id| !listed.out.contains(id.as_str())));
            let revealed = run(&place.url(), &["owners", "bob", "--json", "--reveal"]).objects();
            assert_eq!(revealed[0]["id"], ids[2].as_str());

            let ended = run(&place.url(), &["end", "--owner", "alice"]);
            assert_eq!((ended.code, &*ended.out), (0, "ended 2, not there 0\n"), "{}", ended.err);
            assert!(place.get(&ids[0]).await.is_none() && place.get(&ids[1]).await.is_none());
            assert!(place.get(&ids[2]).await.is_some() && place.get(&ids[3]).await.is_some());
            assert_eq!(run(&place.url(), &["owners", "alice"]).code, 1, "there is none any more");
        }
    });
}

#[test]
fn an_owner_that_cannot_be_one_is_refused() {
    runtime().block_on(async {
        let place = Place::fresh(KINDS[0]).await;
        let long = "x".repeat(256);
        for owner in ["", &long] {
            let ran = run(&place.url(), &["end", "--owner", owner]);
            assert!(ran.code == 2 && ran.err.contains("owner"), "{}", ran.err);
        }
        assert_eq!(run(&place.url(), &["end", "--owner", "alice", "some-id"]).code, 2);
    });
}
