//! The store contract, in every configuration that changes what is on the disk.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use express_session_contract::{Harness, OwnerListHarness, Scale};
use express_session_core::{Clock, ManualClock, Owner, SessionId};
use express_session_file::{Durability, FileOptions, FileStore, QUARANTINE_FOLDER};
use sha2::Digest as _;

use crate::support::Fixture;

pub(crate) struct Files {
    fixture: Fixture,
    fan_out: bool,
}

impl Files {
    fn with(options: impl FnOnce(FileOptions) -> FileOptions) -> Self {
        Self { fixture: Fixture::with(options), fan_out: false }
    }

    fn fanned_out() -> Self {
        Self { fixture: Fixture::with(|options| options.fan_out(true)), fan_out: true }
    }

    /// Where the session's file is, or would be if it has none yet.
    fn path(&self, id: &SessionId) -> std::path::PathBuf {
        let name = format!("{}.json", id.as_str());
        if !self.fan_out {
            return self.fixture.file(&name);
        }
        let hash = sha2::Sha256::digest(id.as_str().as_bytes());
        let folder = self.fixture.file(&format!("{:x}/{:x}", hash[0] >> 4, hash[0] & 15));
        fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }
}

impl Harness for Files {
    type Store = FileStore;
    const SCALE: Scale = Scale::SMALL;
    const OWN_KEYS: &'static [&'static str] = &["__lastAccess"];

    fn store(&self) -> &FileStore {
        &self.fixture.store
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<ManualClock>::clone(&self.fixture.clock)
    }

    async fn age(&self, _: &SessionId, by: Duration) {
        self.fixture.clock.advance(by);
    }

    async fn pass_a_moment(&self) {
        self.fixture.clock.advance(Duration::from_secs(1));
    }

    /// Without `__lastAccess` a file never expires.
    async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
        fs::write(self.path(id), bytes).unwrap();
    }

    async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
        fs::read(self.path(id)).ok()
    }

    async fn quarantined(&self, id: &SessionId) -> Option<Vec<u8>> {
        let prefix = format!("{}.json.", id.as_str());
        let mut entries = fs::read_dir(self.fixture.file(QUARANTINE_FOLDER)).ok()?.map(Result::unwrap);
        let entry = entries.find(|entry| entry.file_name().to_str().unwrap().starts_with(&prefix))?;
        fs::read(entry.path()).ok()
    }
}

impl OwnerListHarness for Files {
    async fn age_list(&self, _: &Owner, by: Duration) {
        self.fixture.clock.advance(by);
    }
}

mod plain {
    use super::Files;
    express_session_contract::owner_contract!(Files::with(|options| options));
    express_session_contract::owner_list_contract!(Files::with(|options| options));
    express_session_contract::store_contract!(Files::with(|options| options));
}

mod fanned_out {
    use super::Files;
    express_session_contract::owner_contract!(Files::fanned_out());
    express_session_contract::owner_list_contract!(Files::fanned_out());
    express_session_contract::store_contract!(Files::fanned_out());
}

mod flushed {
    use super::{Durability, Files};
    express_session_contract::store_contract!(Files::with(|options| options.durability(Durability::Fsync)));
}

mod encrypted {
    //! The file is an envelope; the suite sees what is inside.
    use super::{Arc, Clock, Duration, FileStore, Files, Harness, Scale, SessionId};
    use crate::encryption::{QUICK, open, seal};

    struct Encrypted(Files);

    impl Harness for Encrypted {
        type Store = FileStore;
        const SCALE: Scale = Files::SCALE;
        const OWN_KEYS: &'static [&'static str] = Files::OWN_KEYS;

        fn store(&self) -> &FileStore {
            self.0.store()
        }
        fn clock(&self) -> Arc<dyn Clock> {
            self.0.clock()
        }
        async fn age(&self, id: &SessionId, by: Duration) {
            self.0.age(id, by).await;
        }
        async fn put_raw(&self, id: &SessionId, bytes: &[u8]) {
            self.0.put_raw(id, &seal("secret", std::str::from_utf8(bytes).unwrap())).await;
        }
        async fn get_raw(&self, id: &SessionId) -> Option<Vec<u8>> {
            self.0.get_raw(id).await.map(|file| open("secret", &file).into_bytes())
        }
        async fn quarantined(&self, id: &SessionId) -> Option<Vec<u8>> {
            self.0.quarantined(id).await.map(|file| open("secret", &file).into_bytes())
        }
    }

    express_session_contract::store_contract!(Encrypted(Files::with(|options| options.encryption(QUICK()))));
}
