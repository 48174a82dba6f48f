//! Measures sessions side by side, and writes down what was found. `tests/benchmarks/README.md` says how.

mod backends;
mod ballast;
mod correctness;
mod costs;
mod growth;
mod guard;
mod http;
mod load;
mod machine;
mod processor;
mod progress;
mod report;
mod results;
mod rounds;
mod server;
mod statements;
mod statistics;
mod stop;
mod subject;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::growth::Plan;
use crate::guard::Kept;
use crate::results::Results;
use crate::rounds::Effort;
use crate::stop::Stop;
use crate::subject::{PAGES, Program, Store, Subject};

/// The two that nearly every visit consists of.
const PAGES_OF_A_QUICK_RUN: [&str; 2] = ["counter", "read"];

#[derive(Debug, Parser)]
#[command(about = "Measures sessions side by side")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures.
    Run(Run),
    /// Compares what one request of ours costs with the kept numbers.
    Guard(Guard),
    /// Writes `docs/BENCHMARKS.md` and its plots from the file of a run.
    Docs(Docs),
}

#[derive(Debug, Args)]
struct Run {
    /// Which stores, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "memory,redis,mysql,file")]
    what: Vec<Store>,
    /// Which parts, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "costs,statements,correctness,rounds,growth")]
    parts: Vec<Part>,
    /// Which pages are timed, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pages: Vec<String>,
    /// How many rounds.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// How long each turn of a round takes, in whole seconds.
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// The file of results; what it has already and is not measured again stays.
    #[arg(long)]
    into: PathBuf,
    /// Only these subjects, separated by commas; what begins with one of them counts.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only what is there after a few minutes.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Rounds,
    Costs,
    Statements,
    Correctness,
    Growth,
}

#[derive(Debug, Args)]
struct Guard {
    /// Keeps what is measured now.
    #[arg(long)]
    keep: bool,
    /// Leaves out what callgrind counts.
    #[arg(long)]
    without_instructions: bool,
}

#[derive(Debug, Args)]
struct Docs {
    /// The file of results.
    #[arg(long)]
    from: PathBuf,
    /// An earlier file, to be compared with.
    #[arg(long)]
    before: Option<PathBuf>,
    /// The folder of the documentation.
    #[arg(long)]
    to: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Guard(guard) => guard.run(),
        Command::Docs(docs) => docs.run(),
    }
}

impl Run {
    fn run(&self) -> anyhow::Result<()> {
        let stop = Stop::listen()?;
        stop.outcome(self.measure(&stop))
    }

    fn measure(&self, stop: &Stop) -> anyhow::Result<()> {
        let mut results = if self.into.exists() { Results::load(&self.into)? } else { Results::default() };
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        results.commands.push(format!("{}: bench {}", machine::now(), without_file(&arguments).join(" ")));
        results.commit = machine::commit();
        results.machine = machine::machine();
        results.versions = machine::versions();
        let save = |results: &Results| results.save(&self.into);
        let has = |part| self.parts.contains(&part);
        let wanted = |subject: &Subject| {
            (self.only.is_empty() || self.only.iter().any(|it| subject.name.starts_with(it)))
                && !(self.quick && subject.program == Program::Node)
        };
        if has(Part::Costs) && self.what.contains(&Store::Memory) {
            costs::count(&costs::OURS, true, stop, &mut results)?;
            let peers: &[&str] = if self.quick { &costs::PEERS_OF_A_QUICK_RUN } else { &costs::PEERS };
            costs::count(peers, true, stop, &mut results)?;
            save(&results)?;
        }
        let mut pages: Vec<&str> = self.pages.iter().map(String::as_str).collect();
        if pages.is_empty() {
            pages = if self.quick { PAGES_OF_A_QUICK_RUN.to_vec() } else { PAGES.to_vec() };
        }
        let effort = if self.quick {
            Effort { rounds: 3, seconds: 1.0, tries: 2 }
        } else {
            Effort { rounds: self.rounds, seconds: self.seconds.into(), tries: 4 }
        };
        for &store in &self.what {
            if has(Part::Statements) && store != Store::Memory {
                statements::count(store, &wanted, stop, &mut results)?;
                save(&results)?;
            }
            if has(Part::Correctness) {
                correctness::ask(store, &wanted, stop, &mut results)?;
                save(&results)?;
            }
            if has(Part::Rounds) {
                rounds::compare(store, &pages, effort, &wanted, stop, &mut results, &save)?;
            }
            if has(Part::Growth) {
                let largest = if self.quick { 100_000 } else { 5_000_000 };
                let effort = Effort { rounds: effort.rounds.min(if self.quick { 2 } else { 3 }), ..effort };
                let plan = Plan { effort, largest, quick: self.quick, stop, wanted: &wanted };
                growth::measure(store, plan, &mut results, &save)?;
            }
        }
        save(&results)?;
        writeln!(
            std::io::stdout(),
            "{}\nThe results are in {}.",
            report::summary(&results),
            self.into.display()
        )?;
        Ok(())
    }
}

/// The command as somebody else would give it: where its results went does not matter.
fn without_file(arguments: &[String]) -> Vec<&str> {
    let mut kept = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--into" {
            arguments.next();
        } else {
            kept.push(argument.as_str());
        }
    }
    kept
}

impl Guard {
    fn run(&self) -> anyhow::Result<()> {
        let stop = Stop::listen()?;
        stop.outcome(self.compare(&stop))
    }

    fn compare(&self, stop: &Stop) -> anyhow::Result<()> {
        let mut results = Results::default();
        costs::count(&costs::OURS, !self.without_instructions, stop, &mut results)?;
        for store in [Store::Redis, Store::Mysql, Store::File] {
            statements::count(store, &Subject::is_ours, stop, &mut results)?;
        }
        let now = Kept::of(&results);
        if self.keep {
            return now.save();
        }
        let mut kept = Kept::load()?;
        kept.lines.retain(|line| !self.without_instructions || line.measure != "instructions");
        let verdict = kept.compare(&now);
        for line in &verdict.better {
            eprintln!("better: {line} (make bench-guard KEEP=1 keeps it)");
        }
        anyhow::ensure!(
            verdict.worse.is_empty(),
            "more work per request than kept:\n{}",
            verdict.worse.join("\n")
        );
        Ok(())
    }
}

impl Docs {
    fn run(&self) -> anyhow::Result<()> {
        let before = self.before.as_deref().map(Results::load).transpose()?;
        report::write(&Results::load(&self.from)?, before.as_ref(), &self.to)
    }
}
