//! Whatever text or bytes come in: an answer, never a panic; a refusal always says why.

use crate::{BASE, configs, from_disk, parse};
use proptest::prelude::*;
use std::path::Path;

/// Pieces that make nearly-right files.
const PIECES: &[&str] = &[
    "=",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "\n",
    ",",
    ".",
    "\"",
    "'",
    "\"\"\"",
    "#",
    "-",
    "+",
    "_",
    "\r\n",
    "\t",
    "\u{feff}",
    "nan",
    "-inf",
    "1e999",
    "0x",
    "0",
    "-1",
    "99999999999999999999",
    "true",
    "wall",
    "[[wall]]",
    "[[output]]\n",
    "[camera]",
    "id = \"main\"",
    "shape.arc = { columns = 3, rows = 1, radius_m = 1e-9 }",
    "shape.mesh = {}",
    "舞台",
    "\\u0000",
    "\u{1b}",
    "\0",
    "regions = [{}]",
    "[genlock]\nsource.ptp = {}",
    "source.artnet = {}",
    "source.genlock = {}",
    "[timecode]\ndrop_frame = true",
    "[[timecode.out]]\nto.ltc = { file = \"a.wav\" }",
    "start = \"23:59:59;29\"",
    "shutter = { angle_deg = 1e-300, phase_deg = -360, readout_ms = 1000 }",
    "led = { refresh_hz = 1e6, scan = 1024 }",
    "rate = \"1000\"",
    "frame_rate = \"60000/1001\"",
    "[budget]\nrender_ms = 10000",
    "[control]\nosc = \"0.0.0.0:40117\"",
    "format = 1",
    "[a.b]",
    "a.b.c = 1",
    "[[a]]",
    "[[a.b]]",
    "[a]",
];

fn sources() -> Vec<String> {
    let files = ["minimal.toml", "arc.toml", "demo.toml", "volume.toml", "reference.toml"];
    let mut sources: Vec<String> =
        files.iter().map(|name| std::fs::read_to_string(configs().join(name)).unwrap()).collect();
    sources.push(BASE.to_owned());
    sources
}

/// Cuts `at..at + cut` out and puts `piece` there, on character boundaries.
fn mutate(text: &mut String, at: usize, cut: usize, piece: &str) {
    let start = text.floor_char_boundary(at % (text.len() + 1));
    let end = text.ceil_char_boundary((start + cut).min(text.len()));
    text.replace_range(start..end, piece);
}

/// The answer must be whole: a stage, or at least one error; every problem must be printable and placed.
fn check(text: &str) {
    let path = configs().join("mutated.toml");
    match cyc_stage::parse(text, &path, &from_disk) {
        Ok(loaded) => {
            assert!(!loaded.warnings.has_errors());
            assert!(!loaded.stage.walls.is_empty());
            let finite = |p: &nalgebra::Point3<f64>| p.iter().all(|x| x.is_finite());
            for wall in &loaded.stage.walls {
                assert!(wall.patches.iter().all(|patch| patch.position_m.iter().all(finite)), "{}", wall.id);
            }
            serde_json::to_string(&loaded.stage).unwrap();
        }
        Err(problems) => {
            assert!(problems.has_errors(), "refused without a reason:\n{text}");
            let printed = problems.render(false);
            let place = format!("{}:", path.display());
            assert!(printed.matches(&place).count() >= problems.list.len(), "{printed}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_stage_files_get_an_answer(
        source in 0..6usize,
        edits in prop::collection::vec((any::<u16>(), 0..30usize, prop::sample::select(PIECES)), 1..6),
    ) {
        let mut text = sources()[source].clone();
        for (at, cut, piece) in edits {
            mutate(&mut text, usize::from(at), cut, piece);
        }
        check(&text);
    }

    #[test]
    fn swapped_lines_get_an_answer(source in 0..6usize, swaps in prop::collection::vec((any::<u8>(), any::<u8>()), 1..5)) {
        let text = sources()[source].clone();
        let mut lines: Vec<&str> = text.lines().collect();
        for (a, b) in swaps {
            let n = lines.len();
            lines.swap(usize::from(a) % n, usize::from(b) % n);
        }
        check(&lines.join("\n"));
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}", pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        check(&text);
        check(&pieces.concat());
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let answer = cyc_stage::load(Path::new("x.toml"), &|_| Ok(bytes.clone()));
        prop_assert!(answer.is_err_and(|problems| problems.has_errors()));
    }
}

#[test]
fn every_prefix_of_a_file_gets_an_answer() {
    for end in 0..=BASE.len() {
        if let Err(problems) = parse(&BASE[..end]) {
            assert!(problems.has_errors());
            problems.render(false);
        }
    }
}

#[test]
fn twenty_thousand_problems_are_printed() {
    let text: String = (0..20_000).map(|n| format!("key{n} = {n}\n")).collect();
    let problems = parse(&text).unwrap_err();
    assert!(problems.list.len() > 20_000);
    assert!(problems.render(false).contains("key19999"));
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{ a = ", "}")] {
        let text = format!("format = {}1{}", open.repeat(50_000), close.repeat(50_000));
        assert!(parse(&text).is_err());
    }
    assert!(parse(&format!("{} = 1", vec!["a"; 50_000].join("."))).is_err());
}
