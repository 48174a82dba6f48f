//! A proxy in front of a server, which treats some connections badly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a connection.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// Each piece arrives up to so many milliseconds late.
    Delay(u64),
    /// Both ways break after so many bytes from the server.
    CutAfter(usize),
    /// After so many bytes nothing arrives any more, in either direction, and nobody is told.
    BlackHole(usize),
    /// After so many bytes nothing from the client arrives any more, while the server's answers do.
    HalfOpen(usize),
}

/// It ends with the runtime of its test.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    is_bad: Arc<AtomicBool>,
    /// How many connections were treated badly.
    pub(crate) faults: Arc<AtomicU64>,
}

impl Proxy {
    /// In front of a port of this machine.
    pub(crate) async fn start(port: u16, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            is_bad: Arc::new(AtomicBool::new(false)),
            faults: Arc::default(),
        };
        tokio::spawn(proxy.clone().serve(listener, port, Rng::with_seed(seed)));
        proxy
    }

    /// Whether connections that are opened from now on are treated badly.
    pub(crate) fn set_bad(&self, is_bad: bool) {
        self.is_bad.store(is_bad, Ordering::Relaxed);
    }

    async fn serve(self, listener: TcpListener, port: u16, mut rng: Rng) {
        while let Ok((client, _)) = listener.accept().await {
            let fault = self.fault(&mut rng);
            self.faults.fetch_add(u64::from(!matches!(fault, Fault::None)), Ordering::Relaxed);
            let (here, there) = (rng.fork(), rng.fork());
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let up = tokio::spawn(forward(from_client, to_server, up(fault), here));
                forward(from_server, to_client, down(fault), there).await;
                up.abort();
            });
        }
    }

    fn fault(&self, rng: &mut Rng) -> Fault {
        if !self.is_bad.load(Ordering::Relaxed) {
            return Fault::None;
        }
        let bytes = rng.usize(200..6_000);
        match rng.u32(..10) {
            0..=2 => Fault::None,
            3..=4 => Fault::Delay(rng.u64(1..40)),
            5..=7 => Fault::CutAfter(bytes),
            8 => Fault::BlackHole(bytes),
            _ => Fault::HalfOpen(bytes),
        }
    }
}

/// What one direction of a connection does.
#[derive(Clone, Copy)]
enum Way {
    Clear,
    Delay(u64),
    /// Ends after so many bytes.
    Cut(usize),
    /// Swallows what comes after so many bytes.
    Swallow(usize),
}

const fn up(fault: Fault) -> Way {
    match fault {
        Fault::None | Fault::CutAfter(_) => Way::Clear,
        Fault::Delay(ms) => Way::Delay(ms),
        Fault::BlackHole(bytes) | Fault::HalfOpen(bytes) => Way::Swallow(bytes),
    }
}

const fn down(fault: Fault) -> Way {
    match fault {
        Fault::None | Fault::HalfOpen(_) => Way::Clear,
        Fault::Delay(ms) => Way::Delay(ms),
        Fault::CutAfter(bytes) => Way::Cut(bytes),
        Fault::BlackHole(bytes) => Way::Swallow(bytes),
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, mut rng: Rng) {
    let (mut buffer, mut so_far) = ([0; 4096], 0);
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        let left = match way {
            Way::Clear => read,
            Way::Delay(ms) => {
                tokio::time::sleep(Duration::from_millis(rng.u64(..ms))).await;
                read
            }
            Way::Cut(bytes) | Way::Swallow(bytes) => read.min(usize::saturating_sub(bytes, so_far)),
        };
        so_far += read;
        if to.write_all(&buffer[..left]).await.is_err() || (left < read && matches!(way, Way::Cut(_))) {
            return;
        }
    }
}
