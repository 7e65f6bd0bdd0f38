//! Faults on cue: what goes wrong on the bus, and when.
use std::time::Duration;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The bulk endpoint halts: -EPIPE until the halt is cleared.
    Stall,
    /// A transfer ends early with the rest of its bytes lost.
    Short,
    /// A transfer fails with -EOVERFLOW, its bytes lost.
    Overflow,
    /// A transfer fails with -EPROTO, its bytes lost.
    Noise,
    /// A transfer ends well with no bytes.
    Empty,
    /// The device leaves, and comes back after this long under another address.
    Unplug(Duration),
    /// No bulk transfer is answered for this long.
    Hold(Duration),
    /// The next vendor request is refused.
    RefuseControl,
}

/// A fault, this long after the first bytes went out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cue {
    pub after: Duration,
    pub fault: Fault,
}

/// Reads `KIND[:SECONDS]@SECONDS`, such as `stall@1.5` or `unplug:2@3`.
pub fn cue(text: &str) -> Result<Cue, String> {
    let wrong = || {
        format!(
            "expected KIND[:SECONDS]@SECONDS, KIND one of stall, short, overflow, noise, empty, refuse-control, \
             unplug:S, hold:S; got {text:?}"
        )
    };
    let seconds = |t: &str| {
        let value: f64 = t.parse().ok()?;
        (0.0..3600.0)
            .contains(&value)
            .then(|| Duration::from_secs_f64(value))
    };
    let (what, after) = text.split_once('@').ok_or_else(wrong)?;
    let after = seconds(after).ok_or_else(wrong)?;
    let (kind, span) = match what.split_once(':') {
        Some((kind, span)) => (kind, Some(seconds(span).ok_or_else(wrong)?)),
        None => (what, None),
    };
    let fault = match (kind, span) {
        ("stall", None) => Fault::Stall,
        ("short", None) => Fault::Short,
        ("overflow", None) => Fault::Overflow,
        ("noise", None) => Fault::Noise,
        ("empty", None) => Fault::Empty,
        ("refuse-control", None) => Fault::RefuseControl,
        ("unplug", Some(span)) => Fault::Unplug(span),
        ("hold", Some(span)) => Fault::Hold(span),
        _ => return Err(wrong()),
    };
    Ok(Cue { after, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_read_and_wrong_ones_refused() {
        let unplug = cue("unplug:2@0.5").expect("sound");
        assert_eq!(unplug.fault, Fault::Unplug(Duration::from_secs(2)));
        assert_eq!(unplug.after, Duration::from_millis(500));
        for wrong in [
            "stall",
            "stall:1@2",
            "unplug@1",
            "fire@1",
            "hold:x@1",
            "stall@-1",
        ] {
            assert!(cue(wrong).is_err(), "{wrong}");
        }
    }
}
