//! OSC control: commands in, answers out.
