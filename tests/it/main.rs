//! Tests across rooms, in one binary: each further binary would link the whole window stack again.
mod detect;
mod image;
mod simulate;
