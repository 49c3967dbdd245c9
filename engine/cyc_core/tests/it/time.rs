use crate::support::vectors;
use cyc_core::{Rate, StageTime};
use proptest::prelude::*;

fn any_rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (1u32..=1000).prop_map(|whole| Rate::new(whole, 1).unwrap()),
        (2u32..=120).prop_map(|whole| Rate::new(whole * 1000, 1001).unwrap()),
        (1u32.., 1u32..).prop_filter_map("a rate", |(num, den)| Rate::new(num, den)),
    ]
}

fn number(value: &serde_json::Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// SMPTE ST 2059-1 alignment at 13 rates and 6 instants, exact.
#[test]
fn frames_start_on_the_alignment_points() {
    let vectors = vectors("st2059_alignment.json");
    let rows = vectors["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 78);
    for row in rows {
        let rate = Rate::new(row["num"].as_u64().unwrap() as u32, row["den"].as_u64().unwrap() as u32).unwrap();
        let now = number(&row["t_tai_ns"]) as i64;
        let frame = number(&row["frame_index"]) as u64;
        assert_eq!(rate.frame_at_nanos(now), frame, "{row}");
        assert_eq!(i128::from(rate.next_alignment_nanos(now)), number(&row["next_alignment_ns_ceil"]), "{row}");
        let (num, den) = row["phase_ns_exact"].as_str().unwrap().split_once('/').unwrap();
        let (num, den): (i128, i128) = (num.parse().unwrap(), den.parse().unwrap());
        // start = now - num / den, rounded to the nearest, halves up.
        let nearest = (2 * (i128::from(now) * den - num) + den).div_euclid(2 * den);
        assert_eq!(i128::from(rate.nanos_of_frame(frame)), nearest, "{row}");
        assert!((0..=1).contains(&(nearest - number(&row["frame_start_ns_floor"]))), "{row}");
    }
}

#[test]
fn a_rate_is_read_and_written_as_a_fraction_in_lowest_terms() {
    for (text, written) in
        [("24", "24"), ("24000/1001", "24000/1001"), ("48/2", "24"), (" 25 / 1 ", "25"), ("1000", "1000")]
    {
        assert_eq!(text.parse::<Rate>().unwrap().to_string(), written);
    }
    for text in ["", "0", "24/0", "1/2", "1001", "-24", "+24", "24/", "/1", "24/1/1", "NaN", "4294967296", "1e2"] {
        let error = text.parse::<Rate>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("{text:?} is not a frame rate; write")), "{error}");
    }
}

#[test]
fn a_decimal_rate_is_refused_with_the_fraction_it_means() {
    for (text, means) in [
        ("23.976", "24000/1001"),
        ("23.98", "24000/1001"),
        ("29.97", "30000/1001"),
        ("47.952", "48000/1001"),
        ("59.94", "60000/1001"),
        ("119.88", "120000/1001"),
    ] {
        let error = text.parse::<Rate>().unwrap_err().to_string();
        assert!(error.ends_with(&format!("; did you mean \"{means}\"?")), "{error}");
    }
    assert!(!"24.5".parse::<Rate>().unwrap_err().to_string().contains("did you mean"));
}

#[test]
fn a_rate_in_json_is_its_text() {
    let rate: Rate = serde_json::from_str("\"30000/1001\"").unwrap();
    assert_eq!(serde_json::to_string(&rate).unwrap(), "\"30000/1001\"");
    assert!(serde_json::from_str::<Rate>("24").is_err());
}

#[test]
fn no_drift_over_a_year() {
    let rate = Rate::new(24_000, 1001).unwrap();
    // 1001 s hold 24000 frames exactly; a year of them.
    let periods = 31_504;
    assert_eq!(rate.nanos_of_frame(24_000 * periods), 1001 * periods as i64 * 1_000_000_000);
}

proptest! {
    #[test]
    fn a_frame_runs_from_its_start_to_the_next(rate in any_rate(), frame in 0u64..1 << 33) {
        let start = rate.nanos_of_frame(frame);
        prop_assert_eq!(rate.frame_started_at(start), frame);
        prop_assert_eq!(rate.frame_started_at(rate.nanos_of_frame(frame + 1) - 1), frame);
        prop_assert!(rate.frame_at_nanos(start) + 1 >= frame && rate.frame_at_nanos(start) <= frame);
        prop_assert_eq!(rate.frame_at_nanos(start + 1), frame);
        prop_assert!(rate.next_alignment_nanos(start + 1) - rate.nanos_of_frame(frame + 1) <= 1);
    }

    #[test]
    fn starts_are_rounded_once(rate in any_rate(), frame in 0u64..1 << 33) {
        let exact = i128::from(frame) * i128::from(rate.den()) * 1_000_000_000;
        let twice_error = 2 * (i128::from(rate.nanos_of_frame(frame)) * i128::from(rate.num()) - exact);
        prop_assert!(twice_error.abs() <= i128::from(rate.num()));
    }

    #[test]
    fn rates_and_instants_are_total(rate in any_rate(), frame: u64, a: i64, b: i64) {
        rate.nanos_of_frame(frame);
        rate.frame_at_nanos(a);
        rate.frame_started_at(a);
        prop_assert!(rate.next_alignment_nanos(a) >= 0);
        prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        prop_assert_eq!(StageTime(a).nanos_since(StageTime(b)).signum(), (i128::from(a) - i128::from(b)).signum() as i64);
        StageTime(a).plus_nanos(b);
    }

    #[test]
    fn any_text_is_a_rate_or_an_error(text in ".{0,12}") {
        if let Ok(rate) = text.parse::<Rate>() {
            prop_assert!(rate.num() >= rate.den());
        }
    }
}
