//! Every recorded cell of options × request × handler: status, cookie and final content of the store are
//! Node's, with as many calls to the store or fewer. Where ours differ on purpose, they differ exactly there.

mod cell;
mod compare;

use cell::Cell;
use compare::{Aspect, Check, Expected, LIKE_NODE, compare};

use express_session_testbed::vectors::are_foreign;

/// DIFFERENCE: a handler that changed the cookie of a stored session has modified it: the new lifetime is saved
/// (a `set` for Node's `touch`) and sent. `MemoryStore` shows the touched cookie either way, so the content is
/// the same; in Redis and MySQL Node's would be lost.
const COOKIE_CHANGE_COUNTS: Expected = Expected {
    reason: "a changed cookie is saved and sent",
    aspects: &[Aspect::Cookie],
    set_for_touch: true,
    saves_again: false,
    instead: Some(|cell, ours| {
        let sent = Some(("SID".to_owned(), Some(120)));
        if ours.cookie != sent || cell.node.cookie.is_some() {
            return Err(format!("the new lifetime is sent, not {:?}", ours.cookie));
        }
        Ok(())
    }),
};

fn decision(cell: &Cell) -> Expected {
    if cell.action == "cookie_maxAge" && cell.is_loaded() {
        // With `rolling` Node sends the cookie anyway, with `resave` it also saves.
        if cell.rolling {
            return Expected {
                set_for_touch: !cell.resave,
                reason: "a changed cookie is saved",
                ..LIKE_NODE
            };
        }
        return Expected { set_for_touch: !cell.resave, ..COOKIE_CHANGE_COUNTS };
    }
    LIKE_NODE
}

#[test]
fn every_cell_decides_as_node_does() {
    let seen = compare("rows", decision);
    let changed = seen.get("a changed cookie is saved and sent").copied().unwrap_or(0);
    assert!(are_foreign() || (changed > 0 && seen["like Node"] > 10 * changed), "{seen:?}");
}

/// DIFFERENCE: our session is finished before the response head is written, so the head always tells how it
/// ended. A handler that streams first leaves Node with a head about what was true then: an orphan without a
/// cookie, or a cookie for a session that is gone.
const HEAD_KNOWS_THE_END: Expected =
    Expected { reason: "the head knows how the session ended", aspects: &[Aspect::Cookie], ..LIKE_NODE };

fn streamed(cell: &Cell) -> Expected {
    let ours: Check = match &*cell.action {
        "write_modify" => {
            // The cookie that a modification before the head would have sent.
            let due = if cell.is_loaded() { cell.rolling || cell.max_age.is_some() } else { true };
            if due == cell.node.cookie.is_some() {
                return LIKE_NODE;
            }
            |_, ours| {
                ours.cookie.as_ref().map(drop).ok_or_else(|| "the modified session gets its cookie".into())
            }
        }
        "write_destroy" | "write_set_null" => {
            if cell.node.cookie.is_none() {
                return LIKE_NODE;
            }
            |_, ours| ours.cookie.as_ref().map_or(Ok(()), |_| Err("an ended session gets no cookie".into()))
        }
        "write_regenerate" => |cell, ours| {
            let stored = |(id, _): &(String, Option<i64>)| ours.docs.contains_key(id);
            let old = cell.node.cookie.as_ref().is_some_and(stored);
            let new = ours.cookie.as_ref().is_some_and(stored);
            if new && !old { Ok(()) } else { Err("the new id is sent, Node's is not stored".into()) }
        },
        _ => return LIKE_NODE,
    };
    Expected { instead: Some(ours), ..HEAD_KNOWS_THE_END }
}

#[test]
fn streamed_cells_differ_only_in_what_the_head_could_not_know() {
    let seen = compare("streamed", streamed);
    let knows = seen.contains_key("the head knows how the session ended");
    assert!(are_foreign() || (knows && seen.contains_key("like Node")), "{seen:?}");
}

/// DIFFERENCE: what could not be saved or destroyed makes the response an error without a cookie;
/// Node has promised success before it knows. The stored session is what the failed call left.
fn failed_at_the_end(cell: &Cell, content: bool) -> Expected {
    use Aspect::{Content, Cookie, Status};
    let aspects: &[Aspect] = match (!cell.node.failed, cell.node.cookie.is_some(), content) {
        (true, true, false) => &[Status, Cookie],
        (true, false, false) => &[Status],
        (false, true, false) => &[Cookie],
        (false, false, false) => &[],
        (true, true, true) => &[Status, Cookie, Content],
        (true, false, true) => &[Status, Content],
        (false, true, true) => &[Cookie, Content],
        (false, false, true) => &[Content],
    };
    Expected {
        reason: "the store's failure is the response's",
        aspects,
        instead: Some(
            |_, ours| {
                if ours.failed && ours.cookie.is_none() { Ok(()) } else { Err(format!("{ours:?}")) }
            },
        ),
        ..LIKE_NODE
    }
}

fn store_error(cell: &Cell) -> Expected {
    let last = cell.node_calls.last().map_or("", |(operation, ..)| operation);
    let calls = |operation: &str| cell.node_calls.iter().any(|(call, ..)| call == operation);
    match cell.failing() {
        // DIFFERENCE: with `unset: 'destroy'` a failed read makes Node destroy the session it could not read.
        Some("get") if last == "destroy" => Expected {
            reason: "a session that could not be read is not destroyed",
            aspects: &[Aspect::Content],
            instead: Some(|cell, ours| {
                if ours.docs.get("SID") == cell.stored().as_ref() { Ok(()) } else { Err("it stays".into()) }
            }),
            ..LIKE_NODE
        },
        // DIFFERENCE: a failed `save` is tried again at the end; Node takes it for done and touches the old record.
        // (A session that was not modified is stored already, whatever became of the save.)
        Some("set") if cell.action == "save" && cell.is_loaded() && !cell.resave => LIKE_NODE,
        Some("set") if cell.action.ends_with("save") => Expected {
            reason: "a failed save is not taken for done",
            saves_again: true,
            ..failed_at_the_end(cell, last == "touch" && cell.max_age.is_some())
        },
        Some("set") if calls("set") => failed_at_the_end(cell, false),
        // DIFFERENCE: our `save` writes the touched cookie, so there is nothing left to touch.
        Some("touch") if calls("touch") && calls("set") => Expected {
            reason: "a save is also a touch",
            aspects: if cell.max_age.is_some() { &[Aspect::Content] } else { &[] },
            ..LIKE_NODE
        },
        Some("destroy") if calls("destroy") && cell.action == "set_null" => failed_at_the_end(cell, false),
        _ => decision(cell),
    }
}

#[test]
fn store_errors_reach_the_response() {
    let seen = compare("store_errors", store_error);
    for reason in [
        "like Node",
        "the store's failure is the response's",
        "a session that could not be read is not destroyed",
        "a failed save is not taken for done",
        "a save is also a touch",
    ] {
        assert!(are_foreign() || seen.contains_key(reason), "{seen:?}");
    }
}
