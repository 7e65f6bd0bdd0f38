//! Recordings: bit for bit, cut anywhere, damaged anywhere, on a disk that is full.
#![expect(
    clippy::expect_used,
    reason = "the parts that tests share may fail them"
)]
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portsight::clock::{Clock, ManualClock, Timestamp};
use portsight::frame::{
    Beams, Frame, FrameId, ImagingSettings, Orientation, Origin, PixelSpacing, Samples,
    ScanGeometry, ScanStage, StoredGrid, Values,
};
use portsight::recording::{
    Channel, Condition, Disk, FileDisk, Note, Playback, Recorder, RecorderOptions, Recording,
    RecordingState, RecordingWriter, Tape, recover, verify_recording,
};
use portsight::simulate::{Preset, VirtualProbe};
use portsight::space::{Affine, Radians, ScanPoint};
use portsight::stream::{Delivery, FrameSource};
use proptest::prelude::*;

use crate::program::program;

/// Frames of a virtual patient: scan lines of 16 bits.
fn virtual_frames(count: u64) -> Vec<Arc<Frame>> {
    let mut probe = VirtualProbe::new(Preset::Easy.scenario(3)).ending_after(count);
    let mut frames = Vec::new();
    while let Ok(Delivery::Frame(frame)) = probe.next(Duration::ZERO) {
        frames.push(frame);
    }
    assert_eq!(frames.len() as u64, count);
    frames
}

/// A picture of 8 bits in a fan, with figures that need every bit of an f64.
fn picture(id: u64, seed: u8) -> Arc<Frame> {
    let values: Vec<u8> = (0..48 * 64)
        .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed)
        .collect();
    Arc::new(Frame {
        id: FrameId(id),
        captured_at: Timestamp::from_nanos(16_666_667 * id + 1),
        source_seconds: Some(id as f64 / 3.0),
        origin: Origin::Live,
        stage: ScanStage::PostScan,
        orientation: Orientation::Un,
        geometry: Arc::new(ScanGeometry::Raster {
            spacing: PixelSpacing::new(0.1, 1.0 / 7.0),
            origin: ScanPoint::new(-3.3, 0.1 + 0.2),
            beams: Beams::Fan {
                apex: ScanPoint::new(0.0, -60.123_456_789_012_3),
                near: 60.1,
                far: 110.7,
                half: Radians(std::f64::consts::FRAC_PI_6),
            },
            stored: StoredGrid {
                stored_from_scan: Affine::new([-1.0 / 3.0, 7.0], [639.5, -0.1]).expect("affine"),
            },
        }),
        settings: Arc::new(ImagingSettings {
            receive_filter_mhz: Some(4.7),
            ..ImagingSettings::default()
        }),
        samples: Samples::new(48, 64, Values::U8(Arc::new(values))).expect("samples"),
    })
}

fn same(a: &Frame, b: &Frame) -> bool {
    let values = match (a.samples.values(), b.samples.values()) {
        (Values::U8(a), Values::U8(b)) => a == b,
        (Values::U16(a), Values::U16(b)) => a == b,
        _ => false,
    };
    values
        && (a.id, a.captured_at, a.origin, a.stage, a.orientation)
            == (b.id, b.captured_at, b.origin, b.stage, b.orientation)
        && a.source_seconds == b.source_seconds
        && a.geometry == b.geometry
        && a.settings == b.settings
        && (a.samples.outer(), a.samples.inner()) == (b.samples.outer(), b.samples.inner())
}

fn about() -> Vec<(&'static str, String)> {
    vec![("source", "a test".to_owned())]
}

fn record(path: &Path, frames: &[Arc<Frame>]) {
    let disk = FileDisk::create(path).expect("file");
    let mut writer = RecordingWriter::begin(Arc::new(disk), &about()).expect("begun");
    for frame in frames {
        writer.note(Note {
            channel: Channel::Events,
            at: frame.captured_at,
            text: format!("{{\"at\":{}}}", frame.id.0),
        });
        writer.frame(frame, 0).expect("written");
    }
    writer.finish(0).expect("finished");
}

struct Made {
    _folder: tempfile::TempDir,
    path: PathBuf,
    frames: Vec<Arc<Frame>>,
    bytes: Vec<u8>,
}

