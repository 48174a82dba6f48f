//! Short forms of the outcomes tests expect.

use express_session_core::{Revision, SetOutcome, Stored};

pub(crate) fn written(outcome: SetOutcome) -> Revision {
    match outcome {
        SetOutcome::Written(revision) => revision,
        other => panic!("expected Written, got {other:?}"),
    }
}

pub(crate) fn conflict(outcome: SetOutcome) -> Stored {
    match outcome {
        SetOutcome::Conflict(stored) => *stored,
        other => panic!("expected Conflict, got {other:?}"),
    }
}

pub(crate) fn assert_gone(outcome: &SetOutcome) {
    assert!(matches!(outcome, SetOutcome::Gone), "expected Gone, got {outcome:?}");
}
