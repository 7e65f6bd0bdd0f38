//! What happened: the append-only journal of a session.
