//! The latency budget: what each part of a frame may take, and who spent more.
