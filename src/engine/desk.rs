//! The desk worker: the only one that writes files. Journal, kept pictures, and the commands that are neither the
//! source's nor the screen's.
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::notice::{Notice, Severity};
use crate::procedure::{Event, FileRecord, IMAGES_FOLDER, Journal, Kept, SessionFolder};
use crate::report::ReportImage;
use crate::stream::Taken;

use super::board::{Job, PlaneRequest, Shared};
use super::refill_desk::RefillLog;
use super::upkeep::Upkeep;
use super::{Beside, Command, Picture, Snapshot, kept_picture};

/// What the desk worker owns.
pub(super) struct Desk {
    journal: Option<Journal>,
    pub(super) folder: Option<SessionFolder>,
    pub(super) shared: Arc<Shared>,
    pub(super) log: RefillLog,
    pub(super) upkeep: Upkeep,
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
        folder: Option<SessionFolder>,
        shared: Arc<Shared>,
        log: RefillLog,
    ) -> Self {
        Self {
            journal,
            folder,
            shared,
            log,
            upkeep: Upkeep::default(),
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
        self.look_after();
        ControlFlow::Continue(())
    }

    fn do_job(&mut self, job: Job) {
        match job {
            Job::Begin(event) => {
                self.record(event);
                self.write_session_file(None);
            }
            Job::Event(event) => {
                let mut why = None;
                if let Event::PlaneConfirmed { plane, .. } = &event {
                    why = Some(match plane {
                        1 => Kept::FirstPlane,
                        _ => Kept::SecondPlane,
                    });
                }
                self.record(event);
                if let Some(why) = why {
                    self.keep_picture(why);
                }
            }
            Job::End { frames, missing } => self.end(frames, missing),
            Job::Trouble(notice) => self.record(Event::Trouble {
                text: notice.line(),
            }),
            Job::Command(command) => self.carry_out(command),
        }
    }

    /// Writes an entry and waits until it is on the disk.
    pub(super) fn record(&mut self, event: Event) {
        self.log.hear(&event);
        let Some(journal) = &mut self.journal else {
            return;
        };
        self.shared.keep_event(&event);
        match journal.write(event) {
            Ok(()) => self.shared.board().journalled = journal.entries(),
            Err(problem) => self.shared.add_notice(Notice::of(&problem)),
        }
    }

    /// Writes the closing entry. What went wrong while the last files were written stands before it, and nothing after.
    pub(super) fn close_journal(&mut self, closing: Event) {
        while let Taken::Value(job) = self.shared.to_desk.take(Duration::ZERO) {
            self.do_job(job);
        }
        self.record(closing);
        self.journal = None;
    }

    /// Writes what a finished file looked like, so that a change shows.
    pub(super) fn record_file(&mut self, record: FileRecord) {
        self.record(Event::FileWritten {
            file: record.file,
            bytes: record.bytes,
            sha256: record.sha256,
        });
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
            Command::Refill(action) => self.take_action(&action),
            Command::TakeSnapshot => {
                if self.folder.is_none() {
                    self.shared.add_notice(Notice::note(
                        "pictures are kept only in a session with a folder",
                    ));
                }
                self.keep_picture(Kept::Asked);
            }
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

    /// Keeps the picture shown, with its marks; without a folder there is nowhere to.
    pub(super) fn keep_picture(&mut self, why: Kept) {
        let Some(folder) = self.folder.clone() else {
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
        self.snapshots_taken += 1;
        let number = self.snapshots_taken;
        let file = format!("{IMAGES_FOLDER}/{number:03}.png");
        let mut png = Cursor::new(Vec::new());
        let kept = rgb
            .write_to(&mut png, ::image::ImageFormat::Png)
            .map_err(|cause| cause.to_string())
            .and_then(|()| {
                folder
                    .write(&file, png.get_ref())
                    .map_err(|problem| problem.to_string())
            });
        match kept {
            Ok(record) => {
                let mut board = self.shared.board();
                let mut list = board.snapshots.as_ref().clone();
                list.push(Snapshot {
                    number,
                    frame,
                    path: folder.place(&file).display().to_string(),
                });
                board.snapshots = Arc::new(list);
                drop(board);
                self.log.keep(ReportImage {
                    file: file.clone(),
                    frame,
                    why,
                });
                self.record(Event::SnapshotTaken {
                    number,
                    frame,
                    file,
                    why,
                });
                self.record_file(record);
                self.shared.wake();
            }
            Err(cause) => self.shared.tell_trouble(Notice {
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
            let file = format!("{IMAGES_FOLDER}/{number:03}.png");
            self.log.throw_away(&file);
            self.record(Event::SnapshotDeleted { number, file });
        }
        self.shared.wake();
    }
}
