//! Waking at absolute instants: real-time scheduling, locked memory, a short spin.
