use crate::support::vectors;
use cyc_core::Rate;
use cyc_core::timecode::{Timecode, TimecodeError};
use proptest::prelude::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// Every whole and 1001 rate from 23.976 to 120, and whether drop-frame is asked for.
fn all() -> impl Iterator<Item = (Rate, bool)> {
    let rates = (24u32..=120).flat_map(|n| [Rate::new(n, 1).unwrap(), Rate::new(n * 1000, 1001).unwrap()]);
    rates.flat_map(|rate| [(rate, false), (rate, true)])
}

#[test]
fn drop_frame_labels_agree_with_the_vectors() {
    let vectors = vectors("timecode_vectors.json");
    let table = |key: &str| vectors[key].as_array().unwrap().clone();
    for (key, rate_text) in [("drop_frame_29_97", "30000/1001"), ("drop_frame_59_94_drop4", "60000/1001")] {
        let rate = rate(rate_text);
        let rows = table(key);
        assert!(rows.len() >= 11);
        for row in rows {
            let (frame, label) = (row[0].as_u64().unwrap(), row[1].as_str().unwrap());
            let timecode = Timecode::of_frame(frame, rate, true);
            assert_eq!(timecode.to_string(), label);
            assert_eq!(label.parse::<Timecode>().unwrap(), timecode);
            assert_eq!(timecode.frame(rate).unwrap(), frame % Timecode::frames_per_day(rate, true));
        }
    }
    let days = &vectors["frames_per_day"];
    for (key, rate_text, drop_frame) in
        [("23.976", "24000/1001", false), ("29.97DF", "30000/1001", true), ("59.94DF", "60000/1001", true)]
    {
        assert_eq!(Some(Timecode::frames_per_day(rate(rate_text), drop_frame)), days[key].as_u64());
    }
    let hour = &vectors["sample_positions"][0];
    let label: Timecode = hour["label"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(label.frame(rate("30000/1001")).unwrap(), hour["frames"].as_u64().unwrap());
}

#[test]
fn labels_of_a_sampled_day_come_back_at_every_rate() {
    for (rate, drop_frame) in all() {
        let day = Timecode::frames_per_day(rate, drop_frame);
        let nominal = u64::from(rate.num().div_ceil(rate.den()));
        // Around every minute of the first half hour, then in steps that hit every second sooner or later.
        let minutes = (1..30).flat_map(|minute| (0..10).map(move |i| minute * 60 * nominal - 5 + i));
        for frame in minutes.chain((0..day).step_by(7_919)).chain(day - 3..day) {
            let timecode = Timecode::of_frame(frame, rate, drop_frame);
            assert_eq!(timecode.frame(rate).as_ref(), Ok(&frame), "{timecode} at {rate}");
            assert_eq!(timecode.drop_frame, drop_frame && Timecode::can_drop(rate));
            assert_eq!(timecode.to_string().parse::<Timecode>().as_ref(), Ok(&timecode));
        }
        assert_eq!(Timecode::of_frame(day, rate, drop_frame), Timecode::of_frame(0, rate, drop_frame));
    }
}

#[test]
fn only_the_three_standard_rates_drop() {
    let dropping: Vec<String> = all()
        .filter(|(_, drop)| *drop)
        .map(|(rate, _)| rate)
        .filter(|r| Timecode::can_drop(*r))
        .map(|r| r.to_string())
        .collect();
    assert_eq!(dropping, ["30000/1001", "60000/1001", "120000/1001"]);
}

/// A day of drop-frame labels is a day on the wall clock, within the 86.4 ms that the standard leaves.
#[test]
fn drop_frame_follows_the_clock() {
    for text in ["30000/1001", "60000/1001", "120000/1001"] {
        let rate = rate(text);
        let day = rate.nanos_of_frame(Timecode::frames_per_day(rate, true));
        assert_eq!(day - 86_400_000_000_000, -86_400_000, "{rate}");
    }
}

#[test]
fn usual_labels() {
    for (frame, text, label) in [
        (86_400, "24", "01:00:00:00"),
        (86_400, "24000/1001", "01:00:00:00"),
        (119, "120", "00:00:00:119"),
        (95, "96", "00:00:00:95"),
        (1_799, "30", "00:00:59:29"),
        (13, "25/2", "00:00:01:00"),
        (999, "1000", "00:00:00:999"),
        (24 * 86_400 - 1, "24", "23:59:59:23"),
    ] {
        assert_eq!(Timecode::of_frame(frame, rate(text), true).to_string(), label, "frame {frame} at {text}");
    }
}

#[test]
fn errors_name_the_label_and_the_way_out() {
    let parse = |text: &str| text.parse::<Timecode>().unwrap_err().to_string();
    assert_eq!(parse("1:00"), "\"1:00\" is not a timecode; write \"01:00:00:00\", or \"01:00:00;00\" for drop-frame");
    assert_eq!(parse("24:00:00:00"), "\"24:00:00:00\" is not a timecode; hours go to 23, minutes and seconds to 59");
    for text in [
        "",
        "::::",
        "01:00:00",
        "01:00:00:0",
        "01;00:00:00",
        "01:00:00:00:00",
        "+1:00:00:00",
        "01:00:00:1000",
        "０1:00:00:00",
    ] {
        assert!(matches!(text.parse::<Timecode>(), Err(TimecodeError::Syntax(_))), "{text}");
    }
    let at = |text: &str, r: &str| text.parse::<Timecode>().unwrap().frame(rate(r)).unwrap_err().to_string();
    assert_eq!(at("00:00:00:24", "24"), "timecode 00:00:00:24 has no place at 24 frames per second; frames go to 23");
    assert_eq!(
        at("00:01:00;00", "30000/1001"),
        "timecode 00:01:00;00 does not exist; drop-frame counting at 30000/1001 frames per second leaves it out"
    );
    assert_eq!(
        at("00:01:00;02", "25"),
        "timecode 00:01:00;02 is drop-frame, but 25 frames per second has none; write \":\" before the frames"
    );
}

#[test]
fn in_json_it_is_its_text() {
    let timecode: Timecode = serde_json::from_str("\"01:02:03;04\"").unwrap();
    assert_eq!(serde_json::to_string(&timecode).unwrap(), "\"01:02:03;04\"");
}

proptest! {
    #[test]
    fn total(num in 1u32.., den in 1u32.., frame: u64, drop_frame: bool, fields: (u8, u8, u8, u16)) {
        let Some(rate) = Rate::new(num, den) else { return Ok(()) };
        let timecode = Timecode::of_frame(frame, rate, drop_frame);
        prop_assert_eq!(timecode.frame(rate).unwrap(), frame % Timecode::frames_per_day(rate, drop_frame));
        let (hours, minutes, seconds, frames) = fields;
        let any = Timecode { hours, minutes, seconds, frames, drop_frame };
        if let Ok(frame) = any.frame(rate) {
            prop_assert_eq!(Timecode::of_frame(frame, rate, drop_frame), any);
        }
    }

    #[test]
    fn any_text_is_a_timecode_or_an_error(text in "[0-9:;]{0,14}|.{0,14}") {
        if let Ok(timecode) = text.parse::<Timecode>() {
            prop_assert_eq!(timecode.to_string().parse::<Timecode>().unwrap(), timecode);
        }
    }
}
