//! Packets of the reference protocol to frames.
use std::sync::Arc;

use super::wire::{FrameHeader, Layout, SampleFormat, Settings};
use crate::clock::Timestamp;
use crate::frame::{
    BufferPool, DepthRange, Frame, FrameId, ImagingSettings, Orientation, Origin, Samples,
    ScanGeometry, ScanStage, Values,
};
use crate::space::{Millimeters, Radians};

/// Frames in use at once: in the mailboxes, on the screen, kept for a picture; a few more cost nothing but memory.
const POOL: usize = 8;

/// Micrometres to millimetres.
pub(super) fn millimeters(um: u32) -> f64 {
    f64::from(um) / 1000.0
}

/// Thousandths to ones: kHz to MHz, mHz to Hz.
pub(super) fn ones(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

/// Makes frames of packets. Geometry and settings are shared by frames that agree in them.
#[derive(Debug)]
pub(super) struct FrameMaker {
    bytes: BufferPool<u8>,
    words: BufferPool<u16>,
    /// What was asked for last: what the wire does not carry comes from here.
    wanted: ImagingSettings,
    /// What the shared geometry and settings were made of.
    made_of: Option<FrameHeader>,
    geometry: Option<Arc<ScanGeometry>>,
    settings: Arc<ImagingSettings>,
    /// Id of sequence 0 of this run, and of the next frame after the newest one.
    first_id: u64,
    next_id: u64,
}

impl FrameMaker {
    pub(super) fn new() -> Self {
        Self {
            bytes: BufferPool::new(POOL),
            words: BufferPool::new(POOL),
            wanted: ImagingSettings::default(),
            made_of: None,
            geometry: None,
            settings: Arc::new(ImagingSettings::default()),
            first_id: 0,
            next_id: 0,
        }
    }

    /// What was asked for: frames from now on carry it where the wire says nothing.
    pub(super) fn ask_for(&mut self, wanted: ImagingSettings) {
        self.wanted = wanted;
        self.made_of = None;
    }

    /// Sequence 0 comes next; ids go on.
    pub(super) fn begin_run(&mut self) {
        self.first_id = self.next_id;
    }

    /// The frame of one packet; `None` for one whose geometry the program cannot hold.
    pub(super) fn make(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        at: Timestamp,
    ) -> Option<Arc<Frame>> {
        if !self.made_of.is_some_and(|made| agree(&made, header)) {
            self.geometry = geometry(header).map(Arc::new);
            self.settings = Arc::new(self.settings(header.settings, Some(header.format)));
            self.made_of = Some(*header);
        }
        let (stage, values) = match header.format {
            SampleFormat::LogU8 { .. } => {
                let copy = |into: &mut [u8]| into.copy_from_slice(payload);
                let values = self.bytes.fill(payload.len(), copy);
                (ScanStage::PreScan, Values::U8(values))
            }
            SampleFormat::LinearU16 => {
                let (pairs, _) = payload.as_chunks::<2>();
                let values = self.words.fill(pairs.len(), |into| {
                    for (value, pair) in into.iter_mut().zip(pairs) {
                        *value = u16::from_le_bytes(*pair);
                    }
                });
                (ScanStage::Envelope, Values::U16(values))
            }
        };
        let samples = Samples::new(header.lines.into(), header.samples.into(), values).ok()?;
        let id = self.first_id.saturating_add(header.sequence);
        self.next_id = id.saturating_add(1);
        Some(Arc::new(Frame {
            id: FrameId(id),
            captured_at: at,
            source_seconds: Some(header.device_nanos as f64 * 1e-9),
            origin: Origin::Live,
            stage,
            orientation: Orientation::Fm,
            geometry: Arc::clone(self.geometry.as_ref()?),
            settings: Arc::clone(&self.settings),
            samples,
        }))
    }

    /// Settings in force: what the wire carries, and the rest as it was asked for.
    pub(super) fn settings(
        &self,
        in_force: Settings,
        format: Option<SampleFormat>,
    ) -> ImagingSettings {
        let some = |thousandths: u32| (thousandths > 0).then(|| ones(thousandths));
        let range_db = match format {
            Some(SampleFormat::LogU8 { range_cdb }) if range_cdb > 0 => {
                f64::from(range_cdb) / 100.0
            }
            _ => self.wanted.dynamic_range_db,
        };
        ImagingSettings {
            depth: Millimeters(millimeters(in_force.depth_um)),
            dynamic_range_db: range_db,
            frequency_mhz: some(in_force.frequency_khz).unwrap_or(self.wanted.frequency_mhz),
            receive_filter_mhz: some(in_force.filter_khz),
            frame_rate_hz: some(in_force.rate_mhz),
            ..self.wanted.clone()
        }
    }
}

/// Whether geometry and settings made for one frame are right for the other.
fn agree(one: &FrameHeader, other: &FrameHeader) -> bool {
    one.layout == other.layout
        && one.near_um == other.near_um
        && one.settings == other.settings
        && one.format == other.format
}

fn geometry(header: &FrameHeader) -> Option<ScanGeometry> {
    let near = Millimeters(millimeters(header.near_um));
    let far = Millimeters(millimeters(header.settings.depth_um));
    let depth = DepthRange::new(near, far)?;
    let sector = |urad: u32| Radians(f64::from(urad) * 1e-6);
    Some(match header.layout {
        Layout::Linear { width_um } => ScanGeometry::Linear {
            width: Millimeters(millimeters(width_um)),
            depth,
        },
        Layout::Curvilinear {
            radius_um,
            sector_urad,
        } => ScanGeometry::Curvilinear {
            radius: Millimeters(millimeters(radius_um)),
            sector: sector(sector_urad),
            depth,
        },
        Layout::Phased { sector_urad } => ScanGeometry::Phased {
            sector: sector(sector_urad),
            depth,
        },
    })
}
