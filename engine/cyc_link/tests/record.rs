//! Recording what feeds deliver, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by unwrapping it")]

#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod support;

use cyc_core::{Clock, StageTime};
use cyc_link::record::{RecordError, record};
use cyc_link::{FakeClock, MonotonicClock, StageFeeds};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use support::*;

/// A clock on which things happen while it is waited for.
struct Busy {
    clock: FakeClock,
    meanwhile: Mutex<Box<dyn FnMut() + Send>>,
}

impl Clock for Busy {
    fn now(&self) -> StageTime {
        self.clock.now()
    }

    fn sleep_until(&self, instant: StageTime) {
        (self.meanwhile.lock().unwrap())();
        self.clock.sleep_until(instant);
    }
}

fn start() -> StageFeeds {
    let feeds = vec![feed("a", freed("127.0.0.1:0", Some(1))), feed("b", freed("127.0.0.1:0", Some(2)))];
    StageFeeds::start(&stage(feeds), Arc::new(MonotonicClock)).unwrap()
}

#[test]
fn every_sample_of_every_feed_is_kept_once_and_in_order() {
    let feeds = Arc::new(start());
    let senders = ["a", "b"].map(|id| sender(&feeds, id));
    // One that came before must not count.
    senders[0].send(&message(1, -1.0)).unwrap();
    until("the first packet", || feeds.view("a").unwrap().newest().is_some());
    let (theirs, mut sent) = (feeds.clone(), 0);
    let meanwhile = move || {
        // Packets that are read together may get one stamp, and then count as one; so they are sent singly. More in
        // all than a ring holds.
        let send = |feed: usize, x: i32| {
            let view = theirs.view(["a", "b"][feed]).unwrap();
            let before = view.report().packets;
            senders[feed].send(&message(feed as u8 + 1, f64::from(x) * 0.001)).unwrap();
            until("a packet", || view.report().packets > before);
        };
        for _ in 0..40 {
            sent += 1;
            send(0, sent);
        }
        send(1, sent);
    };
    let clock = Busy { clock: FakeClock::default(), meanwhile: Mutex::new(Box::new(meanwhile)) };
    let heard = RefCell::new(Vec::new());
    let go_on = &mut |counts: &[usize]| {
        heard.borrow_mut().push(counts.to_vec());
        true
    };
    let series = record(&feeds, &["a", "b"], 500_000_000, &clock, go_on).unwrap();
    assert_eq!(series.iter().map(Vec::len).collect::<Vec<_>>(), [400, 10]);
    for (n, (at, pose)) in series[0].iter().enumerate() {
        assert!((pose.position_m.x - (n + 1) as f64 * 0.001).abs() < 1e-4, "{n}");
        assert!(n == 0 || series[0][n - 1].0 < *at);
    }
    assert_eq!(heard.borrow().len(), 10);
    assert_eq!(heard.borrow()[9], [400, 10]);
    assert_eq!(clock.now(), StageTime(500_000_000));
}

#[test]
fn it_ends_early_when_told_and_names_unknown_feeds() {
    let feeds = start();
    let clock = FakeClock::default();
    let series = record(&feeds, &["b"], i64::MAX, &clock, &mut |counts| counts != [0]).unwrap();
    assert_eq!((series, clock.now()), (vec![vec![]], StageTime(50_000_000)));
    let unknown = record(&feeds, &["b", "c"], 1, &clock, &mut |_| true).unwrap_err();
    assert_eq!(unknown, RecordError::UnknownFeed { feed: "c".into() });
}
