//! Transfer functions and primaries of the wall path.
pub mod signal;
