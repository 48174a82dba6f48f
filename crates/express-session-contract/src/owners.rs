//! Whose a session is: an owner's sessions are found, ended and counted, on two servers that share nothing but the store.
//!
//! For stores with a list of owners; see [`owner_contract!`](crate::owner_contract).

use std::num::NonZeroU32;
use std::sync::Arc;

use express_session_core::{
    NoTimer, Owner, OwnerError, OwnerLimit, SessionError, SessionHandle, SessionManager, SessionStore as _,
};

use crate::Harness;
use crate::browser::{Browser, begin, options_on_which_logins_win};
use crate::sample::{HOUR, new_id};
use crate::watched::{Events, Watched};

pub(crate) fn owner(text: &str) -> Owner {
    Owner::new(text).expect("the owner is a short text")
}

/// Two servers on one store.
pub(crate) fn servers<H: Harness>(h: &H) -> [SessionManager; 2] {
    [(), ()].map(|()| limited(h, None))
}

fn limited<H: Harness>(h: &H, limit: Option<OwnerLimit>) -> SessionManager {
    let options = options_on_which_logins_win();
    let options = match limit {
        Some(limit) => options.owner_limit(limit),
        None => options,
    };
    let options = options.build().expect("the options are valid");
    SessionManager::with_clock(h.store().clone(), options, h.clock(), NoTimer)
}

fn by_key<H: Harness>(h: &H, key: &str) -> SessionManager {
    let options = options_on_which_logins_win().owner_key(key).build().expect("the options are valid");
    SessionManager::with_clock(h.store().clone(), options, h.clock(), NoTimer)
}

/// Logs somebody in on a new browser. A login that was ended at once is told so by the response, which has no cookie.
pub(crate) async fn log_in(server: &SessionManager, owner: &str) -> Result<Browser, SessionError> {
    let mut browser = Browser::default();
    let session = begin(server, &browser).await;
    session.regenerate().await?;
    session.set_owner(owner)?;
    session.set_label(format!("{owner}'s browser"));
    if browser.receive(session.finish().await?) { Ok(browser) } else { Err(SessionError::Gone) }
}

async fn logged_in(server: &SessionManager, owner: &str) -> Browser {
    log_in(server, owner).await.expect("the login succeeds")
}

async fn is_logged_in(server: &SessionManager, browser: &Browser) -> bool {
    !begin(server, browser).await.is_new()
}

async fn handle(server: &SessionManager, browser: &Browser) -> SessionHandle {
    begin(server, browser).await.handle()
}

/// The handles of an owner's sessions.
pub(crate) async fn listed(server: &SessionManager, of: &str) -> Vec<SessionHandle> {
    let list = server.sessions_of(owner(of)).list().await.expect("the list can be read");
    list.into_iter().map(|session| session.handle).collect()
}

/// Every session of an owner is in the list, with its label and its beginning, and nobody else's.
pub async fn the_sessions_of_an_owner_are_found<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let browsers = [logged_in(&one, "alice").await, logged_in(&other, "alice").await];
    logged_in(&one, "bob").await;
    let visitor = begin(&one, &Browser::default()).await;
    visitor.insert("cart", "book").unwrap();
    visitor.finish().await.unwrap();

    let session = begin(&other, &browsers[0]).await;
    assert_eq!(session.owner(), Some(owner("alice")));
    let list = session.sessions_of_owner().await.unwrap();
    assert_eq!(list.len(), 2, "an owner's sessions are not all in the list, or somebody else's are");
    for browser in &browsers {
        let named = handle(&one, browser).await;
        let shown = list.iter().find(|shown| shown.handle == named).expect("the session is in the list");
        assert_eq!(shown.is_current, named == session.handle());
        assert_eq!(shown.label.as_deref(), Some("alice's browser"));
        assert!(shown.created.is_some());
    }
    assert_eq!(listed(&one, "bob").await.len(), 1);
    assert_eq!(listed(&one, "nobody").await, []);
    assert!(matches!(visitor.sessions_of_owner().await, Err(SessionError::Owner(OwnerError::None))));
}