fn made(count: u64) -> Made {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.mcap");
    let frames: Vec<_> = (0..count).map(|id| picture(id, id as u8)).collect();
    record(&path, &frames);
    let bytes = std::fs::read(&path).expect("read");
    Made {
        _folder: folder,
        path,
        frames,
        bytes,
    }
}

impl Made {
    /// The file with other bytes.
    fn with(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.path, bytes).expect("written");
        &self.path
    }
}

#[test]
fn scan_lines_and_pictures_come_back_bit_for_bit() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, frames) in [
        ("lines.mcap", virtual_frames(5)),
        ("pictures.mcap", (0..7).map(|id| picture(id, 3)).collect()),
    ] {
        let path = folder.path().join(name);
        record(&path, &frames);
        let recording = Recording::open(&path).expect("opens");
        assert_eq!(*recording.condition(), Condition::Closed);
        assert_eq!(recording.frame_count(), frames.len());
        assert_eq!(
            recording.heading().get("source"),
            Some(&"a test".to_owned())
        );
        for (index, frame) in frames.iter().enumerate() {
            let read = recording.frame(index).expect("reads");
            assert!(same(&read, frame), "{name} {index}");
            assert_eq!(recording.time(index), Some(frame.captured_at));
            assert_eq!(recording.find(frame.id), Some(index));
        }
        assert_eq!(recording.notes(Channel::Events).len(), frames.len());
        assert!(recording.frame(frames.len()).is_err());
        let verdict = verify_recording(&path).expect("verified");
        assert!(verdict.holds(), "{verdict:?}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_every_frame_that_was_whole() {
    let made = made(12);
    let mut last = 0;
    let step = (made.bytes.len() / 300).max(1);
    for length in (0..made.bytes.len()).step_by(step) {
        let path = made.with(&made.bytes[..length]);
        let count = Recording::open(path).map_or(0, |recording| {
            for index in 0..recording.frame_count() {
                let read = recording.frame(index).expect("reads");
                assert!(same(&read, &made.frames[index]), "{length} {index}");
            }
            let verdict = verify_recording(path).expect("verified");
            assert!(!verdict.holds(), "a cut file of {length} bytes holds");
            assert_eq!(verdict.frames, recording.frame_count() as u64);
            recording.frame_count()
        });
        assert!(count >= last, "{length}: {count} after {last}");
        last = count;
    }
    assert_eq!(last, 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_byte_changed_costs_one_frame_at_most_and_never_lies(
        place in 0.0..1.0_f64,
        change in 1..=255_u8,
    ) {
        let made = made(8);
        let mut bytes = made.bytes.clone();
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] ^= change;
        let path = made.with(&bytes);
        let recording = Recording::open(path).expect("opens");
        let mut read = Vec::new();
        for index in 0..recording.frame_count() {
            if let Ok(frame) = recording.frame(index) {
                prop_assert!(same(&frame, &made.frames[frame.id.0 as usize]), "frame {} lies", frame.id.0);
                read.push(frame.id.0);
            }
        }
        prop_assert!(read.len() >= 7, "byte {place}: {read:?}");
        let verdict = verify_recording(path).expect("verified");
        prop_assert!(!verdict.holds(), "byte {place} of {}: {verdict:?}", bytes.len());
        prop_assert_eq!(verdict.frames, read.len() as u64);
    }

    #[test]
    fn recovering_keeps_what_is_whole_and_says_what_is_missing(
        cut in 0.3..1.0_f64,
        hole in 0.0..0.9_f64,
    ) {
        let made = made(10);
        let mut bytes = made.bytes.clone();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        let place = (bytes.len() as f64 * hole) as usize;
        for byte in bytes.iter_mut().skip(place).take(40) {
            *byte = !*byte;
        }
        let path = made.with(&bytes);
        let before = verify_recording(path).expect("verified");
        let to = path.with_file_name("b.mcap");
        let kept = recover(path, &to).expect("recovered");
        prop_assert_eq!(kept.frames, before.frames);
        let after = verify_recording(&to).expect("verified");
        prop_assert!(after.holds(), "{after:?}");
        prop_assert_eq!(after.told_missing, before.untold_missing);
        let recovered = Recording::open(&to).expect("opens");
        for index in 0..recovered.frame_count() {
            let frame = recovered.frame(index).expect("reads");
            prop_assert!(same(&frame, &made.frames[frame.id.0 as usize]));
        }
        prop_assert!(recover(path, &to).is_err(), "written over");
    }
}

/// A disk with room for so many bytes, that may stand still.
struct SmallDisk {
    room: u64,
    kept: Mutex<Vec<u8>>,
    syncs: AtomicU64,
    free_mb: AtomicU64,
}

impl SmallDisk {
    fn of(room: u64) -> Arc<Self> {
        Arc::new(Self {
            room,
            kept: Mutex::default(),
            syncs: AtomicU64::new(0),
            free_mb: AtomicU64::new(10_000),
        })
    }
}

impl Disk for SmallDisk {
    fn append(&self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut kept = self.kept.lock().expect("lock");
        let room = self.room as usize - kept.len();
        if room == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let count = room.min(bytes.len());
        kept.extend(bytes.iter().take(count));
        Ok(count)
    }
    fn sync(&self) -> std::io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    fn cut(&self, length: u64) -> std::io::Result<()> {
        self.kept.lock().expect("lock").truncate(length as usize);
        Ok(())
    }
    fn free_mb(&self) -> Option<u64> {
        Some(self.free_mb.load(Ordering::SeqCst))
    }
}

/// A recorder on a disk, stepped by hand.
fn recorder(disk: &Arc<SmallDisk>, clock: &Arc<ManualClock>) -> (Tape, Recorder) {
    let tape = Tape::default();
    let recorder = Recorder::begin(
        tape.clone(),
        RecorderOptions {
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            disk: Arc::clone(disk) as Arc<dyn Disk>,
            about: about(),
        },
    )
    .expect("begun");
    (tape, recorder)
}

fn opened(disk: &SmallDisk) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("kept.mcap");
    std::fs::write(&path, disk.kept.lock().expect("lock").as_slice()).expect("written");
    (folder, path)
}

