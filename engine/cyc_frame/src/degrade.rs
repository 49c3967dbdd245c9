//! Declared degradation: what a node that is over budget gives up, in order, and when it takes it back.
