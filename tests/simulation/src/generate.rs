//! A plan from a seed.

use std::time::Duration;

use fastrand::Rng;

use crate::plan::{Event, Faults, Limit, Manner, Op, Plan, Request, Server, Setup};

/// The plan of this seed, the same for ever.
pub(crate) fn plan(seed: u64) -> Plan {
    let rng = &mut Rng::with_seed(seed);
    let has_node = chance(rng, 25);
    let servers = servers(rng, has_node);
    // Everybody at once, on one session or one user's.
    let is_crowd = chance(rng, 25);
    let span = if is_crowd { 20 } else { *pick(rng, &[30, 100, 300, 1000, 5000]) };
    let browsers = if is_crowd { rng.u64(1..=2) } else { rng.u64(1..=3) };
    let setup = setup(rng);
    let flavour =
        *pick(rng, &[Flavour::Mixed, Flavour::Mixed, Flavour::Writes, Flavour::Logins, Flavour::Owners]);
    let requests = (1..=rng.u32(3..=14))
        .map(|number| {
            let server = if is_crowd && chance(rng, 70) { 0 } else { rng.usize(..servers.len()) };
            let ops = ops(rng, flavour, servers[server]);
            Request {
                number,
                browser: rng.u64(..browsers),
                server,
                // A crowd has a session before it comes.
                at: if is_crowd && number > 1 { 50 + rng.u64(..span) } else { rng.u64(..span) },
                ops,
                hangs_up_after: chance(rng, if is_crowd { 15 } else { 6 }).then(|| rng.u64(1..20)),
            }
        })
        .collect();
    let has_faults = chance(rng, 60);
    Plan {
        seed,
        manner: [Manner::Memory, Manner::Redis, Manner::File][(seed % 3) as usize],
        events: if chance(rng, 40) { events(rng, servers.len(), span) } else { Vec::new() },
        faults: faults(rng, has_faults, is_crowd),
        setup,
        servers,
        requests,
    }
}

/// What the requests of a plan are mostly about.
#[derive(Clone, Copy)]
enum Flavour {
    Mixed,
    Writes,
    Logins,
    Owners,
}

fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(..100) < percent
}

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(..choices.len())]
}

fn servers(rng: &mut Rng, has_node: bool) -> Vec<Server> {
    let is_skewed = chance(rng, 30);
    let mut servers: Vec<Server> = (0..rng.usize(1..=3))
        .map(|_| {
            let skew = if is_skewed { rng.i64(-90_000..90_000) } else { 0 };
            if chance(rng, 25) { Server::Actix { skew } } else { Server::Core { skew } }
        })
        .collect();
    if has_node {
        servers.extend((0..rng.usize(1..=2)).map(|_| Server::Node));
    }
    servers
}

fn setup(rng: &mut Rng) -> Setup {
    let limit = rng.u32(1..=3);
    Setup {
        is_express: chance(rng, 20),
        rolling: chance(rng, 20),
        life: Duration::from_mins(30),
        successor_grace: if chance(rng, 10) { Duration::ZERO } else { Duration::from_mins(1) },
        store_timeout: Duration::from_secs(2),
        goes_on_without_store: chance(rng, 15),
        owner_limit: match rng.u32(..10) {
            0 | 1 => Some(Limit::EndOldest(limit)),
            2 => Some(Limit::Refuse(limit)),
            _ => None,
        },
    }
}

fn faults(rng: &mut Rng, has_faults: bool, is_crowd: bool) -> Faults {
    let mut some = |most: u64| if has_faults && chance(rng, 40) { rng.u64(1..=most) } else { 0 };
    let faults = Faults {
        delay: 0,
        slow: some(60),
        lost: some(60),
        unanswered: some(60),
        cut: some(60),
        refused: some(60),
        doubled: some(100),
        detached: some(500),
    };
    let delays: &[u64] = if is_crowd { &[3_000, 20_000] } else { &[1, 300, 3_000, 20_000] };
    Faults { delay: *pick(rng, delays), ..faults }
}

fn events(rng: &mut Rng, servers: usize, span: u64) -> Vec<Event> {
    (0..rng.usize(1..=3))
        .map(|_| {
            let (server, at) = (rng.usize(..servers), rng.u64(..span + 50));
            match rng.u32(..10) {
                0..=3 => Event::Crash { server, at },
                4..=5 => Event::Jump { server, at, by: rng.i64(-100_000..100_000) },
                6..=7 => Event::Evict { at },
                _ => Event::FailOver { at, forgets: rng.u64(1..50) },
            }
        })
        .collect()
}

fn ops(rng: &mut Rng, flavour: Flavour, server: Server) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    let length = *pick(rng, &[0, 1, 1, 1, 2, 2, 3, 5]);
    while ops.len() < length {
        if chance(rng, 25) {
            ops.push(Op::Pause(rng.u64(..60)));
        }
        let op = op(rng, flavour);
        let is_of_owners = matches!(op, Op::EndAll | Op::EndOthers | Op::List);
        if !(server.is_node() && is_of_owners) {
            ops.push(op);
        }
    }
    if chance(rng, 10) {
        ops.push(Op::Pause(rng.u64(..200)));
    }
    ops
}

fn op(rng: &mut Rng, flavour: Flavour) -> Op {
    let key = rng.u8(..4);
    let writes = [
        Op::Insert(key),
        Op::Insert(key),
        Op::Remove(key),
        Op::Count,
        Op::Count,
        Op::CountAndInsert(key),
        Op::CountTwice,
        Op::Save,
        Op::Reload,
        Op::Touch,
    ];
    let logins = [
        Op::Login,
        Op::Login,
        Op::Renew,
        Op::Renew,
        Op::Destroy,
        Op::Purge,
        Op::Unset,
        Op::Count,
        Op::Insert(key),
    ];
    let owners =
        [Op::Login, Op::Login, Op::EndAll, Op::EndOthers, Op::List, Op::Destroy, Op::Renew, Op::Count];
    match flavour {
        Flavour::Writes => *pick(rng, &writes),
        Flavour::Logins => *pick(rng, &logins),
        Flavour::Owners => *pick(rng, &owners),
        Flavour::Mixed => match rng.u32(..10) {
            0..=4 => *pick(rng, &writes),
            5..=7 => *pick(rng, &logins),
            _ => *pick(rng, &owners),
        },
    }
}
