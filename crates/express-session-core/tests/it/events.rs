//! What the log says of sessions: enough to answer "why was I logged out", and nothing that opens one.

use express_session_core::SessionId;

use crate::support::log::{log_in_detail_of, log_of};
use crate::support::now_or_never;
use crate::support::options::{manager, quiet};
use crate::support::request::Head;
use crate::support::spy::Spy;

const RECORD: &str = r#"{"cookie":{"originalMaxAge":null,"expires":null},"user":"alice"}"#;

/// A visitor who logs in, puts something into the session, and logs out while another request is at work.
fn a_life(spy: &Spy) {
    now_or_never(async {
        let manager = manager(quiet(), spy).unwrap();
        let session = manager.begin(&Head::new().with_session("OLD")).await.unwrap().unwrap();
        session.regenerate().await.unwrap();
        session.insert("user", "alice").unwrap();
        session.finish().await.unwrap();

        let known = Head::new().with_session("N1");
        let renewing = manager.begin(&known).await.unwrap().unwrap();
        renewing.renew();
        renewing.finish().await.unwrap();

        let known = Head::new().with_session("N2");
        let slow = manager.begin(&known).await.unwrap().unwrap();
        let other = manager.begin(&known).await.unwrap().unwrap();
        other.insert("cart", "book").unwrap();
        other.finish().await.unwrap();
        slow.insert("slow", 1).unwrap();
        slow.save().await.unwrap();
        other.destroy().await.unwrap();
        slow.insert("slow", 2).unwrap();
        slow.finish().await.unwrap();
        manager.begin(&known).await.unwrap().unwrap();
    });
}

#[test]
fn the_log_tells_the_life_of_a_session() {
    let spy = Spy::new().with("OLD", RECORD);
    let handles = manager(quiet(), &spy).unwrap();
    let handle = |id: &str| handles.handle(&SessionId::parse(id).unwrap());
    let log = log_in_detail_of(|| a_life(&spy));
    let told: Vec<&str> =
        log.iter().filter_map(|line| line.split_once("express_session: ")).map(|it| it.1).collect();
    let expected = [
        format!("session ended session={} reason=\"regenerated\"", handle("OLD")),
        format!("session created session={}", handle("N1")),
        format!("session renewed session={} before={}", handle("N2"), handle("N1")),
        format!("session conflict: merged, and written again session={}", handle("N2")),
        format!("session ended session={} reason=\"destroyed\"", handle("N2")),
        format!("session not saved: it has ended while the request was at work session={}", handle("N2")),
        format!("session not found: it has expired or was ended session={}", handle("N2")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn nothing_in_the_log_opens_a_session_or_shows_what_is_in_it() {
    let log = log_in_detail_of(|| a_life(&Spy::new().with("OLD", RECORD))).join("\n");
    for secret in ["alice", "book", "N1", "N2", "OLD", "user", "cart"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn what_is_ordinary_is_for_those_who_ask_for_it() {
    let log = log_of(|| a_life(&Spy::new().with("OLD", RECORD)));
    assert!(!log.iter().any(|line| line.contains("conflict") || line.contains("not found")), "{log:?}");
    assert_eq!(log.len(), 5, "{log:?}");
}

#[cfg(feature = "metrics")]
mod numbers {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;

    /// All counters, as `name{label=value} number`; histograms as `name{label=value} count`.
    fn counted(work: impl FnOnce()) -> Vec<String> {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, work);
        let mut lines: Vec<String> = snapshotter
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let labels: Vec<_> =
                    key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
                let number = match value {
                    DebugValue::Counter(number) => number.to_string(),
                    DebugValue::Gauge(number) => number.to_string(),
                    DebugValue::Histogram(values) => values.len().to_string(),
                };
                format!("{}{{{}}} {number}", key.key().name(), labels.join(","))
            })
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn every_step_is_counted() {
        let lines = counted(|| a_life(&Spy::new().with("OLD", RECORD)));
        assert_eq!(
            lines,
            [
                "session_ended_total{reason=destroyed} 1",
                "session_ended_total{reason=regenerated} 1",
                "session_events_total{event=conflict} 1",
                "session_events_total{event=created} 1",
                "session_events_total{event=gone} 1",
                "session_events_total{event=renewed} 1",
                "session_loads_total{outcome=found} 4",
                "session_loads_total{outcome=missing} 1",
                "session_store_duration_seconds{verb=destroy} 2",
                "session_store_duration_seconds{verb=get_and_touch} 5",
                "session_store_duration_seconds{verb=set} 6",
                "session_store_duration_seconds{verb=supersede} 1",
            ]
        );
    }

    #[test]
    fn failures_of_the_store_are_counted_by_kind() {
        let spy = Spy::new().with("SID", RECORD).failing("get");
        let lines = counted(|| {
            now_or_never(async {
                let manager = manager(quiet(), &spy).unwrap();
                for _ in 0..6 {
                    assert!(manager.begin(&Head::new().with_session("SID")).await.is_err());
                }
            });
        });
        assert!(
            lines.iter().any(|line| line == "session_store_errors_total{verb=get_and_touch,kind=backend} 6"),
            "{lines:?}"
        );
    }
}
