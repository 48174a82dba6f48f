//! Clients that send a byte per second, so that connections and memory run out.
//!
//! Actix limits the time for the first head on a connection. It limits neither the time for a body, nor for later heads, nor
//! for a body in chunks that nobody reads. A body gets a limit as it is read; a connection on which nothing runs is watched
//! and shut down, also while bytes trickle in.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream as ServedStream;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// What is added for a watched connection, so that Actix's own answer to a slow first head gets out.
const GRACE: Duration = Duration::from_secs(1);

/// A client's connection.
struct Connection {
    socket: TcpStream,
    /// How many requests of it are being answered.
    running: Cell<usize>,
    idle_since: Cell<Instant>,
}

/// Watches a connection that was just accepted; shuts it down when nothing has run on it for `limit`.
pub(crate) fn watch(stream: &dyn Any, data: &mut Extensions, limit: Duration) {
    let Some(stream) = stream.downcast_ref::<ServedStream>() else { return };
    // A second handle on the same socket, given up with the connection.
    let Ok(socket) = stream.as_fd().try_clone_to_owned() else { return };
    let connection = Rc::new(Connection {
        socket: socket.into(),
        running: Cell::new(0),
        idle_since: Cell::new(Instant::now()),
    });
    actix_web::rt::spawn(end_when_idle(Rc::downgrade(&connection), limit + GRACE));
    data.insert(connection);
}

async fn end_when_idle(connection: Weak<Connection>, limit: Duration) {
    loop {
        let until = match connection.upgrade() {
            None => return,
            Some(connection) if connection.running.get() > 0 => Instant::now() + limit,
            Some(connection) => {
                let until = connection.idle_since.get() + limit;
                if until <= Instant::now() {
                    // It fails if the client has gone already.
                    let _ = connection.socket.shutdown(Shutdown::Both);
                    return;
                }
                until
            }
        };
        sleep_until(until).await;
    }
}

/// A request that is being answered.
struct Running(Option<Rc<Connection>>);

impl Running {
    fn of(request: &ServiceRequest) -> Self {
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        if let Some(connection) = &connection {
            connection.running.set(connection.running.get() + 1);
        }
        Self(connection)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.running.set(connection.running.get() - 1);
            connection.idle_since.set(Instant::now());
        }
    }
}

/// Answers 408 to a request whose body is not there after `limit`, whatever the handler makes of the half of it.
pub(crate) async fn limit_body<B: MessageBody + 'static>(
    limit: Duration,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let _running = Running::of(&request);
    let is_late = Rc::new(Cell::new(false));
    let body = TimelyBody {
        body: request.take_payload(),
        limit,
        timer: RefCell::new(None),
        is_late: Rc::clone(&is_late),
    };
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
    let response = next.call(request).await?;
    if is_late.get() {
        let answer = HttpResponse::RequestTimeout().force_close().finish();
        return Ok(response.into_response(answer).map_into_right_body());
    }
    Ok(response.map_into_left_body())
}

/// A body that must come in time, from the first look at it.
struct TimelyBody {
    body: Payload,
    limit: Duration,
    timer: RefCell<Option<Pin<Box<Sleep>>>>,
    is_late: Rc<Cell<bool>>,
}

impl Stream for TimelyBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.body.poll_next_unpin(context);
        if next.is_ready() {
            return next;
        }
        // Bodies that are there already need no timer.
        let limit = self.limit;
        let timer = self.timer.get_mut().get_or_insert_with(|| Box::pin(sleep(limit)));
        if timer.poll_unpin(context).is_pending() {
            return Poll::Pending;
        }
        self.is_late.set(true);
        Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}
