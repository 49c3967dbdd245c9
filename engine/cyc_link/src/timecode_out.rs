//! Timecode and ticks that leave: LTC, MTC, Art-Net and OSC from the stage clock.
