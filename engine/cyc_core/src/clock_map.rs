//! Device time to stage time.
//!
//! A packet that left at device time `d` arrives at `r = offset + (1 + skew) d + delay`, and the delay of a
//! network is never negative. So the map is the line *under* all points `(d, r - d)`: of the lines that no point
//! lies below, the one closest to the points, an edge of their lower convex hull (Moon, Skelly and Towsley,
//! "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999). Each second of packets
//! counts with its second lowest point, so that one wrong stamp moves nothing.

use crate::StageTime;

/// Packets of one bucket of device time share a minimum.
const BUCKET_SECS: f64 = 1.0;
/// How many buckets the line rests on.
const BUCKETS: usize = 24;
/// Below this span the skew cannot be told from jitter and counts as zero.
const SKEW_SPAN_SECS: f64 = 2.0;
/// No crystal worth its name is further off.
const MAX_SKEW: f64 = 200e-6;
/// A point further from the line than this is a wrong stamp or a stepped clock.
const STEP_NANOS: f64 = 0.5e9;
/// So many points in a row that agree with each other are a stepped clock.
const STEP_SAMPLES: u32 = 5;
/// The delay floor of a network does not move by more than this for long; a device clock that was set does.
const SHIFT_NANOS: f64 = 10e6;
/// How many whole buckets a risen floor must last.
const RISE_BUCKETS: usize = 3;
/// A capture time is never taken as older than this before its packet's arrival.
const MAX_DELAY_NANOS: i64 = 1_000_000_000;

/// Maps one device's clock (nanoseconds since an epoch of its own) to stage time.
#[derive(Debug, Clone, Default)]
pub struct ClockMap {
    locked: Option<Locked>,
    /// A possible new time base: its first point and how many have agreed with it.
    pending: Option<(Origin, u32)>,
}

/// A pair of simultaneous readings, from which all others are counted.
#[derive(Debug, Clone, Copy)]
struct Origin {
    device: i64,
    stage: i64,
}

#[derive(Debug, Clone)]
struct Locked {
    origin: Origin,
    /// Oldest first, at most [`BUCKETS`].
    buckets: Vec<Bucket>,
    line: Line,
    newest_device: i64,
}

/// The two lowest points of a stretch of device time.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    index: i64,
    lowest: Point,
    second: Point,
}

/// Seconds of device time since the origin; nanoseconds by which stage time ran ahead of device time since then.
#[derive(Debug, Clone, Copy)]
struct Point {
    secs: f64,
    ahead: f64,
}

/// `ahead = at_zero + slope * secs`, nanoseconds and nanoseconds per second.
#[derive(Debug, Clone, Copy)]
struct Line {
    at_zero: f64,
    slope: f64,
}

impl ClockMap {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns from a packet: what the device's clock said, and when it arrived.
    ///
    /// The first packet sets the map. A stamp more than half a second off the map is set aside; five in a row
    /// that agree with each other are a clock that was set, and start a new map.
    pub fn observe(&mut self, device_nanos: i64, received: StageTime) {
        self.accept(device_nanos, received);
    }

    /// The stage time at which the device's clock showed `device_nanos`, up to the least delay of the network;
    /// `None` before the first packet. Saturates.
    pub fn to_stage(&self, device_nanos: i64) -> Option<StageTime> {
        self.locked.as_ref().map(|locked| locked.to_stage(device_nanos))
    }

    /// Learns from a packet and says when it was captured: never after `received`, nor more than a second before.
    ///
    /// A stamp that was set aside says nothing: such a packet counts as captured when it arrived.
    pub fn capture(&mut self, device_nanos: i64, received: StageTime) -> StageTime {
        if !self.accept(device_nanos, received) {
            return received;
        }
        let mapped = self.to_stage(device_nanos).unwrap_or(received);
        mapped.clamp(received.plus_nanos(-MAX_DELAY_NANOS), received)
    }

    /// Stage time minus device time at the newest packet, in nanoseconds; saturates.
    pub fn offset_nanos(&self) -> Option<i64> {
        let newest = self.locked.as_ref()?.newest_device;
        self.to_stage(newest).map(|stage| stage.0.saturating_sub(newest))
    }

    /// By how much stage time runs faster than the device's clock, in parts per million; 0 in the first seconds.
    pub fn skew_ppm(&self) -> Option<f64> {
        self.locked.as_ref().map(|locked| locked.line.slope * 1e-3)
    }

    /// Whether the stamp fits the map (after it may have started a new one).
    fn accept(&mut self, device: i64, received: StageTime) -> bool {
        let here = Origin { device, stage: received.0 };
        let fits = self.locked.as_ref().is_some_and(|locked| locked.distance(here).abs() <= STEP_NANOS);
        if fits {
            self.pending = None;
            if let Some(locked) = &mut self.locked {
                locked.add(here);
            }
        } else if self.locked.is_none() || self.stepped(here) {
            self.pending = None;
            self.locked = Some(Locked::new(here));
        } else {
            return false;
        }
        true
    }

    /// Counts points in a row that agree on another time base.
    fn stepped(&mut self, here: Origin) -> bool {
        let agree = |first: &Origin| first.point(here).ahead.abs() <= 0.5 * STEP_NANOS;
        let (first, count) = match self.pending.filter(|(first, _)| agree(first)) {
            Some((first, count)) => (first, count + 1),
            None => (here, 1),
        };
        self.pending = Some((first, count));
        count >= STEP_SAMPLES
    }
}