/// Owners are data: whatever stands in them, each has a list of its own.
pub async fn hostile_owners_have_lists_of_their_own<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let long = "x".repeat(Owner::MAX_LEN);
    let owners = [
        "a",
        "A",
        "a ",
        " a",
        "a\0",
        "\u{e4}",
        "a\u{308}",
        "../a",
        "a/b",
        "a\\b",
        "a*",
        "a%",
        "a_",
        "a'--",
        "a\"",
        "{a}",
        "a:b",
        "a\n",
        "\u{1f36a}",
        ".",
        "..",
        &long,
        &long[1..],
    ];
    let mut handles = Vec::new();
    for name in owners {
        let browser = logged_in(&one, name).await;
        handles.push(handle(&one, &browser).await);
    }
    for (name, handle) in owners.iter().zip(handles) {
        assert_eq!(listed(&other, name).await, [handle], "the list of {name:?}");
        assert_eq!(other.sessions_of(owner(name)).end_all().await.unwrap(), 1, "{name:?}");
        assert_eq!(listed(&one, name).await, [], "the list of {name:?}");
    }
}

/// A session is ended by its handle, and only that one.
pub async fn one_session_is_ended_by_its_handle<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let [mine, lost, bobs] =
        [logged_in(&one, "alice").await, logged_in(&one, "alice").await, logged_in(&one, "bob").await];
    let session = begin(&other, &mine).await;
    assert!(session.end_session(&handle(&one, &lost).await).await.unwrap());
    assert!(!is_logged_in(&one, &lost).await, "the session has not ended");
    assert!(is_logged_in(&one, &mine).await && is_logged_in(&one, &bobs).await);
    let somebody_elses = handle(&one, &bobs).await;
    assert!(!session.end_session(&somebody_elses).await.unwrap(), "a handle opens other owners' sessions");
    assert!(is_logged_in(&one, &bobs).await);
    assert_eq!(listed(&one, "alice").await, [session.handle()]);
}

/// "Log out everywhere else" leaves the session that asks, and other owners'.
pub async fn all_other_sessions_end<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let mine = logged_in(&one, "alice").await;
    let others = [logged_in(&one, "alice").await, logged_in(&other, "alice").await];
    let bobs = logged_in(&other, "bob").await;
    assert_eq!(begin(&other, &mine).await.end_other_sessions().await.unwrap(), 2);
    for browser in &others {
        assert!(!is_logged_in(&one, browser).await, "another session has not ended");
    }
    assert!(is_logged_in(&one, &mine).await && is_logged_in(&one, &bobs).await);
}

/// All sessions of an owner end, and a later login works as ever.
pub async fn all_sessions_of_an_owner_end<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let browsers = [logged_in(&one, "alice").await, logged_in(&other, "alice").await];
    let slow = begin(&one, &browsers[0]).await;
    assert_eq!(other.sessions_of(owner("alice")).end_all().await.unwrap(), 2);
    slow.insert("late", true).unwrap();
    assert!(
        !Browser::default().receive(slow.finish().await.unwrap()),
        "a cookie is sent for an ended session"
    );
    for browser in &browsers {
        assert!(!is_logged_in(&one, browser).await, "a session has not ended");
    }
    assert_eq!(listed(&one, "alice").await, []);
    let again = logged_in(&one, "alice").await;
    assert_eq!(listed(&one, "alice").await, [handle(&one, &again).await]);
}

/// A session that was logged out, by us or by a Node server, or that has expired, is not listed.
pub async fn an_ended_session_is_not_listed<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let browsers = [
        logged_in(&one, "alice").await,
        logged_in(&one, "alice").await,
        logged_in(&other, "alice").await,
        logged_in(&other, "alice").await,
    ];
    begin(&one, &browsers[0]).await.destroy().await.unwrap();
    let nodes = begin(&one, &browsers[1]).await.id();
    assert!(h.store().destroy(&nodes).await.unwrap());
    let left = handle(&one, &browsers[3]).await;
    let expired = begin(&one, &browsers[2]).await.id();
    // Where time passes for all sessions, the others have been used in between.
    h.age(&expired, HOUR / 2).await;
    let used = begin(&one, &browsers[3]).await;
    used.touch();
    used.finish().await.unwrap();
    h.age(&expired, HOUR / 2 + HOUR / 60).await;
    assert_eq!(
        listed(&one, "alice").await,
        [left],
        "a session is listed that is not there, or one is missing"
    );
    assert_eq!(one.sessions_of(owner("alice")).end_all().await.unwrap(), 1);
}

