//! What is known about one space while a script runs.

use anyhow::Result;

use crate::client::Answer;
use crate::config::{OptionSet, Space};
use crate::jar::Jar;
use crate::members::without;
use crate::probe::{Entries, Probe};
use crate::script::Request;

/// Our one key among the data that Node does not write; with the option `absolute_timeout`.
const CREATED_AT: &str = "__createdAt";

/// The clients of one space, and what is stored for them.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) space: Space,
    pub(super) jars: Vec<Jar>,
    pub(super) stored: Entries,
}

impl Track {
    pub(super) fn new(space: Space) -> Self {
        Self { space, jars: vec![Jar::default(); 8], stored: Entries::new() }
    }

    /// Puts the cookies of an answer into the jar of the client that asked.
    pub(super) fn keep(&mut self, request: &Request, answer: &Result<Answer, String>, now: i64) {
        if let (Some(jar), Ok(answer)) = (self.jars.get_mut(request.client), answer) {
            answer.set_cookie.iter().for_each(|header| jar.store(header, now));
        }
    }

    /// Looks at what is stored, our own key left out where it is known.
    pub(super) async fn look(
        &mut self,
        probe: &mut Probe,
        set: (usize, &OptionSet),
        now: i64,
    ) -> Result<&Entries> {
        self.stored = probe.entries(self.space, set.0, now).await?;
        if self.space != Space::Node && set.1.session.contains_key("absoluteTimeout") {
            for entry in self.stored.values_mut() {
                if let Some((document, created)) = without(&entry.document, CREATED_AT)
                    && created.parse().is_ok_and(|created: i64| (super::START..=now).contains(&created))
                {
                    entry.document = document;
                }
            }
        }
        Ok(&self.stored)
    }

    /// Makes a space that has gone Node's way equal to one that has gone ours, where that is a known difference: what comes
    /// later is compared again.
    pub(super) async fn follow(
        &mut self,
        (jars, stored): (&[Jar], &Entries),
        probe: &mut Probe,
        set: (usize, &OptionSet),
        now: i64,
    ) -> Result<()> {
        self.jars = jars.to_vec();
        for (id, entry) in self.stored.clone() {
            match stored.get(&id) {
                None => probe.remove(self.space, set.0, &id, now).await?,
                Some(ours) if ours.document != entry.document => {
                    probe.plant(self.space, set.0, &id, &ours.document, now).await?;
                }
                Some(_) => {}
            }
        }
        self.look(probe, set, now).await?;
        Ok(())
    }
}
