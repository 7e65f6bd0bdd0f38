//! The recording of a session: every frame that was captured, and what was done and said about it, into the folder.
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::frame::Frame;
use crate::notice::{Notice, Severity};
use crate::procedure::{Event, FRAMES_FILE, SessionFolder};
use crate::recording::{
    Channel, FileDisk, Note, Recorder, RecorderOptions, RecordingProblem, RecordingState,
};
use crate::stream::Worker;
use crate::words::say;

use super::board::Shared;
use super::live::PATIENCE;

/// Begins the recording of a session. One that cannot be begun is told, and the session goes on without it.
pub(super) fn start(
    folder: Option<&SessionFolder>,
    shared: &Arc<Shared>,
) -> std::io::Result<Option<Worker>> {
    let (Some(folder), Some(tape)) = (folder, shared.reel.clone()) else {
        return Ok(None);
    };
    let path = folder.place(FRAMES_FILE);
    let source = Arc::clone(&shared.board().source);
    let begun = FileDisk::create(&path)
        .map_err(|cause| RecordingProblem::NotBegun { path, cause })
        .and_then(|disk| {
            let spec = source.choice.as_ref().map(ToString::to_string);
            Recorder::begin(
                tape,
                RecorderOptions {
                    clock: Arc::clone(&shared.clock),
                    disk: Arc::new(disk),
                    about: vec![
                        ("source", spec.unwrap_or_default()),
                        ("source_name", source.name.clone()),
                        ("started_utc", shared.clock.wall()),
                        ("notice", say("notice-research")),
                    ],
                },
            )
        });
    match begun {
        Ok(mut recorder) => Worker::start("frames", move || recorder.step(PATIENCE)).map(Some),
        Err(problem) => {
            shared.tell_trouble(Notice::of(&problem));
            Ok(None)
        }
    }
}

impl Shared {
    /// Offers a frame to the recording; never waits. What was lost is on the board, and told.
    pub(super) fn keep_frame(&self, frame: &Arc<Frame>) {
        let Some(reel) = &self.reel else { return };
        let was_taken = reel.offer(frame);
        let counts = reel.counts();
        self.board().stations.recording = counts;
        if let Some(notice) = reel.take_notice() {
            self.tell_trouble(notice);
        }
        if !was_taken && counts.state == RecordingState::Running {
            self.tell_once(Notice {
                severity: Severity::Warning,
                text: say("recording-slow"),
                hint: Some(say("recording-slow-hint")),
            });
        }
    }

    /// Keeps a note beside the frames; never waits. A session that records nothing keeps none.
    pub(super) fn keep_note(&self, channel: Channel, at: Timestamp, what: &impl serde::Serialize) {
        if self.reel.is_some()
            && let Ok(text) = serde_json::to_string(what)
        {
            self.keep_text(channel, at, text);
        }
    }

    /// Keeps a note that is in words already.
    pub(super) fn keep_text(&self, channel: Channel, at: Timestamp, text: String) {
        let Some(reel) = &self.reel else { return };
        let was_taken = reel.note(Note { channel, at, text });
        if !was_taken && reel.counts().state == RecordingState::Running {
            self.tell_once(Notice {
                severity: Severity::Warning,
                text: say("recording-notes-lost"),
                hint: Some(say("recording-slow-hint")),
            });
        }
    }

    /// Keeps an entry of the journal beside the frames.
    pub(super) fn keep_event(&self, event: &Event) {
        self.keep_note(Channel::Events, self.clock.now(), event);
    }
}
