//! A probe that is refused, yanked, stalled, silent, exchanged, frozen and dropped, on a bus by script.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::script::{Script, found};
use super::{UsbSelector, UsbSource, remembered_firmware};
use crate::clock::Clock as _;
use crate::frame::ImagingSettings;
use crate::probe::PipeProblem;
use crate::stream::{Delivery, FrameSource as _, LiveSource as _, Maturity, SourceProblem};

const PATIENCE: Duration = Duration::from_millis(50);

fn source(script: &Script, selector: UsbSelector) -> UsbSource {
    UsbSource::with_opener(selector, script.clock.clone(), Box::new(script.clone()))
}

fn with_probe() -> (Script, UsbSource) {
    let script = Script::new();
    script.bus().plug(0x0090, &[2]);
    let source = source(&script, UsbSelector::default());
    (script, source)
}

/// What came within `span` of scripted time: frame ids, and what was said of losses.
fn watch(script: &Script, source: &mut UsbSource, span: Duration) -> (Vec<u64>, Vec<String>) {
    let end = script.clock.now().plus(span);
    let (mut ids, mut losses) = (Vec::new(), Vec::new());
    while script.clock.now() < end {
        match source.next(PATIENCE) {
            Ok(Delivery::Frame(frame)) => ids.push(frame.id.0),
            Ok(Delivery::Quiet) => {}
            Ok(Delivery::Finished) => panic!("a probe never finishes"),
            Err(SourceProblem::Lost { what, hint, .. }) => {
                assert!(hint.is_some_and(|h| h.ends_with('.')), "{what}");
                losses.push(what);
            }
            Err(other) => panic!("{other}"),
        }
    }
    (ids, losses)
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn rises(ids: &[u64]) -> bool {
    ids.windows(2).all(|w| w[0] < w[1])
}

#[test]
fn nothing_is_touched_before_the_first_frame_is_asked_for() {
    let (script, source) = with_probe();
    let looks = script.bus().looks;
    assert_eq!((looks, script.bus().opened), (0, 0));
    drop(source);
    assert_eq!(script.bus().opened, 0);
}

#[test]
fn a_probe_is_opened_named_and_shown() {
    let (script, mut source) = with_probe();
    let before = source.facts_version();
    let (ids, losses) = watch(&script, &mut source, seconds(2));
    assert!(losses.is_empty(), "{losses:?}");
    assert!(ids.len() >= 20, "{}", ids.len());
    assert!(ids.windows(2).all(|w| w[0] + 1 == w[1]), "{ids:?}");
    assert!(source.facts_version() > before);
    let facts = source.facts();
    assert_eq!(facts.spec, "usb:1.1");
    assert_eq!(facts.name, "Interson GP-3.5, bus 1 address 1");
    assert_eq!(facts.maturity, Maturity::NeverRunOnHardware);
    assert!(facts.details.iter().any(|d| d.contains("level 100")));
    assert_eq!(source.wire_counts().frames, ids.len() as u64);
    assert!(script.bus().insonates());
}

#[test]
fn a_yank_is_told_at_once_and_once_and_a_replug_is_live_again_without_a_restart() {
    let (script, mut source) = with_probe();
    let (first, _) = watch(&script, &mut source, seconds(1));
    script.bus().yank();
    assert!(matches!(
        source.next(PATIENCE),
        Err(SourceProblem::Lost { .. })
    ));
    let (none, losses) = watch(&script, &mut source, seconds(5));
    assert!(none.is_empty() && losses.is_empty(), "{losses:?}");
    assert!(script.bus().looks >= 15, "{}", script.bus().looks);
    script.bus().plug(0x0090, &[2]);
    let (second, losses) = watch(&script, &mut source, seconds(2));
    assert!(losses.is_empty(), "{losses:?}");
    assert!(!second.is_empty());
    let all: Vec<u64> = first.iter().chain(&second).copied().collect();
    assert!(rises(&all), "{all:?}");
    assert_eq!(source.facts().spec, "usb:1.2", "a new address");
}

#[test]
fn the_last_settings_are_in_force_again_after_a_replug() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    let granted = source.request(&ImagingSettings {
        frequency_mhz: 3.0,
        frame_rate_hz: Some(10.0),
        ..ImagingSettings::default()
    });
    assert_eq!(
        (granted.frequency_mhz, granted.frame_rate_hz),
        (3.0, Some(10.0))
    );
    assert_eq!(script.bus().registers.get(&0x0100), Some(&17));
    script.bus().yank();
    let _told = source.next(PATIENCE);
    script.bus().plug(0x0090, &[2]);
    watch(&script, &mut source, seconds(2));
    assert_eq!(script.bus().registers.get(&0x0100), Some(&17));
    assert_eq!(script.bus().registers.get(&0x0801), Some(&0xB9));
}

