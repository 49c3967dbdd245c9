//! Measuring delays: between two feeds of one motion, and from tracker to light through a camera.
