//! A disk that is full or read-only, a process without file handles: a clear error, and recovery.
//!
//! The disks are small tmpfs mounts in a mount namespace of the child's own, so nothing outside sees them.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

use express_session_core::{Expect, SessionStore as _, SessionStoreAdmin as _, StoreError};

use crate::{block_on, empty, id, open, role_after, succeed, with};

/// Runs a role with a tmpfs of 256 KiB mounted over its folder. As root a mount namespace is enough; others need
/// a user namespace too.
fn on_a_small_disk(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let inner = role_after("mount -t tmpfs -o size=256k tmpfs \"$1\"", name, dir.path());
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    if fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
        command = Command::new("unshare");
        command.arg("--mount");
    }
    command.arg(inner.get_program()).args(inner.get_args());
    succeed(command);
}

pub(crate) fn full_disk() {
    on_a_small_disk("full-disk");
}

pub(crate) fn full_disk_child(arguments: &[String]) {
    let folder = Path::new(&arguments[0]).join("sessions");
    let store = open(&folder);
    block_on(async {
        let revision = written(store.set(&id("sid"), &with("n", 1), Expect::Any).await);
        let filler = folder.join("filler.bin");
        fill(&filler);
        let large = with("n", "x".repeat(8192));
        assert_outage(
            store.set(&id("sid"), &large, Expect::Revision(&revision)).await,
            ErrorKind::StorageFull,
        );
        assert_outage(store.set(&id("new"), &large, Expect::Any).await, ErrorKind::StorageFull);
        let stored = store.get(&id("sid")).await.unwrap().expect("the old version is untouched");
        assert_eq!(stored.document.get_raw("n"), Some("1"));
        assert_eq!(names(&folder), ["filler.bin", "sid.json"], "a temporary file was left behind");
        assert!(store.destroy(&id("sid")).await.unwrap(), "a logout needs no space");
        fs::remove_file(filler).unwrap();
        written(store.set(&id("new"), &large, Expect::Any).await);
        assert!(store.get(&id("new")).await.unwrap().is_some());
    });
}

pub(crate) fn read_only() {
    on_a_small_disk("read-only");
}

pub(crate) fn read_only_child(arguments: &[String]) {
    let disk = Path::new(&arguments[0]);
    let folder = disk.join("sessions");
    let store = open(&folder);
    block_on(async {
        let document = with("n", 1);
        let revision = written(store.set(&id("sid"), &document, Expect::Any).await);
        fs::write(folder.join("corrupt.json"), "{").unwrap();
        remount(disk, "ro");
        assert!(store.get(&id("sid")).await.unwrap().is_some());
        let read_only = ErrorKind::ReadOnlyFilesystem;
        assert_outage(store.set(&id("sid"), &document, Expect::Revision(&revision)).await, read_only);
        assert_outage(store.set(&id("new"), &document, Expect::Any).await, read_only);
        assert_outage(store.destroy(&id("sid")).await, read_only);
        for _ in 0..2 {
            // It cannot be moved, but says every time what it is.
            assert!(matches!(store.get(&id("corrupt")).await, Err(StoreError::Corrupt(_))));
        }
        remount(disk, "rw");
        assert!(matches!(store.get(&id("corrupt")).await, Err(StoreError::Corrupt(_))));
        assert!(store.get(&id("corrupt")).await.unwrap().is_none());
        written(store.set(&id("sid"), &document, Expect::Revision(&revision)).await);
    });
}

fn remount(disk: &Path, how: &str) {
    let mut command = Command::new("mount");
    command.arg("-o").arg(format!("remount,{how}")).arg(disk);
    succeed(command);
}

pub(crate) fn too_many_open_files() {
    let dir = tempfile::tempdir().unwrap();
    succeed(role_after("ulimit -n 48", "open-files", dir.path()));
}

pub(crate) fn open_files_child(arguments: &[String]) {
    let store = open(&arguments[0]);
    block_on(async {
        let revision = written(store.set(&id("sid"), &with("n", 1), Expect::Any).await);
        let mut hoard = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        assert_out_of_files(store.get(&id("sid")).await);
        assert_out_of_files(store.set(&id("sid"), &with("n", 2), Expect::Revision(&revision)).await);
        assert_out_of_files(store.set(&id("new"), &with("n", 2), Expect::Any).await);
        let touched = with("n", 2);
        assert_out_of_files(store.touch(&id("sid"), &touched, touched.cookie()).await);
        assert_out_of_files(store.destroy(&id("sid")).await);
        // With one handle left, the lock is taken, but the temporary file cannot be made.
        hoard.pop();
        assert_out_of_files(store.set(&id("sid"), &with("n", 2), Expect::Revision(&revision)).await);
        drop(hoard);
        let revision = written(store.set(&id("sid"), &with("n", 2), Expect::Revision(&revision)).await);
        assert_eq!(store.get(&id("sid")).await.unwrap().unwrap().revision, revision);
        assert_eq!(store.sweep().await.unwrap(), 0);
    });
}

pub(crate) fn no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("sessions");
    let store = open(&folder);
    block_on(async {
        written(store.set(&id("sid"), &empty(), Expect::Any).await);
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "a file").unwrap();
        assert!(matches!(store.get(&id("sid")).await, Err(StoreError::Backend(_))));
        assert!(matches!(store.set(&id("sid"), &empty(), Expect::Any).await, Err(StoreError::Backend(_))));
        assert!(matches!(store.length().await, Err(StoreError::Backend(_))));
        fs::remove_file(&folder).unwrap();
        written(store.set(&id("sid"), &empty(), Expect::Any).await);
        assert!(store.get(&id("sid")).await.unwrap().is_some());
    });
}

fn written(outcome: Result<express_session_core::SetOutcome, StoreError>) -> express_session_core::Revision {
    match outcome.unwrap() {
        express_session_core::SetOutcome::Written(revision) => revision,
        other => panic!("not written: {other:?}"),
    }
}

/// Until not one byte more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[0; 1024]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The operating system's error at the end of the chain.
fn cause<T: std::fmt::Debug>(result: Result<T, StoreError>) -> io::Error {
    let error = result.expect_err("this cannot work");
    assert!(error.is_outage(), "{error:?} is not an outage");
    let mut layer: Option<&dyn Error> = Some(&error);
    while let Some(current) = layer {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return found.raw_os_error().map_or_else(|| found.kind().into(), io::Error::from_raw_os_error);
        }
        layer = current.source();
    }
    panic!("{error:?} does not say why");
}

fn assert_outage<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: ErrorKind) {
    assert_eq!(cause(result).kind(), kind);
}

fn assert_out_of_files<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    // EMFILE
    assert_eq!(cause(result).raw_os_error(), Some(24));
}
