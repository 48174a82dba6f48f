//! Who is measured: a library and a store, and what it does for a page besides showing it.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A place to keep sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    Memory,
    File,
    Redis,
    Mysql,
}

impl Store {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Redis, Self::Mysql, Self::File];

    /// As it is written.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Memory => "Memory",
            Self::File => "Files",
            Self::Redis => "Redis",
            Self::Mysql => "MySQL",
        }
    }
}

/// The program that serves a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Program {
    Ours,
    Peers,
    /// The machine's Node.
    Node,
    /// The Node that comes from npm with the benchmark.
    CurrentNode,
}

impl Program {
    pub(crate) const fn is_node(self) -> bool {
        matches!(self, Self::Node | Self::CurrentNode)
    }
}

/// One line of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Its name in results; one that ends in `-update` is the same server, asked for `/update`.
    pub(crate) name: &'static str,
    /// Its name in tables and plots.
    pub(crate) title: &'static str,
    pub(crate) program: Program,
    /// What the program is told to serve.
    pub(crate) serves: &'static str,
    /// `None`: no sessions at all.
    pub(crate) store: Option<Store>,
    /// What a page costs besides itself, in words.
    pub(crate) does: &'static str,
}

/// The pages that are timed.
pub(crate) const PAGES: [&str; 4] = ["counter", "read", "create", crate::load::VISIT];

const fn subject(
    name: &'static str,
    title: &'static str,
    program: Program,
    serves: &'static str,
    store: Option<Store>,
    does: &'static str,
) -> Subject {
    Subject { name, title, program, serves, store, does }
}

const EXTENDS: &str = "signed cookie; a read extends the session";
const EXTENDS_LATER: &str = "signed cookie; a read extends the session at most once a minute";
const EXACT: &str = "as above, and no increment is lost";
const TOWER: &str = "plain cookie; a read extends nothing";
const NOTHING: &str = "no session";

/// All of them, ours first.
pub(crate) const SUBJECTS: &[Subject] = &[
    subject("ours-memory", "ours, memory", Program::Ours, "ours-memory", Some(Store::Memory), EXTENDS),
    subject(
        "ours-memory-update",
        "ours, memory, update",
        Program::Ours,
        "ours-memory",
        Some(Store::Memory),
        EXACT,
    ),
    subject(
        "ours-memory-touch-after",
        "ours, memory, touch_after",
        Program::Ours,
        "ours-memory-touch-after",
        Some(Store::Memory),
        EXTENDS_LATER,
    ),
    subject("ours-redis", "ours, Redis", Program::Ours, "ours-redis", Some(Store::Redis), EXTENDS),
    subject(
        "ours-redis-update",
        "ours, Redis, update",
        Program::Ours,
        "ours-redis",
        Some(Store::Redis),
        EXACT,
    ),
    subject(
        "ours-redis-touch-after",
        "ours, Redis, touch_after",
        Program::Ours,
        "ours-redis-touch-after",
        Some(Store::Redis),
        EXTENDS_LATER,
    ),
    subject("ours-mysql", "ours, MySQL", Program::Ours, "ours-mysql", Some(Store::Mysql), EXTENDS),
    subject(
        "ours-mysql-update",
        "ours, MySQL, update",
        Program::Ours,
        "ours-mysql",
        Some(Store::Mysql),
        EXACT,
    ),
    subject(
        "ours-mysql-touch-after",
        "ours, MySQL, touch_after",
        Program::Ours,
        "ours-mysql-touch-after",
        Some(Store::Mysql),
        EXTENDS_LATER,
    ),
    subject("ours-file", "ours, files", Program::Ours, "ours-file", Some(Store::File), EXTENDS),
    subject("ours-file-update", "ours, files, update", Program::Ours, "ours-file", Some(Store::File), EXACT),
    subject(
        "ours-file-touch-after",
        "ours, files, touch_after",
        Program::Ours,
        "ours-file-touch-after",
        Some(Store::File),
        EXTENDS_LATER,
    ),
    subject("actix", "Actix, no sessions", Program::Ours, "actix", None, NOTHING),
    subject("axum", "axum, no sessions", Program::Peers, "axum", None, NOTHING),
    subject(
        "actix-session-cookie",
        "actix-session, cookie",
        Program::Peers,
        "actix-session-cookie",
        Some(Store::Memory),
        "the session is in the cookie, encrypted; nothing is stored, a logout cannot be enforced",
    ),
    subject(
        "actix-session-redis",
        "actix-session, Redis",
        Program::Peers,
        "actix-session-redis",
        Some(Store::Redis),
        "encrypted cookie; a read extends nothing",
    ),
    subject(
        "tower-memory",
        "tower-sessions, memory",
        Program::Peers,
        "tower-memory",
        Some(Store::Memory),
        TOWER,
    ),
    subject("tower-redis", "tower-sessions, Redis", Program::Peers, "tower-redis", Some(Store::Redis), TOWER),
    subject("tower-mysql", "tower-sessions, MySQL", Program::Peers, "tower-mysql", Some(Store::Mysql), TOWER),
    subject("express", "Express, no sessions", Program::CurrentNode, "express", None, NOTHING),
    subject(
        "express-memory",
        "memorystore",
        Program::CurrentNode,
        "express-memory",
        Some(Store::Memory),
        EXTENDS,
    ),
    subject(
        "express-memory-node",
        "memorystore, older Node",
        Program::Node,
        "express-memory",
        Some(Store::Memory),
        EXTENDS,
    ),
    subject(
        "express-redis",
        "connect-redis",
        Program::CurrentNode,
        "express-redis",
        Some(Store::Redis),
        EXTENDS,
    ),
    subject(
        "express-redis-node",
        "connect-redis, older Node",
        Program::Node,
        "express-redis",
        Some(Store::Redis),
        EXTENDS,
    ),
    subject(
        "express-mysql",
        "express-mysql-session",
        Program::CurrentNode,
        "express-mysql",
        Some(Store::Mysql),
        EXTENDS,
    ),
    subject(
        "express-mysql-node",
        "express-mysql-session, older Node",
        Program::Node,
        "express-mysql",
        Some(Store::Mysql),
        EXTENDS,
    ),
    subject(
        "express-file",
        "session-file-store",
        Program::CurrentNode,
        "express-file",
        Some(Store::File),
        EXTENDS,
    ),
    subject(
        "express-file-node",
        "session-file-store, older Node",
        Program::Node,
        "express-file",
        Some(Store::File),
        EXTENDS,
    ),
];

