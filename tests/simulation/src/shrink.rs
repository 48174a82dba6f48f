//! Makes a failing plan shorter as long as it breaks the same promise.

use crate::plan::{Event, Faults, Op, Plan, Server};

/// The shortest plan found that still fails. `fails` says whether a plan does.
pub(crate) fn shrink(plan: Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut best = plan;
    while let Some(simpler) = candidates(&best).into_iter().find(|plan| fails(plan)) {
        best = simpler;
    }
    best
}

/// Plans that are a little simpler, the boldest first.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut try_with = |change: &dyn Fn(&mut Plan) -> bool| {
        let mut simpler = plan.clone();
        if change(&mut simpler) {
            all.push(simpler);
        }
    };
    for place in 0..plan.requests.len() {
        try_with(&|plan| {
            plan.requests.remove(place);
            true
        });
    }
    for place in 0..plan.events.len() {
        try_with(&|plan| {
            plan.events.remove(place);
            true
        });
    }
    let faults: [fn(&mut Faults) -> &mut u64; 7] = [
        |it| &mut it.slow,
        |it| &mut it.lost,
        |it| &mut it.unanswered,
        |it| &mut it.cut,
        |it| &mut it.refused,
        |it| &mut it.doubled,
        |it| &mut it.detached,
    ];
    for fault in faults {
        try_with(&|plan| std::mem::take(fault(&mut plan.faults)) != 0);
    }
    for (place, request) in plan.requests.iter().enumerate() {
        for op in 0..request.ops.len() {
            try_with(&|plan| {
                plan.requests[place].ops.remove(op);
                true
            });
            if let Op::Pause(ms) = request.ops[op] {
                try_with(&|plan| {
                    plan.requests[place].ops[op] = Op::Pause(ms / 2);
                    ms > 0
                });
            }
        }
        try_with(&|plan| plan.requests[place].hangs_up_after.take().is_some());
        try_with(&|plan| {
            let at = &mut plan.requests[place].at;
            let is_late = *at > 0;
            *at /= 2;
            is_late
        });
    }
    for (place, event) in plan.events.iter().enumerate() {
        if let Event::FailOver { at, forgets } = *event {
            try_with(&|plan| {
                plan.events[place] = Event::FailOver { at, forgets: forgets / 2 };
                forgets > 1
            });
        }
    }
    for (place, server) in plan.servers.iter().enumerate() {
        let simple = Server::Core { skew: 0 };
        if !server.is_node() && *server != simple {
            try_with(&|plan| {
                plan.servers[place] = simple;
                true
            });
        }
    }
    try_with(&|plan| std::mem::take(&mut plan.setup.rolling));
    try_with(&|plan| std::mem::take(&mut plan.setup.goes_on_without_store));
    try_with(&|plan| std::mem::take(&mut plan.setup.is_express));
    try_with(&|plan| plan.setup.owner_limit.take().is_some());
    try_with(&|plan| {
        let was_slow = plan.faults.delay > 1;
        plan.faults.delay = 1;
        was_slow
    });
    all
}
