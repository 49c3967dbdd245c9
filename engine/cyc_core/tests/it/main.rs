//! Tests of the vocabulary from outside: vectors, properties, simulations.

#[cfg(test)]
mod clock_map;
#[cfg(test)]
mod prediction;
#[cfg(test)]
mod records;
#[cfg(test)]
mod returning;
#[cfg(test)]
mod support;
#[cfg(test)]
mod time;
#[cfg(test)]
mod timecode;
#[cfg(test)]
mod timeline;
