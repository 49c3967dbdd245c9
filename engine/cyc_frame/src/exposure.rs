//! When a camera's sensor lines expose a wall frame.
//!
//! A wall frame is lit from its display time for one frame of the stage. A camera's exposure begins `phase_deg` of a
//! camera frame after a beat of its own, which coincides with the stage's; the first line exposes for `angle_deg`, and
//! the lines follow over `readout_ms` (SMPTE RP 2077 and the makers' notes on rolling shutters).

use cyc_core::{Rate, StageTime};
use cyc_stage::stage::Exposure;

/// The instants at which the first, the middle and the last line of a sensor are exposed: centroids of the light that
/// each collects from one wall frame.
pub type LineInstants = [StageTime; 3];

/// When the sensor lines of a camera see the wall frame that is lit from `display_time` on, for one frame of `wall`;
/// without a shutter, the display time itself.
///
/// A camera slower than the wall sees several wall frames in one exposure: each is drawn for the part of the exposure
/// that falls on it, or for its own middle where none does. A faster one exposes several times during a wall frame,
/// which is drawn for the middle of them all.
pub fn line_instants(display_time: StageTime, wall: Rate, exposure: &Exposure) -> LineInstants {
    let Some(shutter) = exposure.shutter else { return [display_time; 3] };
    let frame = 1e9 * f64::from(exposure.rate.den()) / f64::from(exposure.rate.num());
    let lit = 1e9 * f64::from(wall.den()) / f64::from(wall.num());
    let open = shutter.angle_deg / 360.0 * frame;
    let begin = shutter.phase_deg / 360.0 * frame;
    let centroid = if frame > 1.5 * lit {
        // Where the camera's frame began, before this wall frame.
        let since = (display_time.0 as f64).rem_euclid(frame);
        let since = if frame - since < 1e3 { 0.0 } else { since };
        let (from, to) = ((begin - since).max(0.0), (begin - since + open).min(lit));
        if from < to { 0.5 * (from + to) } else { 0.5 * lit }
    } else {
        let exposures = (lit / frame).round().max(1.0);
        begin + 0.5 * (open + (exposures - 1.0) * frame)
    };
    let readout = shutter.readout_ms * 1e6;
    [0.0, 0.5, 1.0].map(|part| display_time.plus_nanos((centroid + part * readout).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyc_stage::stage::Shutter;

    const SHUTTER: Shutter = Shutter { angle_deg: 180.0, phase_deg: 0.0, readout_ms: 15.0, lines_down: true };

    fn after_display(wall: &str, camera: &str, shutter: Shutter) -> [i64; 3] {
        let exposure = Exposure { rate: camera.parse().unwrap(), shutter: Some(shutter) };
        line_instants(StageTime(0), wall.parse().unwrap(), &exposure).map(|at| at.0)
    }

    #[test]
    fn the_middle_line_is_half_the_shutter_and_half_the_readout_late() {
        // 180 degrees at 24 fps: open for 20.833 ms.
        assert_eq!(after_display("24", "24", SHUTTER), [10_416_667, 17_916_667, 25_416_667]);
        let later = Shutter { phase_deg: 90.0, ..SHUTTER };
        assert_eq!(after_display("24", "24", later)[1], 17_916_667 + 10_416_666);
        let global = Shutter { readout_ms: 0.0, ..SHUTTER };
        assert_eq!(after_display("25", "25", global), [10_000_000; 3]);
    }

    #[test]
    fn a_camera_of_twice_the_rate_is_served_between_its_two_exposures() {
        // Exposures from 0 to 10.417 ms and from 20.833 to 31.25 ms.
        let global = Shutter { readout_ms: 0.0, ..SHUTTER };
        assert_eq!(after_display("24", "48", global)[1], 15_625_000);
    }

    #[test]
    fn a_slow_camera_sees_each_wall_frame_for_its_own_part_of_the_exposure() {
        let exposure = Exposure {
            rate: "24".parse().unwrap(),
            shutter: Some(Shutter { angle_deg: 270.0, readout_ms: 0.0, ..SHUTTER }),
        };
        let wall: Rate = "48".parse().unwrap();
        let middle = |frame: u64| {
            let display = StageTime(wall.nanos_of_frame(frame));
            line_instants(display, wall, &exposure)[1].nanos_since(display)
        };
        // Open for 31.25 ms: the whole of the first wall frame and half of the second.
        for (frame, nanos) in [(0, 10_416_667), (1, 5_208_333), (2, 10_416_667), (3, 5_208_333_i64)] {
            assert!((middle(frame) - nanos).abs() <= 1, "frame {frame}: {}", middle(frame));
        }
    }

    #[test]
    fn without_a_shutter_light_is_exposed_as_it_leaves() {
        let exposure = Exposure { rate: "24".parse().unwrap(), shutter: None };
        assert_eq!(line_instants(StageTime(7), "24".parse().unwrap(), &exposure), [StageTime(7); 3]);
    }
}