#[test]
fn a_full_disk_ends_the_recording_and_keeps_what_was_stored() {
    let disk = SmallDisk::of(20_000);
    let (tape, mut recorder) = recorder(&disk, &Arc::default());
    for id in 0..20 {
        tape.offer(&picture(id, 1));
        assert!(recorder.step(Duration::ZERO).is_continue());
    }
    let counts = tape.counts();
    assert_eq!(counts.state, RecordingState::Stopped);
    assert!(counts.stored > 0);
    assert_eq!(counts.stored + counts.lost, 20);
    let told = tape.take_notice().expect("the user is told").text;
    assert!(told.contains("stopped after"), "{told}");
    drop(recorder);
    let (_folder, path) = opened(&disk);
    let recording = Recording::open(&path).expect("opens");
    assert_eq!(recording.frame_count() as u64, counts.stored);
    let verdict = verify_recording(&path).expect("verified");
    assert!(
        verdict.damage.is_empty(),
        "cut at a whole chunk: {verdict:?}"
    );
}

#[test]
fn the_last_megabytes_of_a_disk_are_left_to_the_journal() {
    let disk = SmallDisk::of(u64::MAX / 2);
    let clock = Arc::new(ManualClock::default());
    let (tape, mut recorder) = recorder(&disk, &clock);
    tape.offer(&picture(0, 1));
    assert!(recorder.step(Duration::ZERO).is_continue());
    disk.free_mb.store(299, Ordering::SeqCst);
    clock.advance(Duration::from_millis(1001));
    assert!(recorder.step(Duration::ZERO).is_continue());
    assert_eq!(tape.counts().state, RecordingState::Stopped);
    assert!(!tape.offer(&picture(1, 1)));
    assert!(tape.take_notice().expect("told").text.contains("299"));
    let (_folder, path) = opened(&disk);
    assert!(verify_recording(&path).expect("verified").holds());
}

