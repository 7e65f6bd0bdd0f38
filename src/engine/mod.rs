//! The switchboard: wires a session and owns its workers.
//!
//! The screen sees a session only through [`Session`]: it looks, and it sends commands. Nothing here draws.
mod state;

pub use state::{
    Advice, Command, Fault, Liveness, Look, Nudge, Picture, Session, Snapshot, StageTimes, Stations,
};
