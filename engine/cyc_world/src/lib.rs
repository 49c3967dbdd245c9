//! Environments: bytes to the world that the walls show.
//!
//! [`decode`] takes the bytes of a file and says what they hold by looking at them, never at the name:
//! an equirectangular picture (PNG, JPEG, Radiance HDR, OpenEXR) becomes a [`Panorama`], binary glTF a
//! [`Scene`]. [`line_up_room`] makes the built-in room with a metric grid, [`shipped`] the environments that
//! come with the program.
//!
//! Map: [`error`] (limits, and every message an operator may read), [`sniff`] (what kind of file this is),
//! [`picture`] (PNG and JPEG), [`radiance`] (HDR), [`openexr`] (EXR), [`panorama`] (the result and its
//! mips), [`glb`] and [`accessor`] (binary glTF), [`scene`] (the
//! result), [`texture`] (pictures on surfaces), [`room`] and [`font`] (line-up), [`shipped`] (sky and plaza
//! made by code), [`fuzz`] (targets for mutated bytes).
//!
//! Invariant: no bytes, however broken, make anything here panic, read a file, or allocate more than a
//! picture of [`Limits::max_side_px`] needs.

pub mod accessor;
pub mod error;
pub mod font;
pub mod fuzz;
pub mod glb;
pub mod openexr;
pub mod panorama;
pub mod picture;
pub mod radiance;
pub mod room;
pub mod scene;
pub mod shipped;
pub mod sniff;
pub mod texture;

pub use error::{EnvironmentError, Limits};
pub use panorama::Panorama;
pub use room::line_up_room;
pub use scene::{AlphaMode, Light, LightKind, Material, Mesh, Scene};
pub use texture::{Texture, Wrap};

use sniff::Format;

/// What the walls show.
#[derive(Debug, Clone, PartialEq)]
pub enum Environment {
    /// A picture at infinity, sampled by direction.
    Panorama(Panorama),
    /// Geometry in stage space.
    Scene(Scene),
    /// The built-in room with a metric grid; [`line_up_room`] makes its geometry.
    LineUpRoom,
}

/// Decodes an environment; `name` (a file name) is only for messages.
///
/// # Errors
/// Every [`EnvironmentError`]; each names the file, what is wrong and what to do.
pub fn decode(name: &str, bytes: &[u8], limits: &Limits) -> Result<Environment, EnvironmentError> {
    let format = sniff::format_of(name, bytes)?;
    match format {
        Format::Png | Format::Jpeg => picture::decode(name, format, bytes, limits).map(Environment::Panorama),
        Format::Radiance => radiance::decode(name, bytes, limits).map(Environment::Panorama),
        Format::OpenExr => openexr::decode(name, bytes, limits).map(Environment::Panorama),
        Format::Glb => glb::decode(name, bytes, limits).map(Environment::Scene),
    }
}

#[cfg(test)]
mod tests;
