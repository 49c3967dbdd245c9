//! Values written back into stage files.

use crate::{BASE, configs, from_disk, no_files};
use cyc_stage::edit::{Edit, EditError, Edited, edited};
use proptest::prelude::*;
use std::path::Path;

fn delay(feed: &str, delay_nanos: i64) -> Edit {
    Edit::FeedDelay { feed: feed.into(), delay_nanos }
}

fn latency(output: &str, frames: u32) -> Edit {
    Edit::OutputLatency { output: output.into(), frames }
}

fn edit(text: &str, edits: &[Edit]) -> Result<Edited, EditError> {
    edited(text, Path::new("stage.toml"), &no_files, edits)
}

/// The lines of the new text that are not in the old one, and the other way round.
fn difference<'t>(old: &'t str, new: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let only = |a: &'t str, b: &'t str| a.lines().filter(|line| !b.lines().any(|other| other == *line)).collect();
    (only(old, new), only(new, old))
}

#[test]
fn a_value_that_is_there_is_replaced_and_nothing_else() {
    let path = configs().join("reference.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let edits = [delay("freed", 12_345_678), latency("flat-left", 3), latency("flat-right", 12), latency("rest", 0)];
    let found = edited(&text, &path, &from_disk, &edits).unwrap();
    let (old, new) = difference(&text, &found.text);
    assert_eq!((old.len(), new.len()), (4, 4), "{old:#?} {new:#?}");
    assert_eq!(
        new[0],
        "delay_ms = 12.346                                                 # from measurement to arrival; default 0"
    );
    assert_eq!(new[1], old[1].replace("latency_frames = 0", "latency_frames = 3"));
    assert_eq!(new[2], old[2].replace("latency_frames = 1", "latency_frames = 12"));
    assert_eq!(found.changes[0].old.as_deref(), Some("8.0"));
    let line = text.lines().position(|line| line.starts_with("delay_ms")).unwrap() + 1;
    assert_eq!(found.changes[0].to_string(), format!("line {line}: feed \"freed\": delay_ms = 12.346 (was 8.0)"));
    let stage = cyc_stage::parse(&found.text, &path, &from_disk).unwrap().stage;
    assert_eq!(stage.feeds[0].delay_nanos, 12_346_000);
    assert_eq!(stage.outputs.iter().map(|output| output.latency_frames).collect::<Vec<_>>(), [3, 12, 0]);
}

#[test]
fn a_new_key_goes_under_the_header_in_the_file_s_own_manner() {
    let found = edit(BASE, &[delay("trk-a", -400_000), latency("out", 2)]).unwrap();
    assert_eq!(difference(BASE, &found.text), (vec![], vec!["delay_ms = -0.4", "latency_frames = 2"]));
    assert!(found.text.contains("[[feed]]\ndelay_ms = -0.4\nid = \"trk-a\"\n"), "{}", found.text);
    assert_eq!(found.changes[1].old, None);

    let windows = BASE.replace("[[feed]]\n", "[[feed]] # tracker\n\t").replace('\n', "\r\n");
    let found = edit(&windows, &[delay("trk-a", 1_000_000)]).unwrap();
    assert!(found.text.contains("[[feed]] # tracker\r\n\tdelay_ms = 1.0\r\n\tid = \"trk-a\"\r\n"), "{}", found.text);
}

#[test]
fn lists_of_braces_and_outputs_without_ids_are_found() {
    let head = BASE.split("[[output]]").next().unwrap();
    let braces = head.replacen("\n\n", "\noutput = [\n  { node = \"n1\", wall = \"main\" }, # one\n]\n\n", 1);
    let found = edit(&braces, &[latency("n1-main", 4)]).unwrap();
    assert!(found.text.contains("  { latency_frames = 4, node = \"n1\", wall = \"main\" }, # one\n"), "{}", found.text);

    let dotted = BASE.replace("wall = \"main\"\n", "wall = \"main\"\nsignal.latency_frames = 1 # frames");
    let found = edit(&dotted, &[latency("out", 7)]).unwrap();
    assert!(found.text.ends_with("signal.latency_frames = 7 # frames"), "{}", found.text);

    let table = format!("{BASE}\n[output.signal]\nbits = 10\nlatency_frames = 0x2\n");
    let found = edit(&table, &[latency("out", 5)]).unwrap();
    assert!(found.text.ends_with("[output.signal]\nbits = 10\nlatency_frames = 5\n"), "{}", found.text);
}

#[test]
fn unknown_names_ranges_and_broken_files_are_refused() {
    let error = |edits: &[Edit]| edit(BASE, edits).unwrap_err().to_string();
    assert_eq!(error(&[delay("trk-b", 0)]), "there is no feed \"trk-b\"; did you mean \"trk-a\"?");
    assert!(error(&[latency("wall", 0)]).contains("there is no output \"wall\""));
    let range = error(&[delay("trk-a", 11_000_000_000)]);
    assert_eq!(range, "feed \"trk-a\": delay_ms would be 11000.0, but must be from -1000 to 10000 ms");
    assert!(error(&[latency("out", 121)]).contains("from 0 to 120 frames"));
    let broken = edit(&BASE.replace("format = 1", "format = 9"), &[]).unwrap_err().to_string();
    assert!(broken.contains("correct these first") && broken.contains("stage.toml:1:10"), "{broken}");
}

proptest! {
    #[test]
    fn writing_twice_is_writing_once(nanos in -1_000_000_000..10_000_000_000_i64, frames in 0..=120_u32) {
        let edits = [delay("trk-a", nanos), latency("out", frames)];
        let once = edit(BASE, &edits).unwrap();
        let twice = edit(&once.text, &edits).unwrap();
        prop_assert_eq!(&once.text, &twice.text);
        let stage = crate::parse(&twice.text).unwrap().stage;
        prop_assert!((stage.feeds[0].delay_nanos - nanos).abs() <= 500);
        prop_assert_eq!(stage.outputs[0].latency_frames, frames);
    }
}
