//! Random scripts: Node alone, Rust alone and both together do the same.

use express_session_interop::config::StoreKind;
use express_session_interop::generate;
use express_session_interop::lab::Lab;
use express_session_interop::option_sets::option_sets;
use express_session_interop::shrink::shrink;

/// How many scripts a store gets here; `make interop` runs ten times as many.
const SEQUENCES: u64 = 200;

async fn no_difference(store: StoreKind) {
    let mut lab = Lab::start(store, option_sets(store), None).await.unwrap();
    for seed in 1..=SEQUENCES {
        let script = generate::script(seed, store, &lab.option_sets);
        if let Some(mismatch) = lab.run(&script).await.unwrap() {
            let (script, mismatch) = shrink(&mut lab, script, mismatch).await.unwrap();
            panic!("{store}, seed {seed}\n{mismatch}\n{}", serde_json::to_string(&script).unwrap());
        }
    }
}

#[actix_web::test]
async fn memory() {
    no_difference(StoreKind::Memory).await;
}

#[actix_web::test]
async fn file() {
    no_difference(StoreKind::File).await;
}

#[actix_web::test]
async fn mysql() {
    no_difference(StoreKind::Mysql).await;
}

#[actix_web::test]
async fn redis() {
    no_difference(StoreKind::Redis).await;
}
