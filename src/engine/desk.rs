//! The desk worker: the only one that writes files. Journal, kept pictures, and the commands that are neither the
//! source's nor the screen's.
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::notice::{Notice, Severity};
use crate::procedure::{Event, Journal};
use crate::stream::Taken;

use super::board::{Job, PlaneRequest, Shared};
use super::{Beside, Command, Picture, Snapshot, kept_picture};

/// What the desk worker owns.
pub(super) struct Desk {
    journal: Option<Journal>,
    folder: Option<PathBuf>,
    shared: Arc<Shared>,
    snapshots_taken: u32,
    mirrored: bool,
}

/// A session that ends leaves no job undone: what was asked before the end is in the journal.
impl Drop for Desk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        while let Taken::Value(job) = self.shared.to_desk.take(Duration::ZERO) {
            self.do_job(job);
        }
    }
}

impl Desk {
    pub(super) fn new(
        journal: Option<Journal>,
        folder: Option<PathBuf>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            journal,
            folder,
            shared,
            snapshots_taken: 0,
            mirrored: false,
        }
    }

    /// Does one job, if there is one in time.
    pub(super) fn step(&mut self, patience: Duration) -> ControlFlow<()> {
        match self.shared.to_desk.take(patience) {
            Taken::Value(job) => self.do_job(job),
            Taken::Nothing => {}
            Taken::Closed => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn do_job(&mut self, job: Job) {
        match job {
            Job::Event(event) => self.record(event),
            Job::Trouble(notice) => self.record(Event::Trouble {
                text: notice.line(),
            }),
            Job::Command(command) => self.carry_out(command),
        }
    }

    fn record(&mut self, event: Event) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        if let Err(problem) = journal.write(event) {
            self.shared.add_notice(Notice::of(&problem));
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Freeze | Command::Unfreeze => {
                let frozen = command == Command::Freeze;
                self.shared.frozen.store(frozen, Ordering::Release);
            }
            Command::ChoosePump(id) => self.choose_pump(id),
            Command::ChooseNeedle(needle) => {
                self.shared.board().needle = needle;
                self.shared.setup_changes.fetch_add(1, Ordering::AcqRel);
                self.record(Event::NeedleChosen { needle });
            }
            Command::GiveScale(spacing) => self.record(Event::ScaleGiven {
                lateral_mm: spacing.lateral.0,
                axial_mm: spacing.axial.0,
            }),
            Command::ConfirmPlane => self.ask_of_planes(PlaneRequest::Confirm),
            Command::TakeSnapshot => self.take_snapshot(),
            Command::DeleteSnapshot(number) => self.delete_snapshot(number),
            Command::Fault(fault) => {
                let fault = serde_json::to_value(fault)
                    .ok()
                    .and_then(|v| v.as_str().map(str::to_owned))
                    .unwrap_or_default();
                self.record(Event::FaultCued { fault });
            }
            Command::AcknowledgeResearchNotice => self.record(Event::ResearchNoticeAcknowledged),
            Command::FlipShown(mirrored) => {
                self.mirrored = mirrored;
                // What was confirmed on a picture seen the other way round does not count (H03).
                self.ask_of_planes(PlaneRequest::Forget);
                self.record(Event::FlipShown { mirrored });
            }
            // Journalled by the capture worker once granted, or of no interest to the journal.
            Command::SetImaging(_)
            | Command::Nudge(_)
            | Command::Restart
            | Command::Connect(_)
            | Command::SuggestCrop
            | Command::ChooseMode(_)
            | Command::SetFirmware(_) => {}
            Command::SetPicture(setup) => self.record(Event::PictureSetupGiven {
                depth_setting: setup.depth_setting,
                crop: setup.crop,
                mm_per_px: setup.spacing.map(|s| [s.lateral.0, s.axial.0]),
                orientation: setup.orientation,
            }),
        }
    }

    fn ask_of_planes(&self, request: PlaneRequest) {
        // A full queue means many presses wait already; one more would say nothing new.
        if self.shared.plane_requests.put(request).is_ok() {
            self.shared.setup_changes.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn choose_pump(&mut self, id: String) {
        let chosen = self.shared.pumps.iter().find(|p| p.id == id).cloned();
        if let Some(pump) = chosen {
            self.shared.board().pump = Arc::new(pump);
            self.shared.setup_changes.fetch_add(1, Ordering::AcqRel);
            self.record(Event::PumpChosen { pump: id });
        }
    }

    fn take_snapshot(&mut self) {
        let Some(folder) = self.folder.clone() else {
            self.shared.add_notice(Notice::note(
                "pictures are kept only in a session with a folder",
            ));
            return;
        };
        let (picture, advice) = {
            let board = self.shared.board();
            (board.picture.clone(), board.advice.clone())
        };
        let Some(picture) = picture else { return };
        let frame = picture.image.frame;
        let advice = advice.filter(|a| a.finding.frame == frame);
        let rgb = self.drawn(&picture, advice.as_deref());
        let stem = self
            .journal
            .as_ref()
            .and_then(|j| j.path().file_stem())
            .map_or_else(
                || "session".to_owned(),
                |s| s.to_string_lossy().into_owned(),
            );
        self.snapshots_taken += 1;
        let number = self.snapshots_taken;
        let file = format!("{stem}-{number:03}.png");
        let path = folder.join(&file);
        match rgb.save(&path) {
            Ok(()) => {
                let mut board = self.shared.board();
                let mut list = board.snapshots.as_ref().clone();
                list.push(Snapshot {
                    number,
                    frame,
                    path: path.display().to_string(),
                });
                board.snapshots = Arc::new(list);
                drop(board);
                self.record(Event::SnapshotTaken {
                    number,
                    frame,
                    file,
                });
                self.shared.wake();
            }
            Err(cause) => self.shared.add_notice(Notice {
                severity: Severity::Error,
                text: format!("picture {number} was not kept: {cause}"),
                hint: Some("Free some space, then press the key again.".to_owned()),
            }),
        }
    }

    fn drawn(&self, picture: &Picture, advice: Option<&super::Advice>) -> ::image::RgbImage {
        let beside = {
            let board = self.shared.board();
            Beside {
                mirrored: self.mirrored,
                ..Beside::new(board.source.name.clone(), &board.pump, board.needle)
            }
        };
        kept_picture(&picture.image, advice, &beside)
    }

    fn delete_snapshot(&mut self, number: u32) {
        let mut board = self.shared.board();
        let mut list = board.snapshots.as_ref().clone();
        let place = list.iter().position(|s| s.number == number);
        let removed = place.map(|p| list.remove(p));
        board.snapshots = Arc::new(list);
        drop(board);
        if let Some(snapshot) = removed {
            if let Err(cause) = std::fs::remove_file(&snapshot.path) {
                self.shared.add_notice(Notice {
                    severity: Severity::Warning,
                    text: format!("picture {number} could not be deleted: {cause}"),
                    hint: Some(format!("Delete {} by hand.", snapshot.path)),
                });
            }
            self.record(Event::SnapshotDeleted { number });
        }
        self.shared.wake();
    }
}
