//! Tests across rooms, in one binary: each further binary would link the whole window stack again.
mod accuracy;
mod calibrate;
mod detect;
mod exchange;
mod exchange_faults;
mod exchange_forms;
mod guide;
mod hazards;
mod house;
mod igtl;
mod image;
mod rehearse;
mod screens;
mod session;
mod simulate;
mod training;
mod verbs;
