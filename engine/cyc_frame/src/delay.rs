//! Measuring delays: between two feeds of one motion, and from tracker to light through a camera.
//!
//! **Between two feeds** ([`between`]). Two trackers on one rigid body report `w_b(t + d) = R w_a(t)`: their angular
//! velocities differ by an unknown constant turn R and the delay d, wherever either tracker is mounted and whatever
//! it calls its axes. Both series are resampled to one grid, differentiated and band-limited, and for each lag the
//! 3 x 3 cross-covariance C = sum w_b(t + lag) w_a(t)^T is computed by FFT, gaps masked out of it (Padfield, "Masked
//! object registration in the Fourier domain", IEEE Trans. Image Processing 21(5), 2012). The score of a lag is the
//! correlation under the best turn, max_R tr(R^T C) = s1 + s2 + sign(det C) s3 over the root of both energies
//! (Kabsch, Acta Cryst. A32, 1976; Umeyama, IEEE PAMI 13(4), 1991); its maximum, refined by a parabola, is the delay.
//! Angular rates as the signal of choice: Mair et al., "Spatio-temporal initialization for IMU to camera
//! registration", ROBIO 2011. Where little turns, velocities take their place, which the lever between the trackers
//! disturbs. The standard error is a jackknife over parts of the recording.
//!
//! **Tracker to light** ([`light`]). The wall shows [`coded_pattern`], a camera that stands still looks at it, and
//! every spot of its picture becomes a time series: a constant plus a multiple of the code, averaged over each
//! exposure. Where the spot lies need not be known, so that blur, oblique views, curved walls and partial views cost
//! only contrast; what is mixed in one exposure tells how far through it the wall changed. Each picture gives an
//! interval of delays that explain it; their robust centre is the delay of an output.
//!
//! Map: `grid` (series to signals), `correlate` (score of every lag), [`feeds`] (the answer for two feeds),
//! [`pattern`] (what the wall shows), `exposed` (the code under an exposure), `spots` (pictures to time series),
//! [`light`] (the answer for every output), `fit` (robust centres).

mod correlate;
mod exposed;
pub mod feeds;
mod fit;
mod grid;
pub mod light;
pub mod pattern;
mod spots;

pub use feeds::{DelayBetween, DelayRefusal, between};
pub use light::{CameraTiming, LightDelay, LightRefusal, LightWatch, StampAt};
pub use pattern::coded_pattern;
