//! Tests across rooms, in one binary: each further binary would link the whole window stack again.
mod exchange;
mod exchange_faults;
mod exchange_forms;
