//! Tests of what the walls show: they start the real program and look at its pictures.
//!
//! Map: [`through_camera`] and [`boxes`] (the promise that counts; cases are folders in `cases/`), [`signals`]
//! (code values), [`twins`] and [`layouts`] (shaders against Rust), [`patterns`], [`late`] and [`warp`] (poses renewed late),
//! [`registration`] (a moving camera with a rolling shutter),
//! [`allocations`] (none on the late path), [`window`], [`live`], [`beat`] (genlock, commands, delays),
//! [`bad_input`], [`shipped`] (what else the program promises); [`harness`] (starting programs, what makes a test
//! ignored), [`oracle`], [`panorama`], [`scene`] (what must be seen, worked out here in f64 from the stage file's
//! own words), [`picture`] and [`compare`] (pictures as files and as numbers), [`gpu`] (shader functions on the
//! GPU), [`case`] (case files).
//!
//! Nothing in the oracle comes from the crates under test.
//! Without a GPU these tests are ignored, with the reason; `CYCLORAMA_REQUIRE_GPU` makes that a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy's exception for tests covers test functions, not the helpers they share"
)]

mod allocations;
mod bad_input;
mod beat;
mod boxes;
mod case;
mod compare;
mod gpu;
mod harness;
mod late;
mod layouts;
mod live;
mod oracle;
mod panorama;
mod patterns;
mod picture;
mod registration;
mod scene;
mod shipped;
mod signals;
mod through_camera;
mod twins;
mod warp;
mod window;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let groups = [
        layouts::trials(),
        twins::trials(),
        case::trials(),
        signals::trials(),
        patterns::trials(),
        beat::trials(),
        late::trials(),
        allocations::trials(),
        registration::trials(),
        warp::trials(),
        bad_input::trials(),
        shipped::trials(),
        window::trials(),
        live::trials(),
    ];
    libtest_mimic::run(&arguments, groups.into_iter().flatten().collect()).exit();
}