#[test]
fn every_fault_of_the_stream_ends_the_picture_at_once_and_heals_by_itself() {
    let endpoint = || "endpoint 0x82".to_owned();
    for fault in [
        PipeProblem::Stall { what: endpoint() },
        PipeProblem::Overflow { what: endpoint() },
        PipeProblem::Gone,
        PipeProblem::Usb {
            cause: "status 1".to_owned(),
        },
        PipeProblem::Timeout { patience: PATIENCE },
    ] {
        let (script, mut source) = with_probe();
        let (first, _) = watch(&script, &mut source, seconds(1));
        script.bus().faults.push_back(fault.clone());
        let lost = source.next(PATIENCE);
        assert!(matches!(lost, Err(SourceProblem::Lost { .. })), "{fault}");
        assert!(
            !script.bus().insonates(),
            "{fault}: sound goes on without a picture"
        );
        let (second, losses) = watch(&script, &mut source, seconds(2));
        assert!(losses.is_empty(), "{fault}: {losses:?}");
        assert!(rises(&first) && second.first() > first.last(), "{fault}");
    }
}

#[test]
fn frames_that_came_together_with_a_failure_are_counted_and_do_not_say_live_again() {
    let (script, mut source) = with_probe();
    let (first, _) = watch(&script, &mut source, seconds(1));
    let lost_before = source.wire_counts().lost_frames;
    {
        let mut bus = script.bus();
        bus.frames_with_fault = 3;
        bus.faults.push_back(PipeProblem::Gone);
        // It stays away.
        bus.refuses = Some(PipeProblem::Gone);
    }
    assert!(matches!(
        source.next(PATIENCE),
        Err(SourceProblem::Lost { .. })
    ));
    let (none, _) = watch(&script, &mut source, seconds(2));
    assert!(none.is_empty(), "{none:?} after the loss");
    assert!(source.wire_counts().lost_frames >= lost_before + 2);
    script.bus().refuses = None;
    let (second, _) = watch(&script, &mut source, seconds(2));
    assert!(rises(&first) && second.first() > first.last());
}

#[test]
fn a_probe_that_would_not_hear_the_stop_is_silenced_when_the_source_is_dropped() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    script.bus().is_deaf = true;
    source.freeze();
    assert!(script.bus().insonates());
    script.bus().is_deaf = false;
    drop(source);
    assert!(!script.bus().insonates());
}

#[test]
fn a_probe_that_is_let_alone_is_silenced_all_the_same() {
    let (script, mut source) = with_probe();
    // Failures in a row, so that it is let alone for seconds; then one at which it does not hear the stop either.
    script.bus().is_mute = true;
    watch(&script, &mut source, seconds(40));
    while !script.bus().insonates() {
        let _told = source.next(PATIENCE);
    }
    script.bus().is_deaf = true;
    let end = script.clock.now().plus(seconds(3));
    while script.clock.now() < end {
        let _told = source.next(PATIENCE);
    }
    assert!(script.bus().insonates(), "it does not hear");
    let starts = script.bus().pieces;
    script.bus().is_deaf = false;
    watch(&script, &mut source, Duration::from_millis(800));
    assert!(
        !script.bus().insonates(),
        "it is let alone, not left sounding"
    );
    assert_eq!(script.bus().pieces, starts);
}

#[test]
fn a_probe_that_goes_silent_is_lost_after_half_a_second_and_stopped() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    script.bus().is_mute = true;
    let silent_since = script.clock.now();
    let problem = loop {
        if let Err(problem) = source.next(PATIENCE) {
            break problem;
        }
    };
    let waited = script.clock.now().since(silent_since);
    // The stop has a pause of 100 ms of its own.
    assert!((400..=650).contains(&waited.as_millis()), "{waited:?}");
    assert!(problem.to_string().contains("500 ms"), "{problem}");
    assert!(!script.bus().insonates());
    let (_, losses) = watch(&script, &mut source, seconds(8));
    assert!(losses.is_empty(), "one outage, told once: {losses:?}");
    script.bus().is_mute = false;
    let (ids, _) = watch(&script, &mut source, seconds(4));
    assert!(!ids.is_empty());
}

