//! A probe, a grabber or a network peer as a feed.
use std::sync::Arc;
use std::time::Duration;

use crate::frame::{Beams, Frame, ImagingSettings, Origin, PictureSetup, ScanGeometry};
use crate::image::FanWatch;
use crate::notice::{Notice, Severity};
use crate::stream::{Delivery, FrameSource, LiveSource, SourceFacts, SourceProblem, WireCounts};

use super::{Command, Feed};

/// A live source with its controls.
///
/// Grabbers and network peers send finished pictures and do not say how sound ran through them; a fan is recognised
/// here by its outline and travels on with every frame, so that a curved probe is not read as a flat one (H06).
pub struct LiveFeed {
    source: Box<dyn LiveSource>,
    settings: ImagingSettings,
    watch: FanWatch,
    /// A geometry of the source, and the same with the fan in it.
    with_fan: Option<(Arc<ScanGeometry>, Arc<ScanGeometry>)>,
    /// What the source says of itself, with what was recognised in its pictures.
    facts: SourceFacts,
    facts_version: u64,
    /// The version of the source's own facts that `facts` were made from.
    source_version: u64,
    /// Whether finished pictures have come.
    is_picture: bool,
}

impl LiveFeed {
    /// A feed of `source`, which opens itself when it is first asked for a frame.
    pub fn new(source: Box<dyn LiveSource>) -> Self {
        Self {
            facts: source.facts().clone(),
            facts_version: 0,
            source_version: source.facts_version(),
            source,
            settings: ImagingSettings::default(),
            watch: FanWatch::default(),
            with_fan: None,
            is_picture: false,
        }
    }

    /// Tells a frame how sound ran through it, if its source does not.
    fn give_beams(&mut self, frame: &mut Arc<Frame>) {
        let is_picture = matches!(
            &*frame.geometry,
            ScanGeometry::Raster {
                beams: Beams::Parallel,
                ..
            }
        );
        let changed = self.watch.note(frame);
        if changed || is_picture != self.is_picture {
            self.with_fan = None;
            self.is_picture = is_picture;
            self.tell();
        }
        let Some(fan) = self.watch.beams().filter(|_| is_picture) else {
            return;
        };
        let known = self
            .with_fan
            .as_ref()
            .filter(|(bare, _)| Arc::ptr_eq(bare, &frame.geometry) || **bare == *frame.geometry);
        let geometry = if let Some((_, with_fan)) = known {
            Arc::clone(with_fan)
        } else {
            let mut with_fan = (*frame.geometry).clone();
            if let ScanGeometry::Raster { beams, .. } = &mut with_fan {
                *beams = fan;
            }
            let with_fan = Arc::new(with_fan);
            self.with_fan = Some((Arc::clone(&frame.geometry), Arc::clone(&with_fan)));
            with_fan
        };
        // Only its head is copied, if at all; the samples stay where they are.
        Arc::make_mut(frame).geometry = geometry;
    }

    /// Brings the facts up to date.
    fn tell(&mut self) {
        self.source_version = self.source.facts_version();
        let mut facts = self.source.facts().clone();
        if self.is_picture {
            facts.details.push(match self.watch.beams() {
                Some(Beams::Fan { half, .. }) => format!(
                    "read as a curved or phased array, {:.0} degrees wide: recognised by its outline",
                    2.0 * half.degrees()
                ),
                Some(Beams::Parallel) | None => {
                    "read as a linear array: no fan is recognised in the picture".to_owned()
                }
            });
        }
        if facts != self.facts {
            self.facts = facts;
            self.facts_version += 1;
        }
    }

    fn keep_up(&mut self) {
        if self.source_version != self.source.facts_version() {
            self.tell();
        }
    }

    fn set_picture(&mut self, setup: &PictureSetup) -> Option<Notice> {
        self.source.set_picture(setup).err().map(|text| Notice {
            severity: Severity::Warning,
            text: format!("picture area and scale were not taken: {text}"),
            hint: None,
        })
    }
}

fn warned(outcome: Result<(), String>) -> Option<Notice> {
    outcome.err().map(|text| Notice {
        severity: Severity::Warning,
        text,
        hint: None,
    })
}

