//! Tests of the vocabulary from outside: vectors, properties, simulations.

#[cfg(test)]
mod beat_aligned;
#[cfg(test)]
mod beat_count;
#[cfg(test)]
mod beat_follow;
#[cfg(test)]
mod beat_numbers;
#[cfg(test)]
mod beat_source;
#[cfg(test)]
mod beat_watch;
#[cfg(test)]
mod clock_map;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod events;
#[cfg(test)]
mod label;
#[cfg(test)]
mod label_clock;
#[cfg(test)]
mod prediction;
#[cfg(test)]
mod records;
#[cfg(test)]
mod returning;
#[cfg(test)]
mod stage_days;
#[cfg(test)]
mod support;
#[cfg(test)]
mod time;
#[cfg(test)]
mod timecode;
#[cfg(test)]
mod timeline;
