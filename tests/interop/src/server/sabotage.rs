//! Deliberate bugs, to show that the lab catches them. They exist in this crate only.

use std::sync::Arc;

use express_session_core::{Clock, Data, Document, ManualClock, UnixMillis};

/// A bug to put into the Rust server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(clippy::exhaustive_enums, reason = "the lab knows these")]
pub enum Sabotage {
    /// A touch says it is done and does nothing.
    Touch,
    /// Keys are written in reverse order.
    KeyOrder,
    /// `originalMaxAge` is not written.
    OriginalMaxAge,
    /// Instants are cut to whole seconds.
    Rounding,
    /// Destroying says it is done and does nothing.
    Destroy,
    /// What others have written or destroyed meanwhile is overwritten.
    Overwrite,
    /// `unset: 'destroy'` is forgotten when `rolling` is on.
    Unset,
    /// `save()` of a session that was stored and has a lifetime says it is done and does nothing.
    Save,
    /// The third secret is forgotten.
    ThirdSecret,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Touch,
        Self::KeyOrder,
        Self::OriginalMaxAge,
        Self::Rounding,
        Self::Destroy,
        Self::Overwrite,
        Self::Unset,
        Self::Save,
        Self::ThirdSecret,
    ];
}

/// The driver's clock; with [`Sabotage::Rounding`], cut to whole seconds.
#[derive(Clone, Debug)]
pub(super) struct RoundedClock {
    clock: Arc<ManualClock>,
    cut: bool,
}

impl RoundedClock {
    pub(super) fn new(clock: Arc<ManualClock>, sabotage: Option<Sabotage>) -> Self {
        Self { clock, cut: sabotage == Some(Sabotage::Rounding) }
    }
}

impl Clock for RoundedClock {
    fn now(&self) -> UnixMillis {
        let UnixMillis(now) = self.clock.now();
        UnixMillis(if self.cut { now - now.rem_euclid(1000) } else { now })
    }
}

/// The document as a bug writes it.
pub(super) fn spoiled(document: &Document, sabotage: Option<Sabotage>) -> Document {
    match sabotage {
        Some(Sabotage::OriginalMaxAge) => {
            let mut data = Data::of(document.clone());
            // Nothing but a lifetime that is no number is refused.
            let _ = data.cookie_mut().assign("originalMaxAge", None, UnixMillis(0));
            data.encode()
        }
        Some(Sabotage::KeyOrder) => {
            let mut data = Data::new(document.cookie().clone());
            let entries: Vec<_> = document.entries().collect();
            for (key, text) in entries.into_iter().rev() {
                // Both were in a document before.
                let _ = data.insert_raw(&key, text);
            }
            data.encode()
        }
        // The rest are elsewhere: in the clock, in the options, in the verbs of the store, in the operations.
        None
        | Some(
            Sabotage::Touch
            | Sabotage::Rounding
            | Sabotage::Destroy
            | Sabotage::Overwrite
            | Sabotage::Unset
            | Sabotage::Save
            | Sabotage::ThirdSecret,
        ) => document.clone(),
    }
}