impl Subject {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SUBJECTS.iter().find(|subject| subject.name == name)
    }

    /// Those that are compared on this store, with those that have no sessions.
    pub(crate) fn on(store: Store) -> impl Iterator<Item = &'static Self> {
        SUBJECTS.iter().filter(move |subject| subject.store.is_none_or(|its| its == store))
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.name.starts_with("ours-")
    }

    /// Whether it is a second way to count, and shown on that page only.
    pub(crate) fn is_update(&self) -> bool {
        self.name.ends_with("-update")
    }

    fn is_touch_after(&self) -> bool {
        self.name.ends_with("-touch-after")
    }

    /// The path of a page, if this subject has something to show there.
    pub(crate) fn path(&self, page: &str) -> Option<String> {
        match page {
            "counter" if self.is_update() => Some("/update".to_owned()),
            "counter" => (!self.is_touch_after()).then(|| "/counter".to_owned()),
            _ if self.is_update() => None,
            "read" => Some("/read".to_owned()),
            _ if self.is_touch_after() || self.store.is_none() => None,
            crate::load::VISIT => Some(page.to_owned()),
            _ => Some(format!("/{page}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, subject) in SUBJECTS.iter().enumerate() {
            assert!(SUBJECTS.iter().skip(index + 1).all(|other| other.name != subject.name));
        }
    }

    #[test]
    fn each_way_of_ours_is_shown_where_it_differs() {
        let update = Subject::named("ours-redis-update").unwrap();
        assert_eq!(update.path("counter").unwrap(), "/update");
        assert_eq!(update.path("read"), None);
        let touch_after = Subject::named("ours-redis-touch-after").unwrap();
        assert_eq!(touch_after.path("counter"), None);
        assert_eq!(touch_after.path("read").unwrap(), "/read");
    }

    #[test]
    fn every_store_is_compared_with_express_on_two_versions_of_node() {
        for store in Store::ALL {
            let on_node =
                Subject::on(store).filter(|subject| subject.store.is_some() && subject.program.is_node());
            assert_eq!(on_node.count(), 2);
        }
    }
}
