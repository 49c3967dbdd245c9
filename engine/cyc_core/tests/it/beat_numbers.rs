use crate::beat_source::{EPOCH, SECOND, Source, off, rms};
use cyc_core::beat::{Beat, BeatLoop, Jitter};

#[test]
fn explore() {
    for (rate, sigma, outliers, jitter) in [
        ("60", 100e3, 0.0, Jitter::Symmetric),
        ("60", 500e3, 0.01, Jitter::Symmetric),
        ("24", 100e3, 0.0, Jitter::Symmetric),
        ("24", 500e3, 0.01, Jitter::Symmetric),
        ("60", 100e3, 0.0, Jitter::OneSided),
        ("60", 500e3, 0.01, Jitter::OneSided),
        ("24", 500e3, 0.01, Jitter::OneSided),
        ("120", 500e3, 0.01, Jitter::OneSided),
        ("24", 3000e3, 0.01, Jitter::OneSided),
        ("24", 3000e3, 0.01, Jitter::Symmetric),
        ("30", 1e3, 0.0, Jitter::Symmetric),
    ] {
        for seed in [1, 2, 3] {
            let mut source = Source {
                skew: 50e-6,
                sigma,
                outliers,
                jitter,
                noise: crate::support::Noise(seed),
                ..Source::new(rate, EPOCH)
            };
            let r = rate.parse().unwrap();
            let mut beat = BeatLoop::new(r, r, jitter, EPOCH.plus_nanos(-(seed as i64) * 5_000_000)).unwrap();
            let mut offs = vec![];
            let mut outside = 0;
            let mut locked_at = None;
            let mut unc = 0.0;
            let mut events = vec![];
            while source.at < EPOCH.plus_nanos(600 * SECOND) {
                let (left, heard) = source.next();
                if let Some(heard) = heard {
                    beat.pulse(heard, None);
                }
                events.extend(std::iter::from_fn(|| beat.poll(left)));
                let beat = &beat;
                let o = off(beat, left) as f64;
                offs.push((left.secs_since(EPOCH), o));
                let s = beat.sync(left);
                if s.state == cyc_core::LockState::Locked && locked_at.is_none() {
                    locked_at = Some(left.secs_since(EPOCH));
                }
                if locked_at.is_some() && o.abs() > s.uncertainty_ns as f64 {
                    outside += 1;
                }
                unc = s.uncertainty_ns as f64;
            }
            let part =
                |a: f64, b: f64| rms(&offs.iter().filter(|(t, _)| (a..b).contains(t)).map(|x| x.1).collect::<Vec<_>>());
            println!(
                "{rate} {sigma} {jitter:?} lock {:?} rms us 1-2 {:.1} 2-3 {:.1} 3-4 {:.1} 4-5 {:.1} 5-6 {:.1} 6-7 {:.1} 7-10 {:.1} 10-30 {:.1} 30- {:.1}, outside {outside} of {} unc {:.1} resid {:.1} ppm {:.2} {:?}",
                locked_at,
                part(1., 2.) / 1e3,
                part(2., 3.) / 1e3,
                part(3., 4.) / 1e3,
                part(4., 5.) / 1e3,
                part(5., 6.) / 1e3,
                part(6., 7.) / 1e3,
                part(7., 10.) / 1e3,
                part(10., 30.) / 1e3,
                part(30., 600.) / 1e3,
                offs.len(),
                unc / 1e3,
                beat.residual_nanos().unwrap_or(0.0) / 1e3,
                beat.measured_ppm().unwrap_or(0.0),
                events.iter().take(5).collect::<Vec<_>>()
            );
        }
    }
}