impl FrameSource for LiveFeed {
    fn next(&mut self, patience: Duration) -> Result<Delivery, SourceProblem> {
        let mut delivery = self.source.next(patience);
        if let Ok(Delivery::Frame(frame)) = &mut delivery {
            self.give_beams(frame);
        }
        self.keep_up();
        delivery.map_err(|problem| match problem {
            // A live source goes on after whatever it could not read; nobody should have to start it again.
            SourceProblem::Unreadable {
                source_name,
                what,
                hint,
            } => SourceProblem::Lost {
                source_name,
                what,
                hint,
            },
            SourceProblem::Lost { .. }
            | SourceProblem::Unplugged { .. }
            | SourceProblem::SinkStopped { .. } => problem,
        })
    }

    fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
        self.settings = self.source.request(wanted);
        self.keep_up();
        self.settings.clone()
    }

    fn name(&self) -> String {
        self.source.name()
    }
}

impl Feed for LiveFeed {
    fn origin(&self) -> Origin {
        Origin::Live
    }

    fn is_still(&self) -> bool {
        false
    }

    fn settings(&self) -> ImagingSettings {
        self.settings.clone()
    }

    fn facts(&self) -> Option<&SourceFacts> {
        Some(&self.facts)
    }

    fn wire_counts(&self) -> Option<WireCounts> {
        Some(self.source.wire_counts())
    }

    fn facts_version(&self) -> u64 {
        self.facts_version
    }

    fn apply(&mut self, command: &Command) -> Option<Notice> {
        let notice = self.carry_out(command);
        self.keep_up();
        notice
    }
}