#[test]
fn frames_a_slow_disk_could_not_take_are_counted_in_the_file_and_told() {
    let disk = SmallDisk::of(u64::MAX / 2);
    let (tape, mut recorder) = recorder(&disk, &Arc::default());
    let taken = (0..200).filter(|id| tape.offer(&picture(*id, 1))).count() as u64;
    assert!((100..200).contains(&taken), "{taken}");
    while tape.counts().stored < taken {
        assert!(recorder.step(Duration::ZERO).is_continue());
    }
    assert!(tape.offer(&picture(200, 1)));
    drop(recorder);
    let counts = tape.counts();
    assert_eq!((counts.stored, counts.lost), (taken + 1, 200 - taken));
    let (_folder, path) = opened(&disk);
    let recording = Recording::open(&path).expect("opens");
    let gaps = recording.notes(Channel::Gaps);
    let gap: serde_json::Value = serde_json::from_str(&gaps[0].text).expect("json");
    assert_eq!(gap["count"], 200 - taken);
    assert_eq!(gap["by"], "recording");
    assert_eq!(gap["before"], 200);
    let verdict = verify_recording(&path).expect("verified");
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!(verdict.told_missing, 200 - taken);
}

#[test]
fn what_is_written_is_synced_once_a_second() {
    let disk = SmallDisk::of(u64::MAX / 2);
    let clock = Arc::new(ManualClock::default());
    let (tape, mut recorder) = recorder(&disk, &clock);
    let before = disk.syncs.load(Ordering::SeqCst);
    for id in 0..100 {
        clock.advance(Duration::from_millis(50));
        tape.offer(&picture(id, 1));
        assert!(recorder.step(Duration::ZERO).is_continue());
    }
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    assert_eq!(syncs, 5);
}

#[test]
fn a_replay_has_the_numbers_and_times_of_the_recording() {
    let made = made(5);
    let mut playback = Playback::new(Arc::new(Recording::open(&made.path).expect("opens")));
    for frame in &made.frames {
        let Ok(Delivery::Frame(read)) = playback.next(Duration::ZERO) else {
            unreachable!("five frames are there");
        };
        assert_eq!((read.id, read.captured_at), (frame.id, frame.captured_at));
        assert_eq!(read.source_seconds, frame.source_seconds);
        assert_eq!(read.origin, Origin::Replay);
    }
    assert!(matches!(
        playback.next(Duration::ZERO),
        Ok(Delivery::Finished)
    ));
}

fn said(command: &mut std::process::Command) -> (bool, String, String) {
    let out = command.output().expect("program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

/// The one file of this name below a folder.
fn below(folder: &Path, name: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|found| found == name) {
                return path;
            }
        }
    }
    PathBuf::new()
}

#[test]
fn a_session_is_recorded_sealed_and_read_again_as_it_was_line_for_line() {
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    let live = [
        "live",
        "--headless",
        "--frames",
        "45",
        "--json",
        "live.jsonl",
    ];
    let (ended_well, _, errors) = said(program(folder).args(live));
    assert!(ended_well, "{errors}");
    let frames = below(&folder.join("data"), "frames.mcap");
    let session = frames.parent().expect("folder").display().to_string();
    let (holds, text, errors) = said(program(folder).args(["verify", &session]));
    assert!(holds, "{text} {errors}");
    let journal = std::fs::read_to_string(frames.with_file_name("journal.jsonl")).expect("journal");
    assert!(journal.contains("\"file\":\"frames.mcap\""), "not sealed");

    let frames = frames.display().to_string();
    let (is_same, again, errors) = said(program(folder).args(["analyze", &frames, "--as-live"]));
    assert!(is_same, "{errors}");
    let recording = Recording::open(Path::new(&frames)).expect("opens");
    let mut then = String::new();
    for note in recording.notes(Channel::Advice) {
        then.push_str(&note.text);
        then.push('\n');
    }
    assert!(again.lines().count() >= 45, "{again}");
    assert_eq!(again, then);
    // What was printed while it ran is the same advice.
    let printed = std::fs::read_to_string(folder.join("live.jsonl")).expect("lines");
    let first = printed.lines().next().expect("a line");
    let first: serde_json::Value = serde_json::from_str(first).expect("json");
    let again: serde_json::Value =
        serde_json::from_str(again.lines().next().expect("a line")).expect("json");
    assert_eq!(again["state"], first["state"]);

    let events = recording.notes(Channel::Events);
    assert!(
        events.iter().any(|e| e.text.contains("\"event\":")),
        "no events"
    );
    let (is_read, lines, errors) = said(program(folder).args(["analyze", &frames]));
    assert!(is_read, "{errors}");
    assert_eq!(lines.lines().count(), recording.frame_count() + 1);
    // It knows its own scale: another one is refused, not passed over in silence.
    let scaled = ["analyze", &frames, "--mm-per-px", "0.1,0.1"];
    let (is_read, lines, errors) = said(program(folder).args(scaled));
    assert!(!is_read && lines.is_empty(), "{lines}");
    assert!(errors.contains("--mm-per-px"), "{errors}");
}

