//! "Did you mean": the nearest of the allowed names.

/// The candidate that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let edits = strsim::normalized_damerau_levenshtein(&word, &candidate);
        edits.max(strsim::jaro_winkler(&word, &candidate) - 0.2)
    };
    let scored = candidates.into_iter().filter(|c| !c.is_empty()).map(|c| (score(c), c));
    scored.filter(|(score, _)| *score >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, c)| c)
}

/// A line of help for an unknown name: the nearest one, else all of them.
pub(crate) fn help(word: &str, candidates: &[&str], plural: &str) -> String {
    if let Some(near) = nearest(word, candidates.iter().copied()) {
        return format!("did you mean {near:?}?");
    }
    if candidates.is_empty() {
        return format!("there are no {plural}");
    }
    format!("{plural}: {}", listed(candidates))
}

/// Most names in a message.
const MOST: usize = 16;

/// Names as a list for a message.
pub(crate) fn listed(names: &[&str]) -> String {
    let mut text = names.iter().take(MOST).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text += &format!(" and {} more", names.len() - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_find_their_word() {
        let keys = ["width_px", "height_px", "pitch_mm", "columns", "rows", "radius_m", "trk-a", "srgb", "rec2020"];
        for (typed, meant) in [
            ("pitch", "pitch_mm"),
            ("ptich_mm", "pitch_mm"),
            ("trk-b", "trk-a"),
            ("column", "columns"),
            ("sRGB", "srgb"),
            ("rec.2020", "rec2020"),
            ("width", "width_px"),
        ] {
            assert_eq!(nearest(typed, keys), Some(meant), "{typed}");
        }
        assert_eq!(nearest("temperature", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
