//! A port that beats arrive on: datagrams with kernel stamps, on a thread of their own, bound again after trouble.

use super::Inbox;
use super::source::{RETRY, SourceHandle, Stop, Teller};
use crate::clock::RealtimeMap;
use crate::error::LinkError;
use crate::stamp::{BATCH, Batch, StampedSocket};
use cyc_core::{Clock, StageTime};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// From so many datagrams at once on, a port is flooded: a beat's datagrams come singly, or with one or two labels.
const FLOOD: usize = 8;
/// How long a flooded port's packets gather; their stamps are the kernel's and grow no later.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);

/// What makes beats of datagrams; is given each with its sender and the time at which the kernel had it.
pub(crate) trait Listener: Send + 'static {
    /// A datagram came; bad ones are dropped.
    fn datagram(&mut self, bytes: &[u8], source: u64, at: StageTime, teller: &mut Teller);
}

/// Listens on `addr`. A port that cannot be had is no error: it is tried again until it can, and named meanwhile.
///
/// # Errors
/// No thread.
pub(crate) fn listen(
    name: &'static str,
    addr: SocketAddr,
    clock: Arc<dyn Clock>,
    inbox: Inbox,
    listener: impl Listener,
) -> Result<SourceHandle, LinkError> {
    let mut teller = Teller::new(inbox);
    let socket = open(name, addr, &mut teller);
    let local_addr = socket.as_ref().and_then(|socket| socket.local_addr().ok());
    let mut port = Port { name, addr, clock, teller, listener };
    Ok(SourceHandle::spawn(name, move |stop| port.run(socket, stop))?.listening(local_addr))
}

fn open(name: &str, addr: SocketAddr, teller: &mut Teller) -> Option<Arc<StampedSocket>> {
    let opened = StampedSocket::bind_shared(addr).and_then(|socket| {
        if addr.ip().is_multicast() {
            socket.join(addr.ip(), Ipv4Addr::UNSPECIFIED)?;
        }
        Ok(socket)
    });
    match opened {
        Ok(socket) => {
            teller.well();
            Some(Arc::new(socket))
        }
        Err(error) => {
            teller.trouble(format!("{name} cannot listen on {addr}: {}", what_to_do(&error)));
            None
        }
    }
}

fn what_to_do(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use by a program that does not share it; stop that one (`ss -lunp` shows it)".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE, so take a higher one".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has this address (`ip addr` lists them); 0.0.0.0 listens on all, and hears \
             broadcasts"
                .into()
        }
        _ => error.to_string(),
    }
}

/// What the listening thread owns.
struct Port<L> {
    name: &'static str,
    addr: SocketAddr,
    clock: Arc<dyn Clock>,
    teller: Teller,
    listener: L,
}

impl<L: Listener> Port<L> {
    fn run(&mut self, mut socket: Option<Arc<StampedSocket>>, stop: &Stop) {
        while !stop.is_stopped() {
            if let Some(socket) = socket.take() {
                let woken = socket.clone();
                stop.set_waker(Some(Box::new(move |_| woken.wake())));
                self.receive(&socket, stop);
                stop.set_waker(None);
            }
            if !stop.pause(RETRY) {
                socket = open(self.name, self.addr, &mut self.teller);
            }
        }
    }

    /// Until the end, or until the socket fails.
    fn receive(&mut self, socket: &StampedSocket, stop: &Stop) {
        let (mut batch, mut realtime) = (Batch::default(), RealtimeMap::default());
        realtime.refresh(&*self.clock);
        while !stop.is_stopped() {
            match self.turn(socket, &mut batch, &mut realtime, stop) {
                Ok(count) if count >= FLOOD => {
                    stop.pause(FLOOD_PAUSE);
                }
                Ok(_) => {}
                Err(error) => {
                    self.teller.trouble(format!("{} cannot receive on {}: {error}", self.name, self.addr));
                    return;
                }
            }
        }
    }

    fn turn(
        &mut self,
        socket: &StampedSocket,
        batch: &mut Batch,
        realtime: &mut RealtimeMap,
        stop: &Stop,
    ) -> nix::Result<usize> {
        let (listener, teller, clock) = (&mut self.listener, &mut self.teller, &*self.clock);
        let mut read_at = None;
        batch.receive(socket, BATCH, &mut |bytes, arrival| {
            // A socket that was woken for the end returns empty datagrams.
            if stop.is_stopped() {
                return;
            }
            let now = *read_at.get_or_insert_with(|| realtime.refresh(clock));
            let at = arrival.kernel_nanos.map_or(now, |stamp| realtime.stage_time(stamp, now));
            listener.datagram(bytes, arrival.source, at, teller);
        })
    }
}

/// Which of several senders is believed: the first, until it has been silent for [`QUIET_NANOS`].
#[derive(Debug, Default)]
pub(crate) struct Senders {
    believed: Option<(u64, StageTime)>,
    rival: Option<StageTime>,
}

/// A sender that has been silent for this long, nanoseconds, makes room for another.
const QUIET_NANOS: i64 = 1_000_000_000;

impl Senders {
    /// Whether to believe a message of `source`.
    pub(crate) fn believe(&mut self, source: u64, at: StageTime) -> bool {
        let believed = self.believed.is_none_or(|(first, last)| first == source || at.nanos_since(last) > QUIET_NANOS);
        if believed {
            self.believed = Some((source, at));
        } else {
            self.rival = Some(at);
        }
        believed
    }

    /// Whether two senders were heard in the last [`QUIET_NANOS`].
    pub(crate) fn compete(&self, at: StageTime) -> bool {
        self.rival.is_some_and(|rival| at.nanos_since(rival) <= QUIET_NANOS)
    }
}

/// What to say of a port on which only wrong bytes come, and nothing of one where some come among good ones.
#[derive(Debug, Default)]
pub(crate) struct Garbage {
    good: Option<StageTime>,
    said: Option<StageTime>,
}

impl Garbage {
    /// A good message came.
    pub(crate) fn good(&mut self, at: StageTime) {
        self.good = Some(at);
    }

    /// A bad message came; whether to say so: nothing good did lately, and it has not just been said.
    pub(crate) fn is_news(&mut self, at: StageTime) -> bool {
        let lately = |then: Option<StageTime>| then.is_some_and(|then| at.nanos_since(then) <= QUIET_NANOS);
        let news = !lately(self.good) && !lately(self.said);
        if news {
            self.said = Some(at);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sender_is_believed_until_it_is_silent() {
        let mut senders = Senders::default();
        let at = |ms: i64| StageTime(ms * 1_000_000);
        assert!(senders.believe(1, at(0)) && !senders.compete(at(0)));
        assert!(!senders.believe(2, at(20)) && senders.compete(at(20)));
        assert!(senders.believe(1, at(40)));
        assert!(senders.believe(2, at(1041)) && !senders.believe(1, at(1050)));
        assert!(!senders.compete(at(2051)));
    }

    #[test]
    fn garbage_is_named_once_a_second_and_only_where_nothing_good_comes() {
        let mut garbage = Garbage::default();
        assert!(garbage.is_news(StageTime(0)) && !garbage.is_news(StageTime(QUIET_NANOS)));
        garbage.good(StageTime(QUIET_NANOS + 1));
        assert!(!garbage.is_news(StageTime(2 * QUIET_NANOS)) && garbage.is_news(StageTime(2 * QUIET_NANOS + 2)));
    }
}
