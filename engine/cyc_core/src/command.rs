//! What is to happen on a stated frame.
