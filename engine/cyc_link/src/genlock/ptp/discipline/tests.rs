use super::*;

const TAI: i64 = 1_800_000_000_000_000_000;
const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
/// Between two readings.
const EVERY: i64 = 125 * MS;

/// A reference in virtual time.
struct World {
    monotonic: i64,
    tai: f64,
    ppm: f64,
    noise: i64,
    state: u64,
    loop_: Discipline,
}

impl World {
    fn new(rate: &str, ppm: f64, noise: i64) -> Self {
        let first = Reading { monotonic_nanos: SECOND, tai_nanos: TAI, bracket_nanos: 100 };
        let loop_ = Discipline::new(rate.parse().unwrap(), first);
        Self { monotonic: SECOND, tai: 0.0, ppm, noise, state: 1, loop_ }
    }

    fn tai(&self) -> i64 {
        TAI + self.tai as i64
    }

    fn random(&mut self) -> i64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if self.noise == 0 { 0 } else { (self.state >> 33) as i64 % (2 * self.noise) - self.noise }
    }

    /// Time passes until the next reading, which is taken.
    fn step(&mut self) -> Taken {
        self.monotonic += EVERY;
        self.tai += EVERY as f64 * (1.0 + self.ppm * 1e-6);
        let noise = self.random();
        let tai_nanos = self.tai() + noise;
        self.loop_.take(Reading { monotonic_nanos: self.monotonic, tai_nanos, bracket_nanos: 200 })
    }

    fn run(&mut self, seconds: i64) -> Vec<Taken> {
        let mut stage = self.loop_.line().stage_at(self.monotonic);
        (0..seconds * SECOND / EVERY)
            .map(|_| {
                let taken = self.step();
                let now = self.loop_.line().stage_at(self.monotonic);
                let passed = now - stage;
                assert!((passed - EVERY).abs() <= EVERY / 1000 + 2, "the stage clock jumped: {passed}");
                stage = now;
                taken
            })
            .collect()
    }

    /// TAI minus the stage clock and what is set aside.
    fn error(&self) -> i64 {
        self.tai() - self.loop_.aside_nanos() - self.loop_.line().stage_at(self.monotonic)
    }
}

#[test]
fn a_drifting_card_is_followed_to_its_noise() {
    for ppm in [0.0, 50.0, -100.0] {
        let mut world = World::new("24", ppm, 500);
        world.run(90);
        assert!((world.loop_.slope_ppm() - ppm).abs() < 0.2, "{ppm}: {}", world.loop_.slope_ppm());
        let mut worst = 0;
        for _ in 0..400 {
            world.step();
            worst = worst.max(world.error().abs());
        }
        assert!(worst < 400, "{ppm} ppm: {worst} ns off with noise of +-500");
        assert!(world.loop_.is_settled());
    }
}

#[test]
fn clock_tai_without_drift_stays_where_it_is() {
    let mut world = World::new("24000/1001", 0.0, 30);
    world.run(3600);
    assert!(world.error().abs() < 30 && world.loop_.slope_ppm().abs() < 0.01, "{}", world.error());
}

#[test]
fn an_hour_is_set_aside_in_whole_frames_and_the_rest_is_steered_out() {
    for (rate, step) in [
        ("24", 3_600 * SECOND),
        ("24", -3_600 * SECOND),
        ("24000/1001", 37 * SECOND),
        ("24000/1001", -37 * SECOND),
        ("60000/1001", 123_456_789),
        ("60", 8 * MS),
        ("24", -20 * MS),
        ("120", 300_000),
    ] {
        let mut world = World::new(rate, 20.0, 100);
        world.run(60);
        world.tai += step as f64;
        let taken = world.run(70);
        let stepped: Vec<_> = taken.iter().filter(|t| matches!(t, Taken::Stepped { .. })).collect();
        assert_eq!(stepped.len(), 1, "{rate} {step}");
        // Phase on the reference is what it was: whole frames are aside, nothing else is left.
        assert!(world.error().abs() < 5_000, "{rate} {step}: {}", world.error());
        assert!(world.loop_.is_settled());
        let rate: Rate = rate.parse().unwrap();
        let aside = world.loop_.aside_nanos();
        let frames = rate.frame_at_nanos(aside.abs() + rate.frame_nanos() / 2);
        assert!((rate.nanos_of_frame(frames) - aside.abs()).abs() <= 1, "{rate}: {aside} is no whole frames");
        assert!((step - aside).abs() <= rate.frame_nanos() / 2 + 1, "{rate} {step} {aside}");
    }
}

#[test]
fn a_step_that_is_taken_back_within_three_seconds_was_none() {
    let mut world = World::new("24", 0.0, 50);
    world.run(20);
    world.tai -= SECOND as f64;
    let doubted = world.run(2);
    assert!(doubted.iter().all(|t| matches!(t, Taken::Doubted { off_nanos } if (off_nanos + SECOND).abs() < MS)));
    assert!(world.loop_.doubts().is_some() && !world.loop_.is_settled());
    world.tai += SECOND as f64;
    assert!(world.run(10).iter().all(|t| *t == Taken::Steered));
    assert_eq!(world.loop_.aside_nanos(), 0);
    assert!(world.error().abs() < 1_000 && world.loop_.is_settled());
}

#[test]
fn single_wild_readings_and_torn_ones_move_nothing() {
    let mut world = World::new("24", 30.0, 100);
    world.run(60);
    for n in 0..200 {
        let line = world.loop_.line();
        let wild =
            Reading { monotonic_nanos: world.monotonic + 1, tai_nanos: TAI + n * 7_777_777_777, bracket_nanos: 100 };
        assert!(matches!(world.loop_.take(wild), Taken::Doubted { .. }));
        let torn = Reading { bracket_nanos: MOST_BRACKET_NANOS + 1, ..wild };
        assert_eq!(world.loop_.take(torn), Taken::Torn);
        assert!((world.loop_.line().stage_at(world.monotonic) - line.stage_at(world.monotonic)).abs() <= 1);
        world.run(1);
        assert!(world.error().abs() < 2_000, "{n}: {}", world.error());
    }
}

#[test]
fn a_clock_that_wanders_without_end_is_never_believed() {
    let mut world = World::new("24", 0.0, 50);
    world.run(20);
    // 2000 ppm is no crystal: somebody is setting the clock all the time.
    world.ppm = 2_000.0;
    let taken = world.run(60);
    assert!(!taken.iter().any(|t| matches!(t, Taken::Stepped { .. })));
    assert!(!world.loop_.is_settled());
    world.ppm = 0.0;
    world.run(40);
    assert!(world.loop_.is_settled());
    assert!(world.error().abs() < 5_000, "{}", world.error());
}

#[test]
fn readings_at_the_ends_of_time_do_no_harm() {
    let mut world = World::new("24", 0.0, 0);
    for tai_nanos in [i64::MIN, i64::MAX, 0] {
        for monotonic_nanos in [world.monotonic, world.monotonic + 10 * SECOND, i64::MAX, i64::MIN] {
            world.loop_.take(Reading { monotonic_nanos, tai_nanos, bracket_nanos: 0 });
        }
    }
}