#[test]
fn a_probe_that_fails_again_and_again_is_started_ever_more_rarely_and_a_replug_at_once() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(4));
    script.bus().is_mute = true;
    // Of one minute; a start is seen by the probe being opened.
    let mut openings = Vec::new();
    let begin = script.clock.now();
    let mut before = script.bus().opened;
    while script.clock.now().since(begin) < seconds(60) {
        let _told = source.next(PATIENCE);
        let opened = script.bus().opened;
        if opened > before {
            openings.push(script.clock.now().since(begin).as_millis());
            before = opened;
        }
    }
    let gaps: Vec<u128> = openings.windows(2).map(|w| w[1] - w[0]).collect();
    // Each gap holds 2 s of listening; never shorter than the one before (within a look), at most 5 s of rest.
    assert!(gaps.windows(2).all(|w| w[1] + 400 >= w[0]), "{gaps:?}");
    assert!((8..=14).contains(&openings.len()), "{openings:?}");
    assert!(
        gaps.last().is_some_and(|g| (6500..=8000).contains(g)),
        "{gaps:?}"
    );
    // It is not out of sight: a plug is seen at once, long before the rest is over.
    script.bus().yank();
    script.bus().is_mute = false;
    script.bus().plug(0x0090, &[2]);
    let (ids, _) = watch(&script, &mut source, Duration::from_millis(1500));
    assert!(!ids.is_empty(), "a probe plugged in anew is tried at once");
    // And one that heals by itself is back within the longest rest.
    script.bus().is_mute = true;
    watch(&script, &mut source, seconds(30));
    script.bus().is_mute = false;
    let (ids, _) = watch(&script, &mut source, seconds(6));
    assert!(!ids.is_empty(), "it comes back by itself");
}

#[test]
fn a_person_who_asks_for_something_gets_another_try_at_once() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(4));
    script.bus().is_mute = true;
    watch(&script, &mut source, seconds(40));
    script.bus().is_mute = false;
    source.freeze();
    source.resume();
    let (ids, _) = watch(&script, &mut source, seconds(1));
    assert!(!ids.is_empty());
}

#[test]
fn sound_ends_on_freeze_on_drop_and_on_panic() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    assert!(script.bus().insonates());
    source.freeze();
    assert!(!script.bus().insonates());
    let (ids, losses) = watch(&script, &mut source, seconds(3));
    assert!(ids.is_empty() && losses.is_empty());
    source.resume();
    let (ids, _) = watch(&script, &mut source, seconds(1));
    assert!(!ids.is_empty() && script.bus().insonates());
    drop(source);
    assert!(!script.bus().insonates());

    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    script.bus().panics = true;
    let ended = catch_unwind(AssertUnwindSafe(move || {
        let _unreached = source.next(PATIENCE);
    }));
    assert!(ended.is_err());
    assert!(!script.bus().insonates());
}

#[test]
fn a_probe_that_cannot_be_silenced_is_told_and_silenced_as_soon_as_it_hears_again() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    script.bus().is_deaf = true;
    source.freeze();
    let (_, losses) = watch(&script, &mut source, seconds(2));
    assert!(
        losses.iter().any(|l| l.contains("may still send sound")),
        "{losses:?}"
    );
    assert!(losses.len() <= 2, "{losses:?}");
    assert!(script.bus().insonates());
    script.bus().is_deaf = false;
    let (ids, _) = watch(&script, &mut source, seconds(2));
    assert!(ids.is_empty(), "it is frozen");
    assert!(!script.bus().insonates());
    source.resume();
    let (ids, _) = watch(&script, &mut source, seconds(2));
    assert!(!ids.is_empty());
}

#[test]
fn a_refusal_is_given_a_second_for_udev_and_then_told_with_the_rule_to_install() {
    let (script, mut source) = with_probe();
    script
        .bus()
        .refusals
        .extend([PipeProblem::AccessRefused, PipeProblem::AccessRefused]);
    let (ids, losses) = watch(&script, &mut source, seconds(3));
    assert!(losses.is_empty() && !ids.is_empty(), "{losses:?}");

    let (script, mut source) = with_probe();
    script.bus().refuses = Some(PipeProblem::AccessRefused);
    let mut hints = Vec::new();
    let begin = script.clock.now();
    while script.clock.now().since(begin) < seconds(4) {
        if let Err(SourceProblem::Lost { hint, .. }) = source.next(PATIENCE) {
            assert!(script.clock.now().since(begin) >= seconds(1));
            hints.extend(hint);
        }
    }
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(hints[0].contains("70-portsight.rules"));
    script.bus().refuses = None;
    let (ids, _) = watch(&script, &mut source, seconds(2));
    assert!(!ids.is_empty(), "it opens by itself once it may");
}

