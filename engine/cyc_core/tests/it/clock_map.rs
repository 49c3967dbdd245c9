use crate::support::{Noise, quantile};
use cyc_core::{ClockMap, StageTime};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const STAGE_EPOCH: i64 = 1_795_183_237_123_456_789;
const DEVICE_EPOCH: i64 = 42 * SECOND;

/// A device whose clock runs `skew` fast, over a network that adds only ever delay.
struct Device {
    skew: f64,
    rate: f64,
    jitter: f64,
    outliers: f64,
    noise: Noise,
    /// Added to the device's clock.
    set: i64,
}

impl Device {
    fn usual(rate: f64) -> Self {
        Self { skew: 50e-6, rate, jitter: 500e3, outliers: 0.01, noise: Noise(7), set: 0 }
    }

    /// True stage time, device stamp, receive stamp of packet `n`.
    fn packet(&mut self, n: u64) -> (i64, i64, StageTime) {
        let elapsed = n as f64 / self.rate * 1e9;
        let device = DEVICE_EPOCH + self.set + (elapsed * (1.0 + self.skew)) as i64;
        let outlier = if self.noise.unit() < self.outliers { 5e6 } else { 0.0 };
        let delay = self.jitter * self.noise.normal().abs() + outlier;
        let sent = STAGE_EPOCH + elapsed as i64;
        (sent, device, StageTime(sent + delay as i64))
    }
}

/// Residuals against the truth after each packet, nanoseconds, for packets from `from` seconds on.
fn residuals(device: &mut Device, seconds: f64, from: f64) -> Vec<f64> {
    let mut map = ClockMap::new();
    let mut residuals = vec![];
    for n in 0..(seconds * device.rate) as u64 {
        let (sent, stamp, received) = device.packet(n);
        map.observe(stamp, received);
        if n as f64 >= from * device.rate {
            residuals.push((map.to_stage(stamp).unwrap().0 - sent) as f64);
        }
    }
    residuals
}

fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn one_sided_jitter_leaves_tens_of_microseconds() {
    for (rate, settled_rms, settled_max, early_max) in
        [(120.0, 20e3, 60e3, 200e3), (24.0, 60e3, 150e3, 600e3), (240.0, 15e3, 40e3, 150e3)]
    {
        for skew in [50e-6, -50e-6, 180e-6, 0.0] {
            let all = residuals(&mut Device { skew, ..Device::usual(rate) }, 120.0, 0.5);
            let (early, settled) = all.split_at((9.5 * rate) as usize);
            let max = quantile(&mut settled.iter().map(|x| x.abs()).collect::<Vec<_>>(), 1.0);
            let early = quantile(&mut early.iter().map(|x| x.abs()).collect::<Vec<_>>(), 1.0);
            println!(
                "{rate} Hz, {:.0} ppm: rms {:.1} us, max {:.1} us, first 10 s max {:.1} us",
                skew * 1e6,
                rms(settled) * 1e-3,
                max * 1e-3,
                early * 1e-3
            );
            assert!(rms(settled) < settled_rms && max < settled_max && early < early_max);
        }
    }
}

#[test]
fn skew_and_offset_are_found() {
    let mut device = Device::usual(120.0);
    let mut map = ClockMap::new();
    assert_eq!((map.to_stage(5), map.offset_nanos(), map.skew_ppm()), (None, None, None));
    let mut truth = 0;
    for n in 0..120 * 30 {
        let (sent, stamp, received) = device.packet(n);
        map.observe(stamp, received);
        truth = sent - stamp;
    }
    // A fast device clock is a slow stage clock, seen from the device.
    assert!((map.skew_ppm().unwrap() + 50.0).abs() < 3.0, "{:?}", map.skew_ppm());
    assert!((map.offset_nanos().unwrap() - truth).abs() < 50_000);
}

