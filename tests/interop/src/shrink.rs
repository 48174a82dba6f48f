//! Makes a failing script shorter as long as it still fails.

use anyhow::Result;

use crate::lab::{Lab, Mismatch};
use crate::script::{End, Operation, Request, Script, Sends, Step};

/// The shortest script found that still shows a difference, and that difference.
///
/// # Errors
///
/// If the lab itself fails.
pub async fn shrink(lab: &mut Lab, script: Script, mismatch: Mismatch) -> Result<(Script, Mismatch)> {
    let mut best = (script, mismatch);
    best.0.steps.truncate(best.1.step + 1);
    loop {
        let mut shorter = None;
        for candidate in candidates(&best.0) {
            if let Some(mismatch) = lab.run(&candidate).await? {
                let mut candidate = candidate;
                candidate.steps.truncate(mismatch.step + 1);
                shorter = Some((candidate, mismatch));
                break;
            }
        }
        match shorter {
            Some(shorter) => best = shorter,
            None => return Ok(best),
        }
    }
}

/// Scripts that are a little simpler, the boldest first.
fn candidates(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    let steps = script.steps.len();
    let mut chunk = steps / 2;
    while chunk >= 1 {
        for start in (0..steps).step_by(chunk) {
            let mut shorter = script.clone();
            shorter.steps.drain(start..(start + chunk).min(steps));
            all.push(shorter);
        }
        chunk /= 2;
    }
    for (place, step) in script.steps.iter().enumerate() {
        for simpler in simpler_steps(step) {
            let mut shorter = script.clone();
            if let Some(step) = shorter.steps.get_mut(place) {
                *step = simpler;
            }
            all.push(shorter);
        }
    }
    all
}

fn simpler_steps(step: &Step) -> Vec<Step> {
    match step {
        Step::Request(request) => simpler_requests(request).into_iter().map(Step::Request).collect(),
        Step::Overlap { held, quick } => {
            let alone = [held, quick].map(|request| {
                let mut alone = request.clone();
                alone.task.operations.retain(|operation| *operation != Operation::Hold);
                Step::Request(alone)
            });
            let simpler_held = simpler_requests(held).into_iter();
            let simpler_quick = simpler_requests(quick).into_iter();
            alone
                .into_iter()
                .chain(simpler_held.map(|held| Step::Overlap { held, quick: quick.clone() }))
                .chain(simpler_quick.map(|quick| Step::Overlap { held: held.clone(), quick }))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn simpler_requests(request: &Request) -> Vec<Request> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Request)| {
        let mut simpler = request.clone();
        change(&mut simpler);
        if simpler != *request {
            all.push(simpler);
        }
    };
    let operations = &request.task.operations;
    for place in 0..operations.len() {
        // What stands before a `save` keeps it free of known differences.
        let next = operations.iter().skip(place + 1).find(|it| **it != Operation::Touch);
        let is_before_save = next == Some(&Operation::Save)
            && matches!(operations.get(place), Some(Operation::Touch | Operation::Set { .. }));
        if !is_before_save {
            with(&|it| drop(it.task.operations.remove(place)));
        }
    }
    for (place, operation) in request.task.operations.iter().enumerate() {
        if let Operation::Set { key, value } = operation
            && !value.is_number()
        {
            with(&|it| {
                if let Some(operation) = it.task.operations.get_mut(place) {
                    *operation = Operation::Set { key: key.clone(), value: 1.into() };
                }
            });
        }
    }
    with(&|it| it.task.end = End::Results);
    with(&|it| it.sends = Sends::Jar);
    with(&|it| it.client = 0);
    with(&|it| it.fails = None);
    all
}