#[test]
fn a_probe_before_its_firmware_says_which_file_it_needs_and_comes_back_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("probe.bix");
    std::fs::write(&image, vec![0x02; 3000]).unwrap();
    let script = Script::new();
    script.bus().plug(0x9090, &[2]);
    let memory = folder.path().join("firmware");
    let selector = UsbSelector {
        firmware_memory: Some(memory.clone()),
        ..UsbSelector::default()
    };
    let mut source = self::source(&script, selector.clone());
    let (ids, losses) = watch(&script, &mut source, seconds(3));
    assert!(ids.is_empty());
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].contains("firmware"));
    assert_eq!(script.bus().opened, 0, "nothing to open it for");

    assert!(
        source
            .set_firmware(&folder.path().join("absent.bix"))
            .is_err()
    );
    source.set_firmware(&image).unwrap();
    assert_eq!(remembered_firmware(&memory), Some(image.clone()));
    let (ids, losses) = watch(&script, &mut source, seconds(6));
    assert!(losses.is_empty(), "{losses:?}");
    assert!(!ids.is_empty());
    assert_eq!(script.bus().firmware, 3000);
    assert_eq!(source.facts().spec, "usb:1.2");

    // The next session has the file already.
    drop(source);
    let script = Script::new();
    script.bus().plug(0x9090, &[2]);
    let mut source = self::source(&script, selector);
    let (ids, losses) = watch(&script, &mut source, seconds(6));
    assert!(losses.is_empty() && !ids.is_empty(), "{losses:?}");
}

#[test]
fn firmware_that_does_not_take_is_told_after_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("probe.hex");
    std::fs::write(&image, ":0300000002006F8C\n:00000001FF\n").unwrap();
    let script = Script::new();
    script.bus().plug(0x9090, &[2]);
    let mut source = source(
        &script,
        UsbSelector {
            firmware: Some(image),
            ..UsbSelector::default()
        },
    );
    // The CPU starts, but the same device comes back.
    let _begun = source.next(PATIENCE);
    script.bus().plug(0x9090, &[2]);
    script.bus().cancel_renumeration();
    let (_, losses) = watch(&script, &mut source, seconds(8));
    assert!(losses.is_empty(), "{losses:?}");
    let (_, losses) = watch(&script, &mut source, seconds(4));
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].contains("did not come back"));
}

#[test]
fn another_probe_never_takes_the_place_of_the_one_that_was_lost() {
    // Another kind.
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    script.bus().yank();
    script.bus().beside.push(found(0x1209, 0x0001, 9, &[2]));
    let opened = script.bus().opened;
    let (ids, _) = watch(&script, &mut source, seconds(3));
    assert!(ids.is_empty());
    assert_eq!(
        script.bus().opened,
        opened,
        "another kind is not even opened"
    );

    // The same kind, another serial number.
    let script = Script::new();
    script.bus().serial = Some("A1".to_owned());
    script.bus().plug(0x0090, &[2]);
    let mut source = self::source(&script, UsbSelector::default());
    watch(&script, &mut source, seconds(1));
    assert!(source.facts().details[0].contains("A1"));
    script.bus().yank();
    watch(&script, &mut source, seconds(1));
    script.bus().serial = Some("B2".to_owned());
    script.bus().plug(0x0090, &[2]);
    let (ids, losses) = watch(&script, &mut source, seconds(3));
    assert!(ids.is_empty());
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].contains("not the one that was used"));
    assert!(!script.bus().insonates());
    script.bus().yank();
    // The same one in another socket.
    script.bus().serial = Some("A1".to_owned());
    script.bus().plug(0x0090, &[3, 1]);
    let (ids, _) = watch(&script, &mut source, seconds(3));
    assert!(!ids.is_empty());
}

#[test]
fn a_chosen_place_is_kept_to_and_the_first_ready_probe_is_taken_without_one() {
    let script = Script::new();
    script.bus().plug(0x0090, &[2]);
    let selector = UsbSelector {
        bus_address: Some((1, 7)),
        ..UsbSelector::default()
    };
    let mut source = source(&script, selector);
    let (ids, losses) = watch(&script, &mut source, seconds(2));
    assert!(ids.is_empty());
    assert_eq!(losses, ["no such probe is plugged in"]);
    assert_eq!(script.bus().opened, 0);

    let script = Script::new();
    script.bus().plug(0x0090, &[2]);
    script.bus().beside.push(found(0x1921, 0x9090, 0, &[1]));
    let mut source = self::source(&script, UsbSelector::default());
    let (ids, _) = watch(&script, &mut source, seconds(2));
    assert!(!ids.is_empty(), "the one that is ready comes first");
}

#[test]
fn transfers_that_never_come_back_are_counted_and_said() {
    let (script, mut source) = with_probe();
    watch(&script, &mut source, seconds(1));
    for so_far in [2, 5] {
        script.bus().given_up = if so_far == 2 { 2 } else { 3 };
        script.bus().faults.push_back(PipeProblem::Gone);
        let version = source.facts_version();
        let _told = source.next(PATIENCE);
        assert!(source.facts_version() > version);
        let said = source
            .facts()
            .details
            .iter()
            .filter(|d| d.contains("never came back"));
        let said: Vec<&String> = said.collect();
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with(&so_far.to_string()), "{said:?}");
        watch(&script, &mut source, seconds(2));
    }
}