#[test]
fn a_recording_that_is_killed_keeps_every_frame_it_acknowledged() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().expect("folder");
    let folder = folder.path();
    let arguments = [
        "record",
        "--seconds",
        "60",
        "--out",
        "a.mcap",
        "--acknowledge",
    ];
    let mut child = program(folder)
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("program runs");
    let mut lines = BufReader::new(child.stdout.take().expect("pipe")).lines();
    let mut stored = 0_u64;
    while stored < 20 {
        let line = lines.next().expect("a line").expect("text");
        stored = line
            .trim_start_matches("stored ")
            .parse()
            .expect("a number");
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let recording = Recording::open(&folder.join("a.mcap")).expect("opens");
    assert!(recording.frame_count() as u64 >= stored);
    assert!(matches!(recording.condition(), Condition::Searched { .. }));
    let (holds, text, _) = said(program(folder).args(["verify", "a.mcap"]));
    assert!(!holds, "{text}");
    let (is_kept, text, errors) = said(program(folder).args(["recover", "a.mcap"]));
    assert!(is_kept, "{errors}");
    assert!(
        text.contains(&format!("{} frames", recording.frame_count())),
        "{text}"
    );
    let (holds, text, errors) = said(program(folder).args(["verify", "a.recovered.mcap"]));
    assert!(holds, "{text} {errors}");
    let again = program(folder).args(arguments).output().expect("runs");
    assert!(!again.status.success(), "written over");
}

#[test]
fn what_is_exported_is_opened_again_with_the_same_pixels_scale_and_times() {
    use portsight::exchange::{OpenOptions, open};
    let made = made(6);
    let folder = made.path.parent().expect("folder");
    let (is_written, text, errors) =
        said(program(folder).args(["export", "a.mcap", "--to", "mha"]));
    assert!(is_written, "{text} {errors}");
    let file = open(&folder.join("a.mha"), &OpenOptions::default()).expect("opens");
    assert_eq!(file.frame_count(), made.frames.len());
    for (index, frame) in made.frames.iter().enumerate() {
        let read = file.frame(index).expect("reads");
        let (Values::U8(then), Values::U8(now)) = (frame.samples.values(), read.samples.values())
        else {
            unreachable!("pictures of 8 bits");
        };
        assert_eq!(then, now, "{index}");
        assert_eq!(read.source_seconds, frame.source_seconds, "{index}");
        let (
            ScanGeometry::Raster {
                spacing, origin, ..
            },
            ScanGeometry::Raster {
                spacing: same,
                origin: place,
                ..
            },
        ) = (&*read.geometry, &*frame.geometry)
        else {
            unreachable!("pictures");
        };
        assert_eq!((spacing, origin), (same, place), "{index}");
    }
    let (is_written, _, _) = said(program(folder).args(["export", "a.mcap", "--to", "mha"]));
    assert!(!is_written, "written over");
    let (is_written, _, errors) = said(program(folder).args(["export", "a.mcap", "--to", "csv"]));
    assert!(is_written, "{errors}");
    let table = std::fs::read_to_string(folder.join("a.csv")).expect("table");
    assert_eq!(table.lines().count(), 7);
    let (is_written, _, errors) = said(program(folder).args(["export", "a.mcap", "--to", "png"]));
    assert!(is_written, "{errors}");
    let picture = open(&folder.join("a.pictures"), &OpenOptions::default()).expect("opens");
    assert_eq!(picture.frame_count(), 6);
}