/// A session that gets a new id stays its owner's, under that id alone; one that makes way for an empty one does not.
pub async fn a_session_is_listed_under_its_new_id<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let mut browser = logged_in(&one, "alice").await;
    let session = begin(&other, &browser).await;
    let old = session.handle();
    session.renew();
    assert!(browser.receive(session.finish().await.unwrap()));
    let new = handle(&one, &browser).await;
    assert_ne!(old, new);
    assert_eq!(listed(&one, "alice").await, [new]);

    let session = begin(&other, &browser).await;
    session.regenerate().await.unwrap();
    assert_eq!(session.owner(), None);
    session.insert("cart", "book").unwrap();
    session.finish().await.unwrap();
    assert_eq!(listed(&one, "alice").await, []);
}

/// A session that another user logs in to, or that is nobody's any more, changes lists.
pub async fn a_session_is_its_newest_owners<H: Harness>(h: &H) {
    let [one, other] = servers(h);
    let browser = logged_in(&one, "alice").await;
    let session = begin(&other, &browser).await;
    session.set_owner("bob").unwrap();
    session.finish().await.unwrap();
    assert_eq!(listed(&one, "alice").await, []);
    assert_eq!(listed(&one, "bob").await, [session.handle()]);
    assert_eq!(one.sessions_of(owner("alice")).end_all().await.unwrap(), 0);
    assert!(is_logged_in(&one, &browser).await, "the former owner's session ended");

    let session = begin(&other, &browser).await;
    session.remove_owner();
    session.finish().await.unwrap();
    assert_eq!(listed(&one, "bob").await, []);
    assert!(is_logged_in(&one, &browser).await);
}

