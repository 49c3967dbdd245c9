//! Timecode labels that follow a source of their own, apart from the beat.
