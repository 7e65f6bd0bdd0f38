//! The virtual probe as a feed: commands of the session become movements and faults of the probe.
