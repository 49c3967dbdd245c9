//! A UDP socket that reads datagrams in batches, each with the kernel's receive stamp.
//!
//! SO_TIMESTAMPNS stamps a packet when it enters the host, before any thread wakes up; SO_RXQ_OVFL counts what
//! the kernel dropped because nobody read (socket(7)).

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrLike, SockaddrStorage, recvmmsg, setsockopt, sockopt,
};
use nix::sys::time::{TimeSpec, TimeValLike};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;

/// Receive buffer that is asked for, in bytes; the kernel may give less (net.core.rmem_max).
pub(crate) const RECEIVE_BUFFER: usize = 1 << 20;
/// Most datagrams of one system call.
pub const BATCH: usize = 32;
/// Largest UDP datagram, in bytes.
const DATAGRAM: usize = 65_536;

/// What is known about a datagram besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// CLOCK_REALTIME in nanoseconds when the kernel received it; `None` if the kernel did not say.
    pub kernel_nanos: Option<i64>,
    /// A number that differs between senders (address and port).
    pub source: u64,
}

/// A bound UDP socket with receive stamps.
#[derive(Debug)]
pub struct StampedSocket {
    socket: Socket,
}

impl StampedSocket {
    /// Binds `addr`. A unicast port that somebody else has is an error; a multicast group may be shared with
    /// other programs, and hears nothing before [`StampedSocket::join`].
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        Self::open(addr, addr.ip().is_multicast())
    }

    /// Binds `addr` and shares it with every other program that is ready to share: all of them hear broadcasts,
    /// as Art-Net wants it, and the newest one alone what is sent to the address itself.
    pub fn bind_shared(addr: SocketAddr) -> io::Result<Self> {
        Self::open(addr, true)
    }

    fn open(addr: SocketAddr, shared: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::RxqOvfl, &1)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        if shared {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&addr.into())?;
        Ok(Self { socket })
    }

    /// Joins a multicast group on the interface with this address (0.0.0.0: the system's choice; IPv6 groups
    /// are always joined on the system's choice).
    pub fn join(&self, group: IpAddr, interface: Ipv4Addr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                // Otherwise the group's packets come in from every interface that any program has joined it on.
                self.socket.set_multicast_all_v4(false)?;
                self.socket.join_multicast_v4(&group, &interface)
            }
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, 0),
        }
    }

    /// The address it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()?.as_socket().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
    }

    /// Size of the kernel's receive buffer in bytes (Linux reports twice what was asked for).
    pub fn receive_buffer(&self) -> io::Result<usize> {
        self.socket.recv_buffer_size()
    }

    /// Ends the waiting in [`Batch::receive`] for good: from now on it returns at once, with empty datagrams.
    pub fn wake(&self) {
        // An unconnected socket answers "not connected" and wakes its reader all the same (Linux, inet_shutdown).
        // A read timeout instead would arm a timer for every packet.
        let _ = self.socket.shutdown(std::net::Shutdown::Read);
    }
}

/// Buffers for one reading thread; nothing is allocated per packet.
pub struct Batch {
    bytes: Vec<u8>,
    headers: MultiHeaders<SockaddrStorage>,
    kernel_drops: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bytes: vec![0; BATCH * DATAGRAM], headers: headers(), kernel_drops: 0 }
    }
}

impl Batch {
    /// Waits for a datagram, takes up to `most` that are there (at most [`BATCH`]) and hands each to `datagram`;
    /// returns how many there were.
    ///
    /// Ask for one while they come one at a time: every further one costs a look into an empty queue and memory
    /// that has gone cold since the packet before.
    pub fn receive(
        &mut self,
        socket: &StampedSocket,
        most: usize,
        datagram: &mut dyn FnMut(&[u8], Arrival),
    ) -> Result<usize, Errno> {
        let fd = socket.socket.as_raw_fd();
        let mut chunks = self.bytes.chunks_mut(DATAGRAM);
        let mut slices: [_; BATCH] = std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let slices = slices.iter_mut().take(most);
        let messages = match recvmmsg(fd, &mut self.headers, slices, MsgFlags::MSG_WAITFORONE, None) {
            Ok(messages) => messages,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(0),
            Err(other) => return Err(other),
        };
        let (mut count, mut truncated) = (0, false);
        for message in messages {
            let (kernel_nanos, drops) = control(&message).unwrap_or_else(|_| {
                truncated = true;
                (None, None)
            });
            self.kernel_drops = drops.unwrap_or(self.kernel_drops);
            let arrival = Arrival { kernel_nanos, source: source(message.address.as_ref()) };
            datagram(message.iovs().next().unwrap_or_default(), arrival);
            count += 1;
        }
        // The kernel shortens a header's control space to what it used, and the first drop counter needs more.
        if truncated {
            self.headers = headers();
        }
        Ok(count)
    }

    /// Datagrams that the kernel dropped since the socket was opened because its buffer was full.
    pub fn kernel_drops(&self) -> u32 {
        self.kernel_drops
    }
}

fn headers() -> MultiHeaders<SockaddrStorage> {
    MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(TimeSpec, u32)))
}

/// Receive stamp and drop counter.
fn control(message: &RecvMsg<SockaddrStorage>) -> Result<(Option<i64>, Option<u32>), Errno> {
    let (mut stamp, mut drops) = (None, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(at) => stamp = Some(at.num_nanoseconds()),
            ControlMessageOwned::RxqOvfl(count) => drops = Some(count),
            _ => {}
        }
    }
    Ok((stamp, drops))
}

