//! Any bytes called `.mha`: an error or a file of which every frame can be read, never a panic.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use portsight::exchange::{OpenOptions, open};
use tempfile::TempDir;

/// Pixels of one input that are read back; more would only make runs slow.
const PIXEL_BUDGET: usize = 1 << 22;

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    FOLDER.with_borrow_mut(|folder| {
        if folder.is_none() {
            *folder = TempDir::new().ok();
        }
        let Some(folder) = folder else { return };
        let path = folder.path().join("input.mha");
        if std::fs::write(&path, bytes).is_err() {
            return;
        }
        for keep_whole_frames in [false, true] {
            let options = OpenOptions {
                keep_whole_frames,
                ..OpenOptions::default()
            };
            let Ok(file) = open(&path, &options) else {
                continue;
            };
            let (columns, rows) = file.size();
            let most = (PIXEL_BUDGET / (columns * rows).max(1)).max(1);
            for index in 0..file.frame_count().min(most) {
                assert!(file.frame(index).is_ok(), "frame {index} of an opened file");
            }
        }
    });
});
