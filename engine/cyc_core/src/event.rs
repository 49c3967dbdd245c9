//! What happened on the stage that somebody must hear of.
