//! The server, as it is timed.

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    benchmark_ours::run().await
}
