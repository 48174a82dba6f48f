//! A history as text: a line for each thing that happened.

use std::fmt::Write as _;

use crate::history::{Line, What};
use crate::oracle::Members;
use crate::plan::Plan;
use crate::world::Fault;

/// The plan, and what came of it.
pub(crate) fn text(plan: &Plan, lines: &[Line]) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(text, "seed {}; {:?}", plan.seed, plan.setup);
    let _ = writeln!(text, "faults of a thousand: {:?}", plan.faults);
    for (number, server) in plan.servers.iter().enumerate() {
        let _ = writeln!(text, "server {number}: {server:?}");
    }
    for event in &plan.events {
        let _ = writeln!(text, "{event:?}");
    }
    for request in &plan.requests {
        let hangs_up = request
            .hangs_up_after
            .map_or_else(String::new, |polls| format!(", hangs up after {polls} steps"));
        let _ = writeln!(
            text,
            "request {}: browser {} to server {} at {} ms, {:?}{hangs_up}",
            request.number, request.browser, request.server, request.at, request.ops
        );
    }
    text.push('\n');
    for Line { at, actor, what } in lines {
        let who = if *actor == 0 || *actor >= 1_000_000 { String::new() } else { format!("request {actor}") };
        let _ = writeln!(text, "{:>10.3} ms  {who:<11} {}", ms(*at), said(what));
    }
    text
}

#[allow(clippy::cast_precision_loss, reason = "shown to people; runs last minutes")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// One line, in words.
pub(crate) fn said(what: &What) -> String {
    let on = |session: &Option<usize>| session.map_or_else(String::new, |number| format!(" S{number}"));
    match what {
        What::Arrives { server, cookie, sees } => {
            let cookie =
                cookie.map_or_else(|| "no cookie".to_owned(), |number| format!("the cookie of S{number}"));
            format!("begins on server {server} with {cookie}, sees {}", members(sees))
        }
        What::Does(op) => format!("{op:?} ..."),
        What::Did(op, outcome) => format!("{op:?}: {outcome}"),
        What::Sent { verb, session, fault } => {
            let fault = match fault {
                None => "",
                Some(Fault::Slow) => "   (it will be slow)",
                Some(Fault::Lost) => "   (it will be lost)",
                Some(Fault::Unanswered) => "   (its answer will be lost)",
                Some(Fault::Cut) => "   (the connection will break before the answer)",
                Some(Fault::Refused) => "   (it will be refused)",
                Some(Fault::Doubled) => "   (it will come twice)",
            };
            format!("    -> {verb}{}{fault}", on(session))
        }
        What::Committed { verb, session, text } => {
            let text = match (session, text) {
                (None, _) => String::new(),
                (Some(_), None) => ": nothing there now".to_owned(),
                (Some(_), Some(text)) => format!(": {} now", members(text)),
            };
            format!("    == {verb}{}{text}", on(session))
        }
        What::Answered { verb, session, said } => format!("    <- {verb}{}: {said}", on(session)),
        What::Response { status, cookie } => {
            let cookie = cookie.map_or_else(String::new, |number| format!(", Set-Cookie of S{number}"));
            format!("is answered {status}{cookie}")
        }
        What::Happened(what) => format!("*** {what}"),
        What::Broken(violation) => format!("!!! {}: {}", violation.promise, violation.what),
    }
}

fn members(members: &Members) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{{{}}}", members.join(" "))
}
