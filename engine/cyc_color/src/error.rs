//! What can be wrong with colour parameters.

/// Why a colour parameter cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ColorError {
    /// No [`crate::Transfer`] has this name.
    #[error("no transfer function is called \"{0}\"; the names are srgb, gamma22, gamma24, bt1886, pq, linear")]
    Transfer(String),
    /// No [`crate::Gamut`] has this name.
    #[error("no gamut is called \"{0}\"; the names are srgb, p3, rec2020, ap1")]
    Gamut(String),
    /// `peak_nits` lies outside [`crate::Signal::PEAK_NITS`].
    #[error("peak_nits = {0} is outside 1 to 10000 cd/m2")]
    PeakNits(f64),
    /// `bits` is not one of [`crate::Signal::BITS`].
    #[error("bits = {0}; an output carries 8 or 10 bits per channel")]
    Bits(u8),
    /// Chromaticities that span no colour space.
    #[error("the chromaticities span no colour space: {0}")]
    Chromaticities(&'static str),
}