impl LiveFeed {
    fn carry_out(&mut self, command: &Command) -> Option<Notice> {
        match command {
            Command::Freeze => self.source.freeze(),
            Command::Unfreeze => self.source.resume(),
            Command::SetPicture(setup) => return self.set_picture(setup),
            Command::SuggestCrop => return warned(self.source.suggest_crop()),
            Command::ChooseMode(mode) => return warned(self.source.choose_mode(mode)),
            Command::SetFirmware(file) => return warned(self.source.set_firmware(file)),
            Command::GiveScale(spacing) => {
                let present = self.source.facts().picture_setup.clone();
                let setup = PictureSetup {
                    spacing: Some(*spacing),
                    ..present.unwrap_or_default()
                };
                return self.set_picture(&setup);
            }
            Command::SetImaging(_)
            | Command::ChoosePump(_)
            | Command::ChooseNeedle(_)
            | Command::TakeSnapshot
            | Command::ConfirmPlane
            | Command::DeleteSnapshot(_)
            | Command::Restart
            | Command::Nudge(_)
            | Command::Fault(_)
            | Command::AcknowledgeResearchNotice
            | Command::FlipShown(_)
            | Command::Refill(_)
            | Command::Connect(_) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::frame::{
        FrameId, ImagingLimits, Orientation, PixelSpacing, Samples, ScanStage, StoredGrid, Values,
    };
    use crate::space::{Affine, ScanPoint};
    use crate::stream::{AcousticOutput, Maturity, SourceOffers};

    const COLUMNS: usize = 400;
    const ROWS: usize = 300;

    /// A grabber behind which a curved array (apex 60 px above the picture, 90 to 330 px, 35 degrees to both sides) or
    /// a linear one scans.
    struct Grabber {
        is_curved: bool,
        frames: u32,
        geometry: Arc<ScanGeometry>,
        facts: SourceFacts,
    }

    impl Grabber {
        fn new(is_curved: bool) -> Self {
            Self {
                is_curved,
                frames: 0,
                geometry: Arc::new(ScanGeometry::Raster {
                    spacing: PixelSpacing::new(0.2, 0.2),
                    origin: ScanPoint::new(0.0, 0.0),
                    beams: Beams::Parallel,
                    stored: StoredGrid {
                        stored_from_scan: Affine::new([1.0, 1.0], [0.0, 0.0]).expect("unmoved"),
                    },
                }),
                facts: SourceFacts {
                    name: "stick".to_owned(),
                    spec: "v4l2:/dev/video0".to_owned(),
                    details: vec!["a detail".to_owned()],
                    acoustic: AcousticOutput::ShownByScanner,
                    maturity: Maturity::Tried,
                    limits: ImagingLimits::default(),
                    picture_setup: None,
                    saved_setups: Vec::new(),
                    wants_picture_setup: true,
                    offers: SourceOffers::default(),
                },
            }
        }

        fn grey(&self, at: usize) -> u8 {
            let (x, z) = ((at % COLUMNS) as f64 - 200.0, (at / COLUMNS) as f64 + 60.0);
            let inside = if self.is_curved {
                let radius = x.hypot(z);
                (90.0..=330.0).contains(&radius) && x.atan2(z).abs() <= 35.0_f64.to_radians()
            } else {
                x.abs() < 150.0
            };
            let noise = (at as u32 ^ self.frames.wrapping_mul(977)).wrapping_mul(2_654_435_761);
            let noise = noise.rotate_left(13).wrapping_mul(2_246_822_519);
            if inside { 40 + (noise >> 25) as u8 } else { 0 }
        }
    }

    impl FrameSource for Grabber {
        fn next(&mut self, _patience: Duration) -> Result<Delivery, SourceProblem> {
            self.frames += 1;
            let values = (0..COLUMNS * ROWS).map(|at| self.grey(at)).collect();
            Ok(Delivery::Frame(Arc::new(Frame {
                id: FrameId(u64::from(self.frames)),
                captured_at: Timestamp::ZERO,
                source_seconds: None,
                origin: Origin::Live,
                stage: ScanStage::PostScan,
                orientation: Orientation::Mf,
                geometry: Arc::clone(&self.geometry),
                settings: Arc::new(ImagingSettings::default()),
                samples: Samples::new(ROWS, COLUMNS, Values::U8(Arc::new(values))).expect("sides"),
            })))
        }

        fn request(&mut self, wanted: &ImagingSettings) -> ImagingSettings {
            wanted.clone()
        }

        fn name(&self) -> String {
            self.facts.name.clone()
        }
    }

    impl LiveSource for Grabber {
        fn facts(&self) -> &SourceFacts {
            &self.facts
        }

        fn facts_version(&self) -> u64 {
            0
        }

        fn freeze(&mut self) {}

        fn resume(&mut self) {}
    }

    /// The beams of the first frames, and how many versions of the facts there were.
    fn beams_of(is_curved: bool, count: usize) -> (LiveFeed, Vec<Beams>) {
        let mut feed = LiveFeed::new(Box::new(Grabber::new(is_curved)));
        let beams = (0..count)
            .map(|_| match feed.next(Duration::ZERO) {
                Ok(Delivery::Frame(frame)) => frame.geometry.beams(),
                other => panic!("{other:?}"),
            })
            .collect();
        (feed, beams)
    }

    #[test]
    fn a_curved_probe_behind_a_grabber_gets_its_fan_and_keeps_it_and_a_linear_one_gets_none() {
        let (feed, beams) = beams_of(true, 150);
        let first = beams
            .iter()
            .position(|b| *b != Beams::Parallel)
            .expect("a fan");
        assert!(first < 40, "{first}");
        let Beams::Fan { apex, near, .. } = beams[first] else {
            panic!("{:?}", beams[first]);
        };
        assert!(
            (apex.x - 40.0).abs() < 0.4 && (apex.z + 12.0).abs() < 0.6,
            "{apex:?}"
        );
        assert!((apex.z + near - 6.0).abs() < 0.3, "{apex:?} {near}");
        assert!(
            beams[first..].iter().all(|b| *b == beams[first]),
            "it flaps"
        );
        let told = |feed: &LiveFeed| {
            let facts = feed.facts().expect("facts");
            assert_eq!(facts.details[0], "a detail");
            facts.details[1].clone()
        };
        assert!(told(&feed).contains("70 degrees"), "{}", told(&feed));
        // Once for "linear", as long as nothing was recognised, and once for the fan.
        assert_eq!(feed.facts_version(), 2);

        let (feed, beams) = beams_of(false, 150);
        assert!(beams.iter().all(|b| *b == Beams::Parallel));
        assert!(told(&feed).contains("linear"), "{}", told(&feed));
        assert_eq!(feed.facts_version(), 1);
    }
}
