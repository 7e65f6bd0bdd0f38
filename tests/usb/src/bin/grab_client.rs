//! A small V4L2 client for the virtual grabber, with nothing of the program in it: reads frames in both formats and
//! compares every pixel. `grab_client /dev/videoN FRAMES`; exits with 1 when one was wrong.
use std::io;
use std::process::ExitCode;

use linuxvideo::Device;
use linuxvideo::format::{PixFormat, PixelFormat};
use portsight_usb_devices::uvc::{COLUMNS, ROWS, check};

/// What one format brought.
#[derive(Default)]
struct Seen {
    frames: u64,
    unreadable: u64,
    wrong_pixels: usize,
    /// Frames the grabber made and the client did not see.
    left_out: u64,
    backwards: u64,
}

fn grab(path: &str, fourcc: &[u8; 4], bytes_per_pixel: usize, frames: u64) -> io::Result<Seen> {
    let format = PixFormat::new(
        COLUMNS as u32,
        ROWS as u32,
        PixelFormat::from_fourcc(*fourcc),
    );
    let capture = Device::open(path)?.video_capture(format)?;
    let got = capture.format();
    if (got.width(), got.height()) != (COLUMNS as u32, ROWS as u32)
        || got.pixel_format() != PixelFormat::from_fourcc(*fourcc)
    {
        return Err(io::Error::other(format!("the driver offers {got:?}")));
    }
    let mut stream = capture.into_stream()?;
    let mut seen = Seen::default();
    let mut last = None;
    while seen.frames < frames {
        let checked = stream.dequeue(|view| {
            let luma: Vec<u8> = view.chunks(bytes_per_pixel).map(|pixel| pixel[0]).collect();
            Ok(check(&luma).filter(|_| !view.is_error()))
        })?;
        seen.frames += 1;
        match checked {
            None => seen.unreadable += 1,
            Some((number, wrong)) => {
                seen.wrong_pixels += wrong;
                match last.replace(number) {
                    Some(before) if number <= before => seen.backwards += 1,
                    Some(before) => seen.left_out += number - before - 1,
                    None => {}
                }
            }
        }
    }
    Ok(seen)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some(path), Some(Ok(frames))) = (words.first(), words.get(1).map(|w| w.parse())) else {
        eprintln!("grab_client: expected /dev/videoN FRAMES");
        return ExitCode::FAILURE;
    };
    let mut status = ExitCode::SUCCESS;
    for (fourcc, bytes_per_pixel) in [(b"YUYV", 2), (b"GREY", 1)] {
        let name = String::from_utf8_lossy(fourcc);
        match grab(path, fourcc, bytes_per_pixel, frames) {
            Err(problem) => {
                eprintln!("grab_client: {name}: {problem}");
                status = ExitCode::FAILURE;
            }
            Ok(seen) => {
                println!(
                    "{name}: {} frames, {} unreadable, {} wrong pixels, {} backwards, {} left out by a late reader",
                    seen.frames, seen.unreadable, seen.wrong_pixels, seen.backwards, seen.left_out
                );
                if seen.unreadable > 0 || seen.wrong_pixels > 0 || seen.backwards > 0 {
                    status = ExitCode::FAILURE;
                }
            }
        }
    }
    status
}
