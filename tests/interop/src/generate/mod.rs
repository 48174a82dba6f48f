//! Makes a script from a seed. Of the known differences (`docs/INTEROP.md`) some are made, and `expected` says what ours must
//! do; the others are left out here and have a test of their own in `tests/lab/differences.rs`.

mod cookies;
mod operations;
mod overlaps;
mod store_failures;
mod values;

use serde_json::Value;

use crate::config::{OptionSet, StoreKind};
use crate::random::Random;
use crate::script::{End, Operation, Request, Script, Sends, Side, Step, Task};

const CLIENTS: usize = 3;

/// The script of this seed.
pub fn script(seed: u64, store: StoreKind, sets: &[OptionSet]) -> Script {
    let mut random = Random::new(seed);
    let set = random.below(sets.len());
    let empty = OptionSet::default();
    let options = sets.get(set).unwrap_or(&empty);
    let steps = 3 + random.below(14);
    let exact = random.chance(20);
    let mut maker = Maker { random, store, options, exact };
    Script { set, steps: (0..steps).map(|_| maker.step()).collect() }
}

/// Makes the steps of one script.
struct Maker<'a> {
    random: Random,
    store: StoreKind,
    options: &'a OptionSet,
    /// Whether there are whole numbers beyond 2^53, which Node rounds: then all requests of both together go to Rust.
    exact: bool,
}

impl Maker<'_> {
    fn step(&mut self) -> Step {
        let stamps = self.stamps();
        let random = &mut self.random;
        match random.below(100) {
            0..=9 => Step::Wait {
                ms: *random.pick(&[1, 250, 999, 1_000, 1_499, 5_000, 29_999, 61_000, 3_700_000]),
            },
            10..=17 => Step::WaitForEnd {
                session: random.below(4),
                offset: *random.pick(&[-1_001, -1_000, -500, -1, 0, 1, 2, 499, 500, 501, 999, 1_000, 1_001]),
            },
            18..=20 if !stamps => {
                let client = random.below(CLIENTS);
                let lifetimes = self.lifetimes_may_vary();
                Step::Plant { client, document: values::document(&mut self.random, self.store, lifetimes) }
            }
            21..=25 => self.overlap(),
            26..=29 => Step::Request(self.with_failing_store()),
            _ => Step::Request(self.request()),
        }
    }

    fn request(&mut self) -> Request {
        let mut request = self.empty_request();
        let is_new = matches!(request.sends, Sends::Nothing | Sends::Garbage);
        // A visitor who only looks.
        let only_looks = self.random.chance(20);
        request.task.operations =
            if only_looks { vec![Operation::Dump] } else { self.operations(is_new, true) };
        request
    }

    /// A request that does nothing.
    fn empty_request(&mut self) -> Request {
        let (sends, only_rust) = (self.sends(), self.stamps() || self.exact);
        let random = &mut self.random;
        let inside = self.options.cookie("path").and_then(Value::as_str).unwrap_or("/").trim_end_matches('/');
        let path = match random.below(12) {
            0 => "/elsewhere".to_owned(),
            1 => format!("{inside}/too?x=1"),
            // A plain prefix is enough for the middleware, but not for the browser.
            2 if !inside.is_empty() => format!("{inside}lication"),
            _ => format!("{inside}/page"),
        };
        let end = match random.below(100) {
            0..=79 => End::Results,
            80..=84 => End::Error,
            85..=89 => End::Redirect,
            90..=93 => End::Empty,
            94..=96 => End::NotFound,
            _ => End::OwnCookie,
        };
        let forwarded = (self.options.session.contains_key("proxy") && random.chance(60))
            .then(|| (*random.pick(&["https", "http", "HTTPS", "https, http"])).to_owned());
        Request {
            client: random.below(CLIENTS),
            path,
            side: if !only_rust && random.chance(50) { Side::Node } else { Side::Rust },
            sends,
            forwarded,
            fails: None,
            task: Task { operations: Vec::new(), end },
        }
    }

    fn sends(&mut self) -> Sends {
        let secrets = self.options.secrets().len();
        match self.random.below(100) {
            72..=75 if secrets > 1 => Sends::SecondSecret,
            76..=81 if secrets > 2 => Sends::ThirdSecret,
            0..=81 => Sends::Jar,
            82..=85 => Sends::Nothing,
            86..=88 => Sends::Forged,
            89..=92 => Sends::First,
            93 | 94 => Sends::Quoted,
            95 | 96 => Sends::Decoded,
            97 => Sends::Garbage,
            _ => Sends::Crowded,
        }
    }

    /// Whether a session that Rust sees for the first time is given its time of creation: a modification, and a known
    /// difference.
    fn stamps(&self) -> bool {
        self.options.session.contains_key("absoluteTimeout")
    }

    /// Whether the store is told not to extend lives.
    fn never_touches(&self) -> bool {
        self.options.store.contains_key("disableTouch")
    }

    /// Whether sessions with a lifetime may be among others without one.
    ///
    /// session-file-store's `__lastAccess` counts as a modification once it is saved, so with `resave` a session with a
    /// lifetime gets its cookie with every response: a known difference.
    fn lifetimes_may_vary(&self) -> bool {
        !(self.store == StoreKind::File && self.options.is_on("resave"))
    }
}
