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

/// What a request found.
pub(crate) fn loaded(outcome: &'static str) {
    counter!("session_loads_total", "outcome" => outcome).increment(1);
}

/// A step in a session's life.
pub(crate) fn happened(event: &'static str) {
    counter!("session_events_total", "event" => event).increment(1);
}

/// The end of a session.
pub(crate) fn ended(reason: &'static str) {
    counter!("session_ended_total", "reason" => reason).increment(1);
}

/// A call to the store is over; `error` is the kind of its failure.
pub(crate) fn store_call(verb: &'static str, watch: Stopwatch, error: Option<&'static str>) {
    histogram!("session_store_duration_seconds", "verb" => verb).record(watch.0.elapsed().as_secs_f64());
    if let Some(kind) = error {
        counter!("session_store_errors_total", "verb" => verb, "kind" => kind).increment(1);
    }
}

/// Whether the store is left alone for now, because it is out of order.
pub(crate) fn store_is_out_of_order(is_out_of_order: bool) {
    gauge!("session_store_out_of_order").set(f64::from(u8::from(is_out_of_order)));
}
