//! The desk's thread: a small tokio runtime around one listening socket.

use crate::routes;
use crate::source::DeskSource;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Where the desk is unless told otherwise.
pub const DEFAULT_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7300);

/// How often reports are taken in while nobody asks.
const COLLECT_EVERY: Duration = Duration::from_millis(250);

/// Why the desk did not start.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Anybody on the network could use it.
    #[error(
        "the desk cannot listen on {0}: it has no access tokens yet, so it stays on loopback; \
         use 127.0.0.1:{port} and, from another machine, a tunnel such as `ssh -L {port}:127.0.0.1:{port} HOST`",
        port = .0.port()
    )]
    NotLoopback(SocketAddr),
    /// Somebody else listens there.
    #[error(
        "the desk cannot listen on {0}: the port is in use; stop the other program or choose a port with --desk 127.0.0.1:PORT (0 takes a free one)"
    )]
    PortInUse(SocketAddr),
    /// The system refuses.
    #[error(
        "the desk cannot listen on {addr}: {source}; choose another port with --desk 127.0.0.1:PORT (0 takes a free one)"
    )]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No thread or runtime.
    #[error("the desk could not start its thread: {0}")]
    Thread(io::Error),
}

/// A running desk; it stops when this is dropped.
#[derive(Debug)]
pub struct Desk {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Listens on `addr` (port 0 takes a free one) and answers from `source`.
    ///
    /// # Errors
    /// An address that is not loopback, a port in use, no permission, no thread.
    pub fn start(addr: SocketAddr, source: DeskSource) -> Result<Desk, DeskError> {
        if !addr.ip().is_loopback() {
            return Err(DeskError::NotLoopback(addr));
        }
        let listener = listen(addr)?;
        let local_addr = listener.local_addr().map_err(|source| DeskError::Listen { addr, source })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .thread_name("desk worker")
            .enable_all()
            .build()
            .map_err(DeskError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("desk".into())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, source, stopped)) {
                    tracing::error!("the desk stopped: {error}");
                }
                runtime.shutdown_background();
            })
            .map_err(DeskError::Thread)?;
        Ok(Desk { local_addr, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What to type into a browser.
    pub fn url(&self) -> String {
        format!("http://{}", self.local_addr)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(addr: SocketAddr) -> Result<TcpListener, DeskError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => DeskError::PortInUse(addr),
        _ => DeskError::Listen { addr, source },
    };
    let listener = TcpListener::bind(addr).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Serves until `stopped` resolves. Connections that are still open then are cut: the page asks again.
async fn serve(listener: TcpListener, source: DeskSource, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let collector = source.clone();
    let collect = async move {
        let mut every = tokio::time::interval(COLLECT_EVERY);
        loop {
            every.tick().await;
            collector.collect();
        }
    };
    tokio::select! {
        result = async { axum::serve(listener, routes::router(source)).await } => result,
        () = collect => Ok(()),
        _ = stopped => Ok(()),
    }
}
