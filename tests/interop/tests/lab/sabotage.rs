//! A lab that finds nothing proves nothing: each deliberate bug must be found, on each store.

use express_session_interop::config::StoreKind;
use express_session_interop::generate;
use express_session_interop::lab::Lab;
use express_session_interop::option_sets::option_sets;
use express_session_interop::server::Sabotage;

/// A bug must show within this many scripts.
const SEEDS: u64 = 60;

async fn all_bugs_are_found(store: StoreKind) {
    for sabotage in Sabotage::ALL {
        let mut lab = Lab::start(store, option_sets(store), Some(sabotage)).await.unwrap();
        let mut found = None;
        for seed in 1..=SEEDS {
            let script = generate::script(seed, store, &lab.option_sets);
            if lab.run(&script).await.unwrap().is_some() {
                found = Some(seed);
                break;
            }
        }
        assert!(found.is_some(), "{store}: {sabotage:?} was not found within {SEEDS} scripts");
    }
}

#[actix_web::test]
async fn memory() {
    all_bugs_are_found(StoreKind::Memory).await;
}

#[actix_web::test]
async fn file() {
    all_bugs_are_found(StoreKind::File).await;
}

#[actix_web::test]
async fn mysql() {
    all_bugs_are_found(StoreKind::Mysql).await;
}

#[actix_web::test]
async fn redis() {
    all_bugs_are_found(StoreKind::Redis).await;
}
