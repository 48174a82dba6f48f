//! Makes a failing script shorter as long as it still fails.

use anyhow::Result;

use crate::lab::{Lab, Mismatch};
use crate::script::{End, Operation, Script, Sends, Step};

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
    let Step::Request { client, path, side, sends, forwarded, task } = step else { return Vec::new() };
    let mut all = Vec::new();
    let mut with = |sends: Sends, client: usize, operations: Vec<Operation>, end: End| {
        let mut task = task.clone();
        task.operations = operations;
        task.end = end;
        let (path, side, forwarded) = (path.clone(), *side, forwarded.clone());
        all.push(Step::Request { client, path, side, sends, forwarded, task });
    };
    let operations = &task.operations;
    for place in 0..operations.len() {
        let mut fewer = operations.clone();
        fewer.remove(place);
        with(*sends, *client, fewer, task.end);
    }
    for (place, operation) in operations.iter().enumerate() {
        if let Operation::Set { key, value } = operation
            && !value.is_number()
        {
            let mut simpler = operations.clone();
            if let Some(operation) = simpler.get_mut(place) {
                *operation = Operation::Set { key: key.clone(), value: 1.into() };
            }
            with(*sends, *client, simpler, task.end);
        }
    }
    if task.end != End::Results {
        with(*sends, *client, operations.clone(), End::Results);
    }
    if *sends != Sends::Jar {
        with(Sends::Jar, *client, operations.clone(), task.end);
    }
    if *client != 0 {
        with(*sends, 0, operations.clone(), task.end);
    }
    all
}