/// A login on a Node server is known from the first request on that we see; so are its logout and a change of users.
pub async fn what_node_wrote_belongs_to_its_owner<H: Harness>(h: &H) {
    let one = by_key(h, "user.id");
    let id = new_id();
    let browser = Browser::with_id(&one, &id);
    let put = async |members: &str| {
        let text = format!(r#"{{"cookie":{{"originalMaxAge":null,"httpOnly":true,"path":"/"}}{members}}}"#);
        h.put_raw(&id, text.as_bytes()).await;
    };
    let visit = async || {
        let session = begin(&one, &browser).await;
        assert!(!session.is_new());
        session.finish().await.expect("the request ends well");
        session.handle()
    };
    put(r#","user":{"id":42,"name":"alice"}"#).await;
    let handle = visit().await;
    assert_eq!(listed(&one, "42").await, [handle]);

    put(r#","user":{"id":43},"__owner":"42""#).await;
    visit().await;
    assert_eq!(listed(&one, "42").await, []);
    assert_eq!(listed(&one, "43").await, [handle]);

    put(r#","__owner":"43""#).await;
    visit().await;
    assert_eq!(listed(&one, "43").await, []);

    let session = begin(&one, &browser).await;
    assert_eq!(session.set_owner("44"), Err(OwnerError::ByKey));
    session.insert("user", std::collections::BTreeMap::from([("id", "x")])).unwrap();
    session.finish().await.unwrap();
    assert_eq!(listed(&one, "x").await, [handle], "what we write belongs to its owner too");
    assert_eq!(one.sessions_of(owner("x")).end_all().await.unwrap(), 1);
    assert!(begin(&one, &browser).await.is_new());
}

/// Whoever ends all sessions of an owner while they log in ends every one that was written before the end.
pub async fn an_end_of_all_wins_over_logins_under_way<H: Harness>(h: &H) {
    for _ in 0..H::SCALE.races.min(20) {
        let events = Arc::new(Events::default());
        let servers = [(), ()].map(|()| {
            let store = Watched { store: h.store().clone(), events: Arc::clone(&events) };
            let options = options_on_which_logins_win().build().expect("the options are valid");
            SessionManager::with_clock(store, options, h.clock(), NoTimer)
        });
        let logins: Vec<_> = (0..64)
            .map(|number| {
                let server = servers[number % 2].clone();
                tokio::spawn(async move { log_in(&server, "alice").await })
            })
            .collect();
        tokio::task::yield_now().await;
        servers[0].sessions_of(owner("alice")).end_all().await.expect("the sessions end");
        let written_before = events.written_before_the_last_look();
        for login in logins {
            match login.await.expect("the login does not panic") {
                Err(SessionError::Gone) => {}
                Err(error) => panic!("the login failed: {error:?}"),
                Ok(browser) => {
                    let session = begin(&servers[1], &browser).await;
                    assert!(
                        session.is_new() || !written_before.contains(&session.id()),
                        "a session survives that was written before its owner's sessions had ended"
                    );
                }
            }
        }
        servers[1].sessions_of(owner("alice")).end_all().await.expect("the sessions end");
        assert_eq!(listed(&servers[0], "alice").await, [], "sessions are left");
    }
}

/// With a limit the oldest make place, whichever server the login comes to, also if many come at once.
pub async fn the_oldest_session_makes_place<H: Harness>(h: &H) {
    let three = NonZeroU32::new(3).expect("not zero");
    let servers = [(), ()].map(|()| limited(h, Some(OwnerLimit::EndOldest(three))));
    let mut browsers = Vec::new();
    for number in 0..5 {
        browsers.push(logged_in(&servers[number % 2], "alice").await);
        h.pass_a_moment().await;
    }
    for (number, browser) in browsers.iter().enumerate() {
        assert_eq!(is_logged_in(&servers[0], browser).await, number >= 2, "login number {number}");
    }
    let logins: Vec<_> = (0..16)
        .map(|number| {
            let server = servers[number % 2].clone();
            tokio::spawn(async move { log_in(&server, "alice").await })
        })
        .collect();
    for login in logins {
        match login.await.expect("the login does not panic") {
            Ok(_) | Err(SessionError::Gone) => {}
            Err(error) => panic!("the login failed: {error:?}"),
        }
    }
    let left = listed(&servers[0], "alice").await.len();
    assert!(left <= 3, "{left} sessions are left, 3 are allowed");
    logged_in(&servers[0], "alice").await;
}

/// With a limit that refuses, those who are there stay, and nothing is stored for who comes too late.
pub async fn a_login_too_many_is_refused<H: Harness>(h: &H) {
    let two = NonZeroU32::new(2).expect("not zero");
    let servers = [(), ()].map(|()| limited(h, Some(OwnerLimit::Refuse(two))));
    let browsers = [logged_in(&servers[0], "alice").await, logged_in(&servers[1], "alice").await];
    let refused = log_in(&servers[0], "alice").await.err().expect("a third login is refused");
    assert!(matches!(refused, SessionError::TooManySessions(most) if most == two), "{refused:?}");
    assert_eq!(listed(&servers[0], "alice").await.len(), 2);
    assert!(is_logged_in(&servers[1], &browsers[0]).await);
    logged_in(&servers[0], "bob").await;

    // Another id for the same session is no further one.
    let session = begin(&servers[0], &browsers[1]).await;
    session.renew();
    session.finish().await.expect("a session of an owner can be renewed at the limit");

    begin(&servers[1], &browsers[0]).await.destroy().await.unwrap();
    logged_in(&servers[0], "alice").await;

    let logins: Vec<_> = (0..16)
        .map(|number| {
            let server = servers[number % 2].clone();
            tokio::spawn(async move { log_in(&server, "carol").await.is_ok() })
        })
        .collect();
    let mut answered = 0;
    for login in logins {
        answered += usize::from(login.await.expect("the login does not panic"));
    }
    let left = listed(&servers[0], "carol").await.len();
    assert!(
        left == answered && left <= 2,
        "{answered} logins succeeded, {left} sessions are left, 2 are allowed"
    );
}