#[test]
fn one_wrong_stamp_moves_nothing() {
    for wrong in [i64::MAX, i64::MIN, 0, DEVICE_EPOCH + 3600 * SECOND, -1, 400_000_000, -400_000_000, 5_000_000] {
        let mut device = Device::usual(120.0);
        let mut map = ClockMap::new();
        for n in 0..120 * 10 {
            let (sent, stamp, received) = device.packet(n);
            if n % 240 == 200 {
                let wrong = if wrong.unsigned_abs() < SECOND as u64 { stamp + wrong } else { wrong };
                let before = map.to_stage(stamp).unwrap();
                let capture = map.capture(wrong, received);
                assert!(capture <= received && received.nanos_since(capture) <= SECOND);
                assert!((map.to_stage(stamp).unwrap().nanos_since(before)).abs() < 200_000, "{wrong}");
            }
            let capture = map.capture(stamp, received);
            assert!(capture <= received);
            assert!(n < 240 || (capture.0 - sent).abs() < 200_000, "packet {n}, wrong {wrong}: {}", capture.0 - sent);
        }
    }
}

#[test]
fn a_clock_that_was_set_is_found_again() {
    for step in [3600 * SECOND, -3600 * SECOND, 600_000_000, 100_000_000, 30_000_000] {
        let mut device = Device::usual(120.0);
        let mut map = ClockMap::new();
        for n in 0..120 * 60 {
            if n == 120 * 30 {
                device.set = step;
            }
            let (sent, stamp, received) = device.packet(n);
            let capture = map.capture(stamp, received);
            assert!(capture <= received && received.nanos_since(capture) <= SECOND);
            let settled = !(120 * 30..120 * 31).contains(&n) && n > 240;
            // Five packets without a map count as captured when they arrived.
            assert!(!settled || (capture.0 - sent).abs() < 1_000_000, "{step}: packet {n} off by {}", capture.0 - sent);
            if n == 120 * 30 + 60 && step.abs() > SECOND {
                let off = map.to_stage(stamp).unwrap().0 - sent;
                assert!(off.abs() < 1_000_000, "{step}: off by {off} after half a second");
            }
        }
    }
}

/// Back by less than half a second looks like a slower network at first.
#[test]
fn a_small_step_back_is_found_within_seconds() {
    let mut device = Device::usual(120.0);
    let mut map = ClockMap::new();
    for n in 0..120 * 60 {
        if n == 120 * 30 {
            device.set = -100_000_000;
        }
        let (sent, stamp, received) = device.packet(n);
        let capture = map.capture(stamp, received);
        assert!(capture <= received);
        assert!(n < 120 * 36 || (capture.0 - sent).abs() < 1_000_000, "packet {n} off by {}", capture.0 - sent);
    }
}

#[test]
fn silence_does_not_unlearn() {
    let mut device = Device::usual(120.0);
    let mut map = ClockMap::new();
    for n in (0..120 * 30).chain(120 * 90..120 * 91) {
        let (sent, stamp, received) = device.packet(n);
        map.observe(stamp, received);
        if n >= 120 * 90 {
            let off = map.to_stage(stamp).unwrap().0 - sent;
            assert!(off.abs() < 500_000, "off by {off} after a minute of silence");
        }
    }
}

proptest! {
    #[test]
    fn total(packets in prop::collection::vec((any::<i64>(), any::<i64>()), 1..60), ask: i64) {
        let mut map = ClockMap::new();
        for (device, received) in packets {
            let received = StageTime(received);
            let capture = map.capture(device, received);
            prop_assert!(capture <= received);
            prop_assert!(capture >= received.plus_nanos(-SECOND));
        }
        prop_assert!(map.to_stage(ask).is_some());
        prop_assert!(map.offset_nanos().is_some() && map.skew_ppm().unwrap().abs() <= 200.0 + 1e-9);
    }

    #[test]
    fn any_order_of_near_stamps(near in prop::collection::vec((-SECOND..SECOND, -SECOND..SECOND), 1..200), ask: i64) {
        let mut map = ClockMap::new();
        for (i, (device, received)) in near.into_iter().enumerate() {
            let received = StageTime(STAGE_EPOCH + i as i64 * 8_000_000 + received);
            let capture = map.capture(i as i64 * 8_000_000 + device, received);
            prop_assert!(capture <= received && capture >= received.plus_nanos(-SECOND));
        }
        prop_assert!(map.to_stage(ask).is_some());
    }
}
