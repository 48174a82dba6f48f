//! Sessions in stores: those of the load are made by visitors, the others by the quickest means that there is.

use super::Plan;
use super::cell::Cell;
use crate::backends::Backend;
use crate::ballast;
use crate::http::{Client, cookies};
use crate::processor::resident;
use crate::server::{Server, Start};
use crate::subject::{Store, Subject};

/// How many cookies the load uses in turn where sessions are in memory: more than processor caches hold.
const SAMPLE: u64 = 10_000;
/// The same elsewhere.
const SAMPLE_ELSEWHERE: u64 = 1000;

/// In so many parts sessions are made, each with its share of the visitors, so that these are spread over all.
const PARTS: u64 = 100;

/// Visitors before memory is read: buffers and tables of the server itself are there then.
const FIRST: u64 = 1000;

/// Starts a server as `start` says and gives it so many sessions.
pub(super) fn filled(
    backend: &Backend,
    start: &Start<'_>,
    sessions: u64,
    plan: Plan<'_>,
) -> anyhow::Result<Cell> {
    let server = start.start()?;
    if backend.store() == Store::Memory {
        return in_memory(start.subject, server, sessions, plan);
    }
    let visitors = cookies(server.port, "/create", SAMPLE_ELSEWHERE)?;
    plan.stop.check()?;
    ballast::add(backend, start.subject, start.folder, SAMPLE_ELSEWHERE..sessions)?;
    Cell::new(start.subject, server, backend.pid(), sessions, &visitors)
}

fn in_memory(
    subject: &'static Subject,
    server: Server,
    sessions: u64,
    plan: Plan<'_>,
) -> anyhow::Result<Cell> {
    let mut visitors = cookies(server.port, "/create", FIRST)?;
    let empty = resident(server.pid())?;
    let mut client = Client::connect(server.port)?;
    let each = (sessions - FIRST) / PARTS;
    for _ in 0..PARTS {
        plan.stop.check()?;
        let by_visitors = each.min((SAMPLE - FIRST) / PARTS);
        visitors.extend(cookies(server.port, "/create", by_visitors)?);
        // The page that fills is a visit too.
        if let Some(others) = (each - by_visitors).checked_sub(1) {
            client.get(&format!("/fill/{others}"), None)?.ok()?;
        }
    }
    let grown = resident(server.pid())?.saturating_sub(empty);
    let mut cell = Cell::new(subject, server, None, sessions, &visitors)?;
    cell.bytes_per_session = Some(grown as f64 / (each * PARTS) as f64);
    Ok(cell)
}
