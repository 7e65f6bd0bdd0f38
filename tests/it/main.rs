//! Tests across rooms, in one binary: each further binary would link the whole window stack again.
mod house;
mod image;
mod exchange;
mod exchange_faults;
mod detect;
mod simulate;
mod exchange_forms;
mod session;
mod guide;
mod hazards;
