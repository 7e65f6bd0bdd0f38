//! A recording as a source: its frames with their own numbers and times, in true time or as fast as they are asked for.
use std::sync::Arc;
use std::time::Duration;

use super::open::{Condition, Recording};
use crate::clock::Timestamp;
use crate::exchange::Pace;
use crate::frame::{Frame, ImagingSettings, Origin};
use crate::notice::{Notice, Severity};
use crate::stream::{Delivery, FrameSource, SourceProblem};
use crate::words::{say, say_with};

/// A replay that is later than this does not hurry after its schedule; it goes on from where it is.
const LATEST: Duration = Duration::from_millis(250);

/// A recording that is played. A frame that is damaged is told once and passed over.
#[derive(Debug)]
pub struct Playback {
    recording: Arc<Recording>,
    pace: Pace,
    position: usize,
    anchor: Option<(Timestamp, Timestamp)>,
    settings: ImagingSettings,
}

impl Playback {
    /// Plays a recording from its first frame on.
    pub fn new(recording: Arc<Recording>) -> Self {
        let settings = (0..recording.frame_count())
            .find_map(|index| recording.frame(index).ok())
            .map_or_else(ImagingSettings::default, |frame| (*frame.settings).clone());
        Self {
            recording,
            pace: Pace::FreeRunning,
            position: 0,
            anchor: None,
            settings,
        }
    }

    /// What is played.
    pub fn recording(&self) -> &Arc<Recording> {
        &self.recording
    }

    /// Settings of the first frame.
    pub fn settings(&self) -> &ImagingSettings {
        &self.settings
    }

    /// Sets the pace; the replay goes on at its present frame.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.anchor = None;
    }

    /// Starts again at the first frame.
    pub fn restart(&mut self) {
        self.position = 0;
        self.anchor = None;
    }

    /// What is worth knowing about this recording.
    pub fn notices(&self) -> Vec<Notice> {
        let Condition::Searched { damage } = self.recording.condition() else {
            return Vec::new();
        };
        let frames = self.recording.frame_count().to_string();
        let places = damage.len().to_string();
        vec![Notice {
            severity: Severity::Warning,
            text: say_with(
                "recording-searched",
                &[("frames", &frames), ("places", &places)],
            ),
            hint: Some(say("recording-searched-hint")),
        }]
    }

    /// A frame as a replay shows it: it is a recording now, whatever it was when it was made.
    pub fn frame(&self, index: usize) -> Result<Frame, super::RecordingProblem> {
        let mut frame = Arc::unwrap_or_clone(self.recording.frame(index)?);
        frame.origin = Origin::Replay;
        Ok(frame)
    }

    /// When a frame recorded at `recorded` is due, by a clock that shows `now`.
    fn due_at(&mut self, now: Timestamp, recorded: Timestamp) -> Timestamp {
        let (begun, first) = *self.anchor.get_or_insert((now, recorded));
        // Always from the anchor: errors of single frames do not add up.
        let scheduled = begun.plus(recorded.since(first));
        if now.since(scheduled) > LATEST {
            self.anchor = Some((now, recorded));
            return now;
        }
        scheduled
    }
}

impl FrameSource for Playback {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let Some(recorded) = self.recording.time(self.position) else {
            return Ok(Delivery::Finished);
        };
        let due = match self.pace.clone() {
            Pace::FreeRunning => None,
            Pace::TrueTime(clock) => {
                let scheduled = self.due_at(clock.now(), recorded);
                let wait = scheduled.since(clock.now()).min(patience);
                if wait > Duration::ZERO {
                    std::thread::sleep(wait);
                }
                if clock.now() < scheduled {
                    return Ok(Delivery::Quiet);
                }
                Some(scheduled)
            }
        };
        let index = self.position;
        // A frame that cannot be read is lost once, not asked for again and again.
        self.position += 1;
        let mut frame = self
            .frame(index)
            .map_err(|problem| problem.into_source_problem(self.name()))?;
        if let Some(due) = due {
            frame.captured_at = due;
        }
        Ok(Delivery::Frame(Arc::new(frame)))
    }

    fn request(&mut self, _wanted: &ImagingSettings) -> ImagingSettings {
        self.settings.clone()
    }

    fn name(&self) -> String {
        let path = self.recording.path();
        path.file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}
