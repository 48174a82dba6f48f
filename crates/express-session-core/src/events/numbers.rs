//! The same as numbers, by the `metrics` facade.
//!
//! Names end as Prometheus has it: `_total` for counters, the unit for everything else.

use std::time::Instant;

use metrics::{counter, gauge, histogram};

/// When a call to the store began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        #[allow(
            clippy::disallowed_methods,
            reason = "a measurement of this machine, which no session depends on"
        )]
        Self(Instant::now())
    }
}

/// `$macro!(name, label => value)`. For the values that are listed the key is a constant, which needs no memory; others are
/// as right.
macro_rules! labelled {
    ($macro:ident, $name:literal, $label:literal => $value:expr, [$($word:literal)*]) => {
        match $value {
            $($word => $macro!($name, $label => $word),)*
            other => $macro!($name, $label => other),
        }
    };
}

/// What a request found.
pub(crate) fn loaded(outcome: &'static str) {
    labelled!(counter, "session_loads_total", "outcome" => outcome, ["found" "missing" "no_cookie" "corrupt"]).increment(1);
}

/// A step in a session's life.
pub(crate) fn happened(event: &'static str) {
    labelled!(counter, "session_events_total", "event" => event, ["created" "renewed" "gone" "conflict" "refused"]).increment(1);
}

/// The end of a session.
pub(crate) fn ended(reason: &'static str) {
    labelled!(counter, "session_ended_total", "reason" => reason, ["destroyed" "regenerated" "by_owner"])
        .increment(1);
}

/// A call to the store is over; `error` is the kind of its failure.
pub(crate) fn store_call(verb: &'static str, watch: Stopwatch, error: Option<&'static str>) {
    let seconds = watch.0.elapsed().as_secs_f64();
    labelled!(
        histogram,
        "session_store_duration_seconds",
        "verb" => verb,
        ["get" "get_and_touch" "set" "touch" "destroy" "supersede" "successor" "owners"]
    )
    .record(seconds);
    if let Some(kind) = error {
        counter!("session_store_errors_total", "verb" => verb, "kind" => kind).increment(1);
    }
}

/// Whether the store is left alone for now, because it is out of order.
pub(crate) fn store_is_out_of_order(is_out_of_order: bool) {
    gauge!("session_store_out_of_order").set(f64::from(u8::from(is_out_of_order)));
}
