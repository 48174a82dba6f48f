//! Runs a script step by step in all spaces and shows what is observed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::track::Track;
use super::{Lab, START};
use crate::client::Answer;
use crate::config::{OptionSet, Space};
use crate::cookies::session_id;
use crate::mismatch::{OURS, Observation, Observed};
use crate::script::{Script, Side, Step};

/// What came of a step in one space: an answer if it was a request, an error if there was none.
pub(super) type Answered = Result<Option<Answer>, String>;

impl Lab {
    /// Runs a script everywhere and shows what is observed after each step, by space; goes on while told to. An
    /// overlap is shown twice: when the quick request has ended, whose answer is all that is looked at then, and at
    /// its end.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn watch(
        &mut self,
        script: &Script,
        mut look: impl FnMut(usize, &Observed) -> bool,
    ) -> Result<()> {
        let mut now = START;
        let options = self.option_sets.get(script.set).context("no such option set")?.clone();
        let set = (script.set, &options);
        for space in self.spaces() {
            self.probe.reset(*space, script.set, now).await?;
        }
        let mut tracks: Vec<Track> = self.spaces().iter().map(|space| Track::new(*space)).collect();
        for (index, step) in script.steps.iter().enumerate() {
            let mut ours = None;
            let answers: Vec<Answered> = match step {
                Step::Wait { .. } | Step::WaitForEnd { .. } | Step::Plant { .. } => {
                    now = self.other_step(step, set, now, &tracks).await?;
                    for track in &mut tracks {
                        track.look(&mut self.probe, set, now).await?;
                    }
                    vec![Ok(None); tracks.len()]
                }
                Step::Request(request) => {
                    let (answers, known) = self.request(set, index, request, now, &mut tracks).await?;
                    ours = known;
                    answers
                }
                Step::Overlap { held, quick } => {
                    let (first, answers, known) =
                        self.overlap(set, index, (held, quick), now, &mut tracks).await?;
                    if !look(index, &observed(&tracks, first, None, false)) {
                        return Ok(());
                    }
                    ours = known;
                    answers
                }
            };
            if !look(index, &observed(&tracks, answers, ours.clone(), true)) {
                return Ok(());
            }
            if let Some(ours) = ours {
                self.follow(&mut tracks, step, set, &ours, now).await?;
            }
        }
        Ok(())
    }

    /// A step that is no request; what time it is then.
    async fn other_step(
        &mut self,
        step: &Step,
        (set, options): (usize, &OptionSet),
        mut now: i64,
        tracks: &[Track],
    ) -> Result<i64> {
        match step {
            Step::Wait { ms } => now += ms,
            Step::WaitForEnd { session, offset } => {
                let stored = tracks.first().map(|track| &track.stored);
                let ends: Vec<i64> =
                    stored.into_iter().flatten().filter_map(|(_, entry)| entry.ends).collect();
                if let Some(end) = ends.get(session % ends.len().max(1)) {
                    now = now.max(end + offset);
                }
            }
            Step::Plant { client, document } => {
                for track in tracks {
                    let jar = track.jars.get(*client).context("no such client")?;
                    if let Some(id) = jar.current(options.cookie_name()).and_then(session_id) {
                        self.probe.plant(track.space, set, &id, document, now).await?;
                    }
                }
                return Ok(now);
            }
            Step::Request(_) | Step::Overlap { .. } => anyhow::bail!("a request"),
        }
        for track in tracks {
            self.probe.time_passed(track.space, now).await?;
        }
        Ok(now)
    }

    /// The spaces where Node had the last word go on from where ours is.
    async fn follow(
        &mut self,
        tracks: &mut [Track],
        step: &Step,
        set: (usize, &OptionSet),
        ours: &Observation,
        now: i64,
    ) -> Result<()> {
        let rust = tracks.iter().find(|track| track.space == Space::Rust).context("Rust alone")?;
        let jars = rust.jars.clone();
        for track in tracks {
            if track.space == Space::Node || (track.space == Space::Mixed && step.side() == Side::Node) {
                track.follow((&jars, &ours.stored), &mut self.probe, set, now).await?;
            }
        }
        Ok(())
    }
}

/// What was observed, by space.
fn observed(
    tracks: &[Track],
    answers: Vec<Answered>,
    ours: Option<Observation>,
    looks_at_store: bool,
) -> Observed {
    let stored = |track: &Track| if looks_at_store { track.stored.clone() } else { BTreeMap::new() };
    let mut all: Observed = (tracks.iter().zip(answers))
        .map(|(track, answer)| {
            (track.space.name(), answer.map(|answer| Observation { answer, stored: stored(track) }))
        })
        .collect();
    if let Some(ours) = ours {
        all.insert(OURS, Ok(ours));
    }
    all
}
