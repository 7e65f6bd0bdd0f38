//! Hardware probes.
