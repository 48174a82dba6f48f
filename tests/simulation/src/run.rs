//! One run: the fleet of a plan, from the first request until all is quiet.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Result;
use express_session_core::{Clock as _, Document, Owner, SessionId};

use crate::backend::Backend;
use crate::executor::{Actor, Executor};
use crate::handler::Handler;
use crate::history::{Line, What};
use crate::node::NodeRequest;
use crate::oracle::{FAIL_OVER, Observer, Violation};
use crate::plan::{Event, Plan, Request, Server};
use crate::random::Dice;
use crate::server::{RustServer, cookie_of};
use crate::world::{StoreClock, World};

/// Who is no request: events, and the look around when all is quiet.
const NOBODY: Actor = 1_000_000;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) violation: Option<Violation>,
    /// The same for the same plan, always.
    pub(crate) fingerprint: u64,
    /// Empty unless the run was to be told.
    pub(crate) lines: Vec<Line>,
}

/// The processes, by number; none for Node, which keeps nothing between requests.
type Fleet = Rc<RefCell<Vec<Option<RustServer>>>>;

struct Run {
    world: Arc<World>,
    plan: Rc<Plan>,
    fleet: Fleet,
    clocks: Vec<Arc<AtomicI64>>,
    /// Requests whose server has died.
    dead: Rc<RefCell<Vec<Actor>>>,
}

/// Runs a plan on a store.
///
/// # Errors
///
/// If the options of the plan are none, or the store cannot be made.
pub(crate) fn run(
    plan: &Plan,
    backend: impl FnOnce(StoreClock) -> Result<Box<dyn Backend>>,
    is_told: bool,
) -> Result<Report> {
    let mut executor = Executor::new(Dice::new(plan.seed));
    let world = Arc::new(World::new(plan, &executor, backend, is_told)?);
    let clocks: Vec<Arc<AtomicI64>> =
        plan.servers.iter().map(|server| Arc::new(AtomicI64::new(server.skew()))).collect();
    let run = Rc::new(Run {
        world: Arc::clone(&world),
        plan: Rc::new(plan.clone()),
        fleet: Fleet::default(),
        clocks,
        dead: Rc::default(),
    });
    for number in 0..plan.servers.len() {
        let server = run.start(number)?;
        run.fleet.borrow_mut().push(server);
    }
    for request in &plan.requests {
        let most = request.hangs_up_after.unwrap_or(u64::MAX);
        executor.spawn(request.number, most, Rc::clone(&run).request(request.clone()));
    }
    for (number, event) in (1..).zip(&plan.events) {
        executor.spawn(NOBODY + number, u64::MAX, Rc::clone(&run).event(*event));
    }
    let dead = Rc::clone(&run.dead);
    let mut ended = move || std::mem::take(&mut *dead.borrow_mut());
    let mut is_over = executor.run(&mut ended);
    if is_over && world.observer().violation().is_none() {
        world.end_faults();
        executor.spawn(NOBODY, u64::MAX, Rc::clone(&run).look_around());
        is_over = executor.run(&mut ended);
    }
    let observer = world.observer();
    let endless = || Violation {
        promise: "every run comes to an end",
        what: "it goes on for ever".into(),
        at: world.now(),
        request: 0,
    };
    Ok(Report {
        violation: observer.violation().cloned().or_else(|| (!is_over).then(endless)),
        fingerprint: observer.history.fingerprint(),
        lines: observer.history.lines().to_vec(),
    })
}

impl Run {
    fn start(&self, number: usize) -> Result<Option<RustServer>> {
        match self.plan.servers[number] {
            Server::Node => Ok(None),
            server => RustServer::start(&self.world, self.plan.setup, server, &self.clocks[number]).map(Some),
        }
    }

    async fn request(self: Rc<Self>, request: Request) {
        let world = &self.world;
        world.sleep(Duration::from_millis(request.at)).await;
        let (number, browser) = (request.number, request.browser);
        let cookie = world.observer().cookie(browser);
        let came_with = cookie.as_deref().and_then(Observer::session_of_cookie);
        let is_node = self.plan.servers[request.server].is_node();
        world.observer().arrives(world.now(), number, browser, is_node, came_with.clone());
        let server = self.fleet.borrow()[request.server].clone();
        let (status, set_cookie) = if let Some(server) = server {
            let handler = Handler::new(Arc::clone(world), request, server.manager().clone());
            server.serve(cookie, handler).await
        } else {
            let now = world.store_clock().now();
            NodeRequest::serve(Arc::clone(world), request, came_with, now).await
        };
        world.observer().responds(world.now(), number, status, set_cookie.as_deref());
    }

    async fn event(self: Rc<Self>, event: Event) {
        let world = &self.world;
        world.sleep(Duration::from_millis(event.at())).await;
        let now = world.now();
        match event {
            Event::Crash { server, .. } => {
                world.observer().history.note(now, 0, || What::Happened(format!("server {server} dies")));
                let at = now / 1000;
                let on_it =
                    self.plan.requests.iter().filter(|request| request.server == server && request.at <= at);
                self.dead.borrow_mut().extend(on_it.map(|request| request.number));
                // The options were good when it started first.
                if let Ok(restarted) = self.start(server) {
                    self.fleet.borrow_mut()[server] = restarted;
                }
            }
            Event::Jump { server, by, .. } => {
                let jump = || What::Happened(format!("the clock of server {server} is set by {by} ms"));
                world.observer().history.note(now, 0, jump);
                self.clocks[server].fetch_add(by, Ordering::Relaxed);
            }
            Event::Evict { at } => {
                let place = world.dice.roll([30, at, 0]);
                if world.backend.evict(place).is_some() {
                    let live = world.backend.live();
                    world.observer().store_lost(now, live, "the store gives a session up to make room");
                }
            }
            Event::FailOver { forgets, .. } => {
                if world.backend.fail_over(forgets) {
                    let live = world.backend.live();
                    world.observer().store_lost(now, live, FAIL_OVER);
                }
            }
        }
    }

    /// When all is quiet: each session with an owner is read once, on a server that has just started, and then the lists
    /// are compared with what is there.
    async fn look_around(self: Rc<Self>) {
        let world = &self.world;
        let Ok(server) = RustServer::start(world, self.plan.setup, Server::Core { skew: 0 }, &Arc::default())
        else {
            return;
        };
        let owners = |live: &[(SessionId, Document)]| -> BTreeSet<String> {
            live.iter().filter_map(|(_, document)| Some(document.owner()?.as_str().to_owned())).collect()
        };
        let live = world.backend.live();
        let names = owners(&live);
        for (id, document) in live {
            if let (Some(_), Ok(cookie)) = (document.owner(), cookie_of(&id)) {
                server.read(cookie).await;
            }
        }
        for name in names {
            let Ok(owner) = Owner::new(&name) else { continue };
            let list = server.manager().sessions_of(owner.clone()).list().await;
            let listed = list.map(|list| list.into_iter().map(|session| session.id().clone()).collect());
            let live = world.backend.live();
            world.observer().check_list(world.now(), &owner, &listed.unwrap_or_default(), &live);
        }
    }
}