/// Address and port as one number; IPv6 addresses are folded.
fn source(address: Option<&SockaddrStorage>) -> u64 {
    let Some(address) = address.filter(|a| a.family().is_some()) else { return 0 };
    if let Some(v4) = address.as_sockaddr_in() {
        return u64::from(u32::from(v4.ip())) << 16 | u64::from(v4.port());
    }
    let Some(v6) = address.as_sockaddr_in6() else { return 0 };
    let [a, b] = [v6.ip().to_bits() as u64, (v6.ip().to_bits() >> 64) as u64];
    a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.rotate_left(17) ^ u64::from(v6.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::realtime_nanos;
    use std::net::UdpSocket;
    use std::time::Duration;

    fn pair() -> (StampedSocket, UdpSocket) {
        let receiver = StampedSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        // So that a test that gets less than it waits for fails instead of hanging.
        receiver.socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (receiver, sender)
    }

    fn drain(socket: &StampedSocket, want: usize) -> Vec<(Vec<u8>, Arrival)> {
        let (mut batch, mut got) = (Batch::default(), Vec::new());
        for _ in 0..50 {
            if got.len() >= want {
                break;
            }
            batch.receive(socket, BATCH, &mut |bytes, arrival| got.push((bytes.to_vec(), arrival))).unwrap();
        }
        got
    }

    #[test]
    fn every_datagram_comes_whole_in_order_and_stamped() {
        let (receiver, sender) = pair();
        for n in 0..40_u16 {
            sender.send(&vec![n as u8; usize::from(n) * 37]).unwrap();
        }
        let got = drain(&receiver, 40);
        assert_eq!(got.len(), 40);
        for (n, (bytes, arrival)) in got.iter().enumerate() {
            assert_eq!(bytes, &vec![n as u8; n * 37]);
            assert!(arrival.kernel_nanos.is_some());
        }
        assert!(got.windows(2).all(|w| w[0].1.kernel_nanos <= w[1].1.kernel_nanos));
    }

    #[test]
    fn a_stamp_tells_when_the_packet_came_and_not_when_it_was_read() {
        let (receiver, sender) = pair();
        // Linux switches stamping on in the background when the first socket on the machine asks for it, and
        // until then stamps at the read; once it is on, every stamp lies before the read began.
        let stamped_on_arrival = (0..1000).any(|_| {
            let before = realtime_nanos();
            sender.send(b"x").unwrap();
            std::thread::yield_now();
            let read = realtime_nanos();
            let stamp = drain(&receiver, 1)[0].1.kernel_nanos.unwrap();
            assert!(stamp >= before && stamp <= realtime_nanos());
            stamp < read
        });
        assert!(stamped_on_arrival);
    }

    #[test]
    fn senders_are_told_apart() {
        let (receiver, a) = pair();
        let b = UdpSocket::bind("127.0.0.1:0").unwrap();
        a.send(b"a").unwrap();
        b.send_to(b"b", receiver.local_addr().unwrap()).unwrap();
        a.send(b"a").unwrap();
        let got = drain(&receiver, 3);
        let sources: Vec<u64> = got.iter().map(|(_, arrival)| arrival.source).collect();
        assert_eq!(sources[0], sources[2]);
        assert_ne!(sources[0], sources[1]);
    }

    #[test]
    fn the_largest_datagram_fits() {
        let (receiver, sender) = pair();
        sender.send(&[7; 65_507]).unwrap();
        assert_eq!(drain(&receiver, 1)[0].0.len(), 65_507);
    }

    #[test]
    fn what_the_kernel_drops_is_counted_and_stamps_survive_it() {
        let (receiver, sender) = pair();
        let big = [0_u8; 60_000];
        // Well beyond any receive buffer the kernel can have given.
        let sent = receiver.receive_buffer().unwrap() / big.len() * 2 + 200;
        for _ in 0..sent {
            sender.send(&big).unwrap();
        }
        let (mut batch, mut got) = (Batch::default(), 0);
        while batch.receive(&receiver, BATCH, &mut |_, _| got += 1).unwrap() > 0 {}
        assert!(got < sent);
        // The counter travels with the next packet that is let in.
        sender.send(b"after").unwrap();
        let mut stamps = Vec::new();
        batch.receive(&receiver, BATCH, &mut |_, arrival| stamps.push(arrival.kernel_nanos)).unwrap();
        sender.send(b"after").unwrap();
        batch.receive(&receiver, BATCH, &mut |_, arrival| stamps.push(arrival.kernel_nanos)).unwrap();
        assert_eq!(got + batch.kernel_drops() as usize, sent);
        assert!(stamps[1].is_some(), "headers grow back after the first drop: {stamps:?}");
    }

    #[test]
    fn waking_ends_a_wait_for_good() {
        let socket = StampedSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        std::thread::scope(|scope| {
            let reader =
                scope.spawn(|| Batch::default().receive(&socket, 1, &mut |bytes, _| assert!(bytes.is_empty())));
            socket.wake();
            reader.join().unwrap().unwrap();
        });
        Batch::default().receive(&socket, 1, &mut |bytes, _| assert!(bytes.is_empty())).unwrap();
    }

    #[test]
    fn the_receive_buffer_holds_a_mebibyte_where_the_system_allows_it() {
        let allowed: usize =
            std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default().trim().parse().unwrap_or(0);
        let (receiver, _) = pair();
        assert!(receiver.receive_buffer().unwrap() >= RECEIVE_BUFFER.min(allowed));
    }
}
