//! What this machine can do for a stage, as lines an operator can act on.
