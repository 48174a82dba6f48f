//! Two requests at a time: one waits at its gate until the other has its answer.

use std::pin::pin;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select};
use serde_json::json;

use super::Lab;
use super::requests::serves;
use super::track::Track;
use super::watch::Answered;
use crate::config::{OptionSet, Space};
use crate::expected::{Stages, after_overlap};
use crate::mismatch::Observation;
use crate::script::{Request, Side};

impl Lab {
    /// The answers of the quick request and of the one that was held, by space, and what ours must show in the end if that
    /// is not what Node shows.
    pub(super) async fn overlap(
        &mut self,
        set: (usize, &OptionSet),
        index: usize,
        (held, quick): (&Request, &Request),
        now: i64,
        tracks: &mut [Track],
    ) -> Result<(Vec<Answered>, Vec<Answered>, Option<Observation>)> {
        let ids = (format!("t{index}h"), format!("t{index}q"));
        let (mut quick_answers, mut held_answers): (Vec<Answered>, Vec<Answered>) = Default::default();
        let mut ours = None;
        for track in tracks {
            // What ours must show follows from what Node alone has stored on the way.
            let is_node = track.space == Space::Node;
            let side = serves(track.space, held);
            let client = self.client.clone();
            self.close_gate(side, now).await?;
            let mut first = pin!(client.call(self.prepare(set, &ids.0, held, now, track)?));
            // A request that never comes to its gate has ended.
            let early = match select(first.as_mut(), pin!(self.at_gate(side, now))).await {
                Either::Left((answer, at_gate)) => {
                    self.open_gate(side, now).await?;
                    at_gate.await?;
                    Some(answer)
                }
                Either::Right((reached, _)) => reached.map(|()| None)?,
            };
            let mut stages = Stages::default();
            if is_node {
                stages.held = track.look(&mut self.probe, set, now).await?.clone();
            }
            let second = client.call(self.prepare(set, &ids.1, quick, now, track)?).await;
            if is_node {
                stages.quick = track.look(&mut self.probe, set, now).await?.clone();
            }
            let overlaps = early.is_none();
            let first = if let Some(answer) = early {
                answer
            } else {
                self.open_gate(side, now).await?;
                first.await
            };
            track.keep(quick, &second, now);
            track.keep(held, &first, now);
            let stored = track.look(&mut self.probe, set, now).await?.clone();
            if let (true, true, Ok(answer)) = (is_node, overlaps, &first) {
                let node = Observation { answer: Some(answer.clone()), stored };
                ours = after_overlap(set.1, held, &stages, &node);
            }
            quick_answers.push(second.map(Some));
            held_answers.push(first.map(Some));
        }
        Ok((quick_answers, held_answers, ours))
    }

    async fn close_gate(&self, side: Side, now: i64) -> Result<()> {
        match side {
            Side::Node => self.at_node("close", now).await,
            Side::Rust => {
                self.rust.gate.close();
                Ok(())
            }
        }
    }

    /// The held request has come to its gate.
    async fn at_gate(&self, side: Side, now: i64) -> Result<()> {
        match side {
            Side::Node => self.at_node("reached", now).await,
            Side::Rust => {
                self.rust.gate.reached().await;
                Ok(())
            }
        }
    }

    async fn open_gate(&self, side: Side, now: i64) -> Result<()> {
        match side {
            Side::Node => self.at_node("open", now).await,
            Side::Rust => {
                self.rust.gate.open();
                Ok(())
            }
        }
    }

    async fn at_node(&self, verb: &str, now: i64) -> Result<()> {
        let done = self.client.control(self.node.port, verb, &json!({}), now).await;
        done.map(drop).context("the gate of the Node server")
    }
}
