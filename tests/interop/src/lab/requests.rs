//! One request at a time, in all spaces.

use anyhow::{Context as _, Result};
use futures_util::future::join;
use serde_json::json;

use super::Lab;
use super::track::Track;
use super::watch::Answered;
use crate::client::Call;
use crate::config::{OptionSet, Space};
use crate::cookies::cookie_header;
use crate::expected::{Notes, after_request, may_differ};
use crate::mismatch::Observation;
use crate::script::{Request, Side};

impl Lab {
    /// The answers by space, and what ours must show if that is not what Node shows.
    pub(super) async fn request(
        &mut self,
        set: (usize, &OptionSet),
        index: usize,
        request: &Request,
        now: i64,
        tracks: &mut [Track],
    ) -> Result<(Vec<Answered>, Option<Observation>)> {
        let id = format!("t{index}");
        let mut calls = Vec::new();
        for track in tracks.iter() {
            calls.push(self.prepare(set, &id, request, now, track)?);
        }
        // Node alone and Rust alone at the same time; a server never gets two requests at once.
        let mut calls = calls.into_iter();
        let (first, second) = (calls.next().context("Node alone")?, calls.next().context("Rust alone")?);
        let (first, second) = join(self.client.call(first), self.client.call(second)).await;
        let notes = if may_differ(set.1, request) { self.notes(now).await? } else { Notes::default() };
        let mut answers = vec![first, second];
        for call in calls {
            answers.push(self.client.call(call).await);
        }
        for (track, answer) in tracks.iter_mut().zip(&answers) {
            track.keep(request, answer, now);
            track.look(&mut self.probe, set, now).await?;
        }
        let ours = match (tracks.first(), answers.first()) {
            (Some(track), Some(Ok(answer))) => {
                let node = Observation { answer: Some(answer.clone()), stored: track.stored.clone() };
                after_request(self.store, set.1, request, &node, &notes)
            }
            _ => None,
        };
        Ok((answers.into_iter().map(|answer| answer.map(Some)).collect(), ours))
    }

    /// What Node says about the last request that it has answered.
    async fn notes(&self, now: i64) -> Result<Notes> {
        let notes = self.client.control(self.node.port, "notes", &json!({}), now).await?;
        serde_json::from_value(notes).context("the notes of the Node server")
    }

    /// The request of a step, as it is sent in one space.
    pub(super) fn prepare<'a>(
        &self,
        (set, options): (usize, &OptionSet),
        id: &'a str,
        request: &'a Request,
        now: i64,
        track: &Track,
    ) -> Result<Call<'a>> {
        let Request { client, path, sends, forwarded, fails, task, .. } = request;
        let port = match serves(track.space, request) {
            Side::Node => self.node.port,
            Side::Rust => self.rust.port,
        };
        let jar = track.jars.get(*client).context("no such client")?;
        let cookie = cookie_header(jar, options, path, forwarded.is_some(), now, *sends);
        let (space, forwarded, fails) = (track.space, forwarded.as_deref(), *fails);
        Ok(Call { port, space, set, path, now, id, cookie, forwarded, fails, task })
    }
}

/// Which server gets the request in this space.
pub(super) const fn serves(space: Space, request: &Request) -> Side {
    match space {
        Space::Node => Side::Node,
        Space::Rust => Side::Rust,
        Space::Mixed => request.side,
    }
}
