//! A real window, on a virtual X server whose framebuffer is a file.

use crate::{
    harness::{self, Call, Needs, scratch, write},
    panorama::Panorama,
    picture::{Picture, read_png},
};
use libtest_mimic::Trial;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub fn trials() -> Vec<Trial> {
    vec![harness::trial("window::shows_the_same_as_headless", Needs::GpuAndXvfb, same_as_headless)]
}

const STAGE: &str = r#"format = 1
name = "window"
frame_rate = "24"
eye_point_m = [0.0, 0.0, 1.0]

[[wall]]
id = "wall"
panel = { width_px = 64, height_px = 64, pitch_mm = 12.5 }
shape.flat = { columns = 5, rows = 3 }
position_m = [0.0, 3.0, 0.0]

[[camera]]
id = "cam-a"
focal_length_mm = 50.0
position_m = [-0.4, -0.5, 1.3]
rotation_deg = { pan = -6.0, tilt = -2.0, roll = 5.0 }
sensor = { width_mm = 36.0, height_mm = 20.25 }
inner = { width_px = 320, height_px = 180, overscan = 1.25 }

[[output]]
id = "left"
node = "n"
wall = "wall"
wall_px = { x = 0, y = 0, width = 200, height = 192 }
position_px = [40, 30]

[[output]]
id = "right"
node = "n"
wall = "wall"
wall_px = { x = 200, y = 0, width = 120, height = 192 }
position_px = [500, 300]
"#;

/// Where the stage puts its windows.
const PLACES: [(&str, [usize; 2]); 2] = [("left", [40, 30]), ("right", [500, 300])];

/// How long a window may take to come up on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn same_as_headless() {
    let folder = scratch("window");
    let stage = write(&folder, "stage.toml", STAGE);
    let (_, environment) = Panorama::smooth(&folder);
    let run = || {
        let run = Call::new("run").arg(&stage).option("--desk", "127.0.0.1:0");
        run.option("--environment", &environment)
    };
    let capture = folder.join("headless");
    run().arg("--headless").option("--seconds", "0.2").option("--capture", &capture).run().expect_code(0);
    let headless = PLACES.map(|(id, _)| newest(&capture, id));

    let server = XServer::start(&folder);
    let mut running = run().env("DISPLAY", &server.display).start();
    let deadline = Instant::now() + PATIENCE;
    let mut wrong = vec!["no picture yet".to_owned()];
    while !wrong.is_empty() && Instant::now() < deadline && !running.has_ended() {
        // The program says little: this is a wait of a tenth of a second, or less if it speaks.
        running.line(Duration::from_millis(100));
        let screen = server.screen();
        let places = PLACES.iter().zip(&headless);
        wrong = places.filter_map(|((id, at), picture)| difference(id, &screen, *at, picture)).collect();
    }
    if running.has_ended() {
        let ended = running.wait();
        panic!("the program ended by itself: {ended:?}");
    }
    running.terminate();
    let ended = running.wait();
    assert!(wrong.is_empty(), "{}\n{ended:?}", wrong.join("\n"));
    // A signal ends it cleanly.
    ended.expect_code(0);
}

/// The newest captured picture of an output.
fn newest(folder: &Path, id: &str) -> Picture {
    let files = harness::files(folder);
    let newest = files.iter().rfind(|(name, _)| name.to_string_lossy().starts_with(&format!("{id}.")));
    let (name, _) = newest.unwrap_or_else(|| panic!("no picture of {id} was captured"));
    read_png(&folder.join(name))
}

/// How a part of the screen differs from a picture by more than dither does.
fn difference(id: &str, screen: &Picture, at: [usize; 2], picture: &Picture) -> Option<String> {
    let [width, height] = picture.size_px;
    let far = |(x, y): &(usize, usize)| {
        let (shown, expected) = (screen.at(at[0] + x, at[1] + y), picture.at(*x, *y));
        (0..3).any(|c| (shown[c] - expected[c]).abs() > 1.0)
    };
    let wrong: Vec<_> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(far).collect();
    let &(x, y) = wrong.first()?;
    let (shown, expected) = (screen.at(at[0] + x, at[1] + y), picture.at(x, y));
    Some(format!("{id}: {} pixels differ, first {x}, {y}: {shown:?} instead of {expected:?}", wrong.len()))
}

/// An Xvfb of our own.
struct XServer {
    server: Child,
    display: String,
    framebuffer: PathBuf,
}

impl XServer {
    /// Starts it on a free display; it says which when it is ready.
    fn start(folder: &Path) -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-fbdir"]).arg(folder);
        let server = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut server = server.unwrap_or_else(|error| panic!("Xvfb: {error}"));
        let mut number = String::new();
        let stdout = server.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut number).unwrap();
        let started = Self { server, display: format!(":{}", number.trim()), framebuffer: folder.join("Xvfb_screen0") };
        assert!(!number.trim().is_empty(), "Xvfb did not start");
        started
    }

    /// What is on the screen: an XWD file (X11/XWDFile.h), 32 bits a pixel, little-endian.
    fn screen(&self) -> Picture {
        let bytes =
            fs::read(&self.framebuffer).unwrap_or_else(|error| panic!("{}: {error}", self.framebuffer.display()));
        let header = |n: usize| u32::from_be_bytes(bytes[4 * n..4 * n + 4].try_into().expect("four bytes")) as usize;
        let (header_bytes, width, height) = (header(0), header(4), header(5));
        assert_eq!((header(7), header(11)), (0, 32), "least significant byte first, 32 bits a pixel");
        let (bytes_per_line, colors) = (header(12), header(19));
        let start = header_bytes + 12 * colors;
        let row = |y: usize| &bytes[start + y * bytes_per_line..][..4 * width];
        let pixels = (0..height).flat_map(|y| row(y).chunks_exact(4)).map(|p| [p[2], p[1], p[0]].map(f64::from));
        Picture { size_px: [width, height], pixels: pixels.collect(), bits: 8 }
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
