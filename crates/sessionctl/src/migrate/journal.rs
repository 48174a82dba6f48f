//! What was copied, in a file that only grows: a migration that is killed goes on where it was.
//!
//! ```text
//! header   24 bytes of magic, 16 of the two stores
//! record   1 kind, 16 of the id, 8 of the data, 8 when its life ends (milliseconds since 1970)
//! ```
//!
//! A record is written before a session is copied ("about to") and another one afterwards ("done"), so that a session that is
//! missing in the target can be told from one that has ended there. Half a record at the end is what a kill has left.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::fingerprint::IdDigest;
use crate::error::CtlError;

const MAGIC: &[u8; 24] = b"sessionctl migration 1\n\0";
const HEADER: usize = 40;
const RECORD: usize = 33;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was about to be copied; nobody knows whether it was.
    AboutTo,
    /// It is in the target.
    Done,
}

/// What was copied of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) stage: Stage,
    /// The digest of its data.
    pub(crate) data: u64,
    /// The millisecond in which its life ends in the source; the largest number if it has no known end.
    pub(crate) ends: u64,
}

/// The records of a migration, in memory and in its file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    records: HashMap<IdDigest, Record>,
}

impl Journal {
    /// Opens or creates the file, and keeps others from using it.
    pub(crate) fn open(path: &Path, stores: IdDigest) -> Result<Self, CtlError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(CtlError::State)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CtlError::StateInUse),
            Err(TryLockError::Error(error)) => return Err(CtlError::State(error)),
        }
        let length = file.metadata().map_err(CtlError::State)?.len();
        if length < HEADER as u64 {
            file.set_len(0)
                .and_then(|()| file.write_all(&[&MAGIC[..], &stores].concat()))
                .map_err(CtlError::State)?;
            return Ok(Self { file, records: HashMap::new() });
        }
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(CtlError::State)?;
        if !header.starts_with(MAGIC) {
            return Err(CtlError::NoState);
        }
        if header[MAGIC.len()..] != stores {
            return Err(CtlError::OtherMigration);
        }
        let records = read(&file).map_err(CtlError::State)?;
        let half = (length - HEADER as u64) % RECORD as u64;
        file.seek(SeekFrom::Start(length - half)).map_err(CtlError::State)?;
        Ok(Self { file, records })
    }

    pub(crate) fn get(&self, id: &IdDigest) -> Option<Record> {
        self.records.get(id).copied()
    }

    /// Remembers several at once, in one write.
    pub(crate) fn append(&mut self, records: &[(IdDigest, Record)]) -> Result<(), CtlError> {
        let mut bytes = Vec::with_capacity(records.len() * RECORD);
        for (id, record) in records {
            bytes.push(match record.stage {
                Stage::AboutTo => 0,
                Stage::Done => 1,
            });
            bytes.extend_from_slice(id);
            bytes.extend_from_slice(&record.data.to_le_bytes());
            bytes.extend_from_slice(&record.ends.to_le_bytes());
        }
        self.file.write_all(&bytes).map_err(CtlError::State)?;
        self.records.extend(records.iter().copied());
        Ok(())
    }
}

fn read(file: &File) -> io::Result<HashMap<IdDigest, Record>> {
    let (mut reader, mut records) = (BufReader::with_capacity(1 << 16, file), HashMap::new());
    let mut bytes = [0; RECORD];
    loop {
        match reader.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(records),
            Err(error) => return Err(error),
        }
        let [kind, rest @ ..] = bytes;
        let mut id = IdDigest::default();
        id.copy_from_slice(&rest[..16]);
        let number = |at: usize| rest[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let stage = if kind == 1 { Stage::Done } else { Stage::AboutTo };
        records.insert(id, Record { stage, data: number(16), ends: number(24) });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const DONE: Record = Record { stage: Stage::Done, data: 7, ends: u64::MAX };
    const ABOUT: Record = Record { stage: Stage::AboutTo, data: 8, ends: 9 };

    #[test]
    fn what_was_appended_is_there_again_and_half_a_record_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut journal = Journal::open(&path, [1; 16]).unwrap();
        journal.append(&[([2; 16], ABOUT), ([3; 16], ABOUT)]).unwrap();
        journal.append(&[([3; 16], DONE)]).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], &whole[40..60]].concat()).unwrap();
        let mut journal = Journal::open(&path, [1; 16]).unwrap();
        assert_eq!(
            (journal.get(&[2; 16]), journal.get(&[3; 16]), journal.get(&[4; 16])),
            (Some(ABOUT), Some(DONE), None)
        );
        journal.append(&[([4; 16], DONE)]).unwrap();
        drop(journal);
        let journal = Journal::open(&path, [1; 16]).unwrap();
        assert_eq!((journal.get(&[3; 16]), journal.get(&[4; 16])), (Some(DONE), Some(DONE)));
    }

    #[test]
    fn a_state_is_of_one_migration_and_used_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let journal = Journal::open(&path, [1; 16]).unwrap();
        assert!(matches!(Journal::open(&path, [1; 16]), Err(CtlError::StateInUse)));
        drop(journal);
        assert!(matches!(Journal::open(&path, [2; 16]), Err(CtlError::OtherMigration)));
        fs::write(&path, "x".repeat(100)).unwrap();
        assert!(matches!(Journal::open(&path, [1; 16]), Err(CtlError::NoState)));
    }
}
