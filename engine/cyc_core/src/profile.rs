//! Device profiles: how one device's signs, units and zero points differ from the layout it speaks.
//!
//! A decoder knows the layout and nothing else; a profile turns its numbers into a [`crate::Pose`].

use serde::{Deserialize, Serialize};

/// How a FreeD sender fills its D1 packets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreedProfile {
    /// Multiplies pan before it is taken as "positive turns right": 1 or -1.
    pub pan_sign: f64,
    /// Multiplies tilt before it is taken as "positive looks up": 1 or -1.
    pub tilt_sign: f64,
    /// Multiplies roll before it is taken as "positive is clockwise seen from behind": 1 or -1.
    pub roll_sign: f64,
    /// Raw position steps per millimetre (64 by the manual).
    pub steps_per_mm: f64,
    /// Which raw axis (0 = X, 1 = Y, 2 = Z) feeds stage X, Y and Z.
    pub position_axes: [usize; 3],
    /// Multiplies stage X, Y and Z after that.
    pub position_signs: [f64; 3],
    /// Zoom counts: `[raw, focal length mm]` at both ends, where zoom is to be read as a focal length.
    pub zoom: Option<[[f64; 2]; 2]>,
    /// Focus counts: `[raw, distance m]` at both ends, where focus is to be read as a distance.
    pub focus: Option<[[f64; 2]; 2]>,
}

impl Default for FreedProfile {
    fn default() -> Self {
        Self::MANUAL
    }
}

/// Senders of FreeD by the name a stage file may give instead of a profile.
///
/// Most differ only in what their lens counts mean, and counts without a lens file are no focal length, so
/// these read position and rotation as the manual says and leave the lens to the stage file. The Z CAM P2-R1
/// is the exception: it sends hundredths of a millimetre of focal length and tenths of a millimetre of focus
/// distance. Sources: the makers' protocol notes; Vizrt's tracking hub driver (1/640 cm is 1/64 mm).
const FREED_SENDERS: [(&str, FreedProfile); 11] = [
    ("generic", FreedProfile::MANUAL),
    ("radamec", FreedProfile::MANUAL),
    ("panasonic", FreedProfile::MANUAL),
    ("sony", FreedProfile::MANUAL),
    ("zcam", FreedProfile::ZCAM),
    ("mosys", FreedProfile::MANUAL),
    ("stype", FreedProfile::MANUAL),
    ("ncam", FreedProfile::MANUAL),
    ("zeiss", FreedProfile::MANUAL),
    ("vizrt", FreedProfile::MANUAL),
    ("antilatency", FreedProfile::MANUAL),
];

impl FreedProfile {
    /// As the manual says: right, up and clockwise positive, 1/64 mm, lens counts without a meaning.
    pub const MANUAL: Self = Self {
        pan_sign: 1.0,
        tilt_sign: 1.0,
        roll_sign: 1.0,
        steps_per_mm: 64.0,
        position_axes: [0, 1, 2],
        position_signs: [1.0; 3],
        zoom: None,
        focus: None,
    };

    /// The manual's, with zoom in 1/100 mm and focus in 1/10 mm over the whole 24 bits.
    const ZCAM: Self = Self {
        zoom: Some([[0.0, 0.0], [16_777_216.0, 167_772.16]]),
        focus: Some([[0.0, 0.0], [16_777_216.0, 1677.7216]]),
        ..Self::MANUAL
    };

    /// The profile of a known sender, by its lower-case name; `None` for a name not in [`FreedProfile::names`].
    pub fn named(name: &str) -> Option<Self> {
        FREED_SENDERS.iter().find(|(sender, _)| *sender == name).map(|(_, profile)| *profile)
    }

    /// The names that [`FreedProfile::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FREED_SENDERS.iter().map(|(sender, _)| *sender)
    }
}

/// How a feed's movement is filtered and predicted: what its tracker and its camera are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterProfile {
    /// Standard deviation of one position sample per axis, metres.
    pub position_noise_m: f64,
    /// Standard deviation of one orientation sample per axis, radians.
    pub rotation_noise_rad: f64,
    /// Usual acceleration of the camera per axis, root mean square, m/s2: large for hand-held, small for a crane.
    pub acceleration_m_s2: f64,
    /// Usual angular acceleration per axis, root mean square, rad/s2.
    pub turn_acceleration_rad_s2: f64,
}

impl Default for FilterProfile {
    fn default() -> Self {
        Self { position_noise_m: 1e-4, rotation_noise_rad: 1e-4, acceleration_m_s2: 1.0, turn_acceleration_rad_s2: 1.0 }
    }
}

/// Signs of an OpenTrackIO sender.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpenTrackIoProfile {
    /// Multiplies pan, tilt and roll before they are taken as right-handed: 1 or -1 each.
    pub rotation_signs: [f64; 3],
    /// Metres per unit of translation.
    pub unit_m: f64,
}

impl Default for OpenTrackIoProfile {
    fn default() -> Self {
        Self { rotation_signs: [1.0; 3], unit_m: 1.0 }
    }
}

/// Which addresses an OSC sender uses and in which axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OscProfile {
    /// `<address>/pose ,fffffff` (x y z m, quaternion x y z w, stage space) and `<address>/lens ,ff`.
    #[default]
    Stage,
    /// VRChat trackers: `<address>/position` and `<address>/rotation`, three floats each; Unity axes
    /// (left-handed, Y up, Z forward), metres, Euler degrees applied Z, X, Y.
    VrChat,
}

/// The profile of a feed, by protocol.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "each variant is its protocol's profile")]
pub enum Profile {
    Freed(FreedProfile),
    OpenTrackIo(OpenTrackIoProfile),
    Osc(OscProfile),
}