impl Origin {
    fn point(self, other: Origin) -> Point {
        // Differences of any two i64 fit i128; how far stage time is ahead is small wherever it matters.
        let device = i128::from(other.device) - i128::from(self.device);
        let stage = i128::from(other.stage) - i128::from(self.stage);
        Point { secs: device as f64 * 1e-9, ahead: (stage - device) as f64 }
    }
}

impl Locked {
    fn new(origin: Origin) -> Self {
        let start = Point { secs: 0.0, ahead: 0.0 };
        let bucket = Bucket { index: 0, lowest: start, second: start };
        Self { origin, buckets: vec![bucket], line: Line { at_zero: 0.0, slope: 0.0 }, newest_device: origin.device }
    }

    fn to_stage(&self, device: i64) -> StageTime {
        let elapsed = i128::from(device) - i128::from(self.origin.device);
        let ahead = self.line.at(elapsed as f64 * 1e-9).round() as i128;
        let stage = i128::from(self.origin.stage) + elapsed + ahead;
        StageTime(stage.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }

    /// How far a point lies above the line, nanoseconds: its delay, if all is well.
    fn distance(&self, here: Origin) -> f64 {
        let point = self.origin.point(here);
        point.ahead - self.line.at(point.secs)
    }

    fn add(&mut self, here: Origin) {
        let point = self.origin.point(here);
        let index = (point.secs / BUCKET_SECS).floor() as i64;
        self.newest_device = self.newest_device.max(here.device);
        match self.buckets.iter_mut().rev().find(|bucket| bucket.index == index) {
            Some(bucket) => bucket.add(point),
            None => self.open(Bucket { index, lowest: point, second: point }),
        }
        self.forget_if_set_forward();
        self.line = line_under(&self.buckets);
    }

    /// A newest second far below the line is another time base (or the end of a jam): what was before misleads.
    fn forget_if_set_forward(&mut self) {
        let Some((newest, older)) = self.buckets.split_last() else { return };
        if newest.is_settled() && newest.second.ahead - self.line.at(newest.second.secs) < -SHIFT_NANOS {
            self.buckets.drain(..older.len());
        }
    }

    /// Opens a new bucket; the one before is whole now.
    fn open(&mut self, bucket: Bucket) {
        let at = self.buckets.partition_point(|other| other.index < bucket.index);
        if at < self.buckets.len() {
            return; // A late packet of a second of which nothing else came: it has nothing to say.
        }
        if let Some(recent) = self.buckets.len().checked_sub(RISE_BUCKETS).filter(|&recent| recent > 0) {
            let risen = |bucket: &Bucket| bucket.second.ahead - self.line.at(bucket.second.secs) > SHIFT_NANOS;
            if self.buckets[recent..].iter().all(risen) {
                self.buckets.drain(..recent);
            }
        }
        if self.buckets.len() == BUCKETS {
            self.buckets.remove(0);
        }
        self.buckets.push(bucket);
    }
}

impl Bucket {
    /// Whether it holds two points, so that one may be wrong.
    fn is_settled(&self) -> bool {
        self.lowest.secs != self.second.secs
    }

    fn add(&mut self, point: Point) {
        let alone = !self.is_settled();
        if point.ahead < self.lowest.ahead {
            (self.second, self.lowest) = (self.lowest, point);
        } else if alone || point.ahead < self.second.ahead {
            self.second = point;
        }
    }
}

impl Line {
    fn at(self, secs: f64) -> f64 {
        self.at_zero + self.slope * secs
    }
}

/// The line that no bucket's point lies below and that is closest to all of them, within the skew of real clocks.
fn line_under(buckets: &[Bucket]) -> Line {
    // A bucket just opened holds one point, which may be wrong; the others speak for it.
    let settled = buckets.iter().filter(|bucket| bucket.is_settled()).map(|bucket| bucket.second);
    let points: Vec<Point> = if settled.clone().next().is_some() {
        settled.collect()
    } else {
        buckets.iter().map(|bucket| bucket.second).collect()
    };
    let slope = hull_slope(&points).clamp(-MAX_SKEW * 1e9, MAX_SKEW * 1e9);
    let at_zero = points.iter().map(|point| point.ahead - slope * point.secs).fold(f64::INFINITY, f64::min);
    Line { at_zero: if at_zero.is_finite() { at_zero } else { 0.0 }, slope }
}

/// The slope of the lower hull's edge over the mean of the points, nanoseconds per second; 0 where they span too little.
fn hull_slope(points: &[Point]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    if last.secs - first.secs < SKEW_SPAN_SECS {
        return 0.0;
    }
    let mut hull: Vec<Point> = Vec::with_capacity(points.len());
    for &point in points {
        while let [.., a, b] = hull[..]
            && slope(a, b) >= slope(a, point)
        {
            hull.pop();
        }
        hull.push(point);
    }
    let mean = points.iter().map(|point| point.secs).sum::<f64>() / points.len() as f64;
    let edge = hull.windows(2).find(|edge| edge[1].secs >= mean);
    edge.map_or(0.0, |edge| slope(edge[0], edge[1]))
}

fn slope(a: Point, b: Point) -> f64 {
    (b.ahead - a.ahead) / (b.secs - a.secs).max(1e-9)
}
