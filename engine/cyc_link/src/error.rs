//! Why feeds did not start.

use std::io;
use std::net::SocketAddr;

/// Why feeds did not start. Every message names the feed and the fix; nothing is left half-started.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Somebody else listens there.
    #[error(
        "feed \"{feed}\" cannot listen on {addr}: the port is in use; stop the other program (`ss -lunp` shows \
         it) or give the feed another port in the stage file"
    )]
    PortInUse {
        /// Stage-file id.
        feed: String,
        /// Where it should listen.
        addr: SocketAddr,
    },
    /// The system does not allow it.
    #[error(
        "feed \"{feed}\" may not listen on {addr}: permission denied; ports below 1024 need a privilege, so take \
         a higher port or give the program CAP_NET_BIND_SERVICE"
    )]
    Permission {
        /// Stage-file id.
        feed: String,
        /// Where it should listen.
        addr: SocketAddr,
    },
    /// The address is another machine's.
    #[error(
        "feed \"{feed}\" cannot listen on {addr}: no interface of this machine has this address (`ip addr` lists \
         them); 0.0.0.0 listens on all of them"
    )]
    NoSuchAddress {
        /// Stage-file id.
        feed: String,
        /// Where it should listen.
        addr: SocketAddr,
    },
    /// A multicast group could not be joined.
    #[error(
        "feed \"{feed}\" cannot join multicast group {addr}: {source}; name the interface that the tracker is on \
         with `interface` (its own IPv4 address, `ip addr` lists them)"
    )]
    Multicast {
        /// Stage-file id.
        feed: String,
        /// Group and port.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Some other trouble with the socket.
    #[error("feed \"{feed}\" cannot listen on {addr}: {source}")]
    Socket {
        /// Stage-file id.
        feed: String,
        /// Where it should listen.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Serial lines are not read yet.
    #[error(
        "feed \"{feed}\" wants serial line {path}; feeds are read over UDP only, so use a serial-to-UDP bridge and `udp = \"ADDRESS:PORT\"`"
    )]
    Serial {
        /// Stage-file id.
        feed: String,
        /// Device path.
        path: String,
    },
    /// The feed's profile belongs to another protocol.
    #[error("feed \"{feed}\" has a profile of another protocol")]
    Profile {
        /// Stage-file id.
        feed: String,
    },
    /// No thread.
    #[error("feed \"{feed}\" got no thread: {source}")]
    Thread {
        /// Stage-file id.
        feed: String,
        /// What the system said.
        source: io::Error,
    },
}

impl LinkError {
    /// What a failed bind means.
    pub(crate) fn from_bind(feed: &str, addr: SocketAddr, source: io::Error) -> Self {
        let feed = feed.to_owned();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { feed, addr },
            io::ErrorKind::PermissionDenied => Self::Permission { feed, addr },
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress { feed, addr },
            _ => Self::Socket { feed, addr, source },
        }
    }
}
