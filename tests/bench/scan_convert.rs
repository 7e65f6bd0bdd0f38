//! Times scan conversion of 192 lines of 512 samples to a picture within 800 x 600 pixels: the vector path, the scalar
//! path and a plain converter that computes root and arc tangent at every pixel.
//!
//! `cargo bench --bench scan_convert` prints one line of `key=value` pairs a geometry and path. Times are those of one
//! call on one thread; `cpu_mean_ms` counts only time on the processor, where the system tells it.
#![expect(clippy::print_stdout, reason = "a bench speaks through its output")]
use std::hint::black_box;

use portsight::clock::{Clock, SystemClock};
use portsight::frame::{Beams, DepthRange, ScanGeometry};
use portsight::image::{PictureSize, ScanConverter};
use portsight::space::{Millimeters, PixelPoint, Radians};

const LINES: usize = 192;
const SAMPLES: usize = 512;
const CALLS: usize = 1500;
const PLAIN_CALLS: usize = 60;

fn main() {
    for (name, geometry) in geometries() {
        let size = PictureSize::default();
        let Some(converter) = ScanConverter::new(&geometry, LINES, SAMPLES, size) else {
            println!("geometry={name} cannot be converted");
            continue;
        };
        let data: Vec<u8> = (0..LINES * SAMPLES)
            .map(|k| ((k as u32).wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let count = converter.columns() * converter.rows();
        let mut white = vec![0; count];
        converter.convert(&vec![255; LINES * SAMPLES], &mut white);
        let inside = white.iter().filter(|&&grey| grey > 0).count();
        println!(
            "geometry={name} columns={} rows={} inside={inside}",
            converter.columns(),
            converter.rows()
        );
        let (mut fast, mut slow, mut plain) = (vec![0; count], vec![0; count], vec![0; count]);
        report(name, "vector", CALLS, || {
            converter.convert(black_box(&data), black_box(&mut fast));
        });
        report(name, "scalar", CALLS, || {
            converter.convert_scalar(black_box(&data), black_box(&mut slow));
        });
        report(name, "plain", PLAIN_CALLS, || {
            convert_plainly(
                &geometry,
                &converter,
                black_box(&data),
                black_box(&mut plain),
            );
        });
        let differ = fast.iter().zip(&slow).filter(|(a, b)| a != b).count();
        let most = fast.iter().zip(&plain).map(|(&a, &b)| a.abs_diff(b)).max();
        println!("geometry={name} vector_scalar_differ={differ} vector_plain_most={most:?}");
    }
}

fn geometries() -> [(&'static str, ScanGeometry); 3] {
    let depth = |far: f64| DepthRange {
        near: Millimeters(0.0),
        far: Millimeters(far),
    };
    [
        (
            "curved-60mm",
            ScanGeometry::Curvilinear {
                radius: Millimeters(60.0),
                sector: Radians::from_degrees(60.0),
                depth: depth(80.0),
            },
        ),
        (
            "curved-20mm",
            ScanGeometry::Curvilinear {
                radius: Millimeters(20.0),
                sector: Radians::from_degrees(70.0),
                depth: depth(80.0),
            },
        ),
        // Fills all of 800 x 600: the most pixels there can be.
        (
            "linear-full",
            ScanGeometry::Linear {
                width: Millimeters(53.333_333),
                depth: depth(40.0),
            },
        ),
    ]
}

/// Runs `call` so many times and prints what one call takes.
fn report(geometry: &str, path: &str, calls: usize, mut call: impl FnMut()) {
    let clock = SystemClock::start();
    for _ in 0..calls / 10 {
        call();
    }
    let cpu = on_processor_ms();
    let mut times: Vec<f64> = (0..calls)
        .map(|_| {
            let begun = clock.now();
            call();
            clock.now().since(begun).as_secs_f64() * 1e3
        })
        .collect();
    let cpu = cpu
        .zip(on_processor_ms())
        .map(|(a, b)| (b - a) / calls as f64);
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(0.0);
    println!(
        "geometry={geometry} path={path} calls={calls} least_ms={:.3} median_ms={:.3} p99_ms={:.3} cpu_mean_ms={}",
        at(0),
        at(50),
        at(99),
        cpu.map_or_else(|| "unknown".to_owned(), |ms| format!("{ms:.3}")),
    );
}

/// Time this process has spent on the processor, where Linux tells it.
fn on_processor_ms() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos * 1e-6)
}

/// Root, arc tangent and four neighbours at every pixel, in single precision, as many toolkits do it.
fn convert_plainly(
    geometry: &ScanGeometry,
    converter: &ScanConverter,
    data: &[u8],
    out: &mut [u8],
) {
    let Some(depth) = geometry.depth() else {
        return;
    };
    let (near, span) = (depth.near.0 as f32, depth.span().0 as f32);
    let map = converter.scan_from_pixel();
    for (row, line) in out.chunks_exact_mut(converter.columns()).enumerate() {
        for (column, grey) in line.iter_mut().enumerate() {
            let at = map.apply(PixelPoint::new(column as f64, row as f64));
            let (x, z) = (at.x as f32, at.z as f32);
            let (share, along) = match (geometry, geometry.beams()) {
                (ScanGeometry::Linear { width, .. }, _) => (x / width.0 as f32 + 0.5, z - near),
                (
                    _,
                    Beams::Fan {
                        apex, near, half, ..
                    },
                ) => {
                    let z = z - apex.z as f32;
                    let share = x.atan2(z) / (2.0 * half.0 as f32) + 0.5;
                    (share, (x * x + z * z).sqrt() - near as f32)
                }
                (_, Beams::Parallel) => (-1.0, 0.0),
            };
            *grey = 0;
            if (0.0..=1.0).contains(&share) && (0.0..=span).contains(&along) {
                let u = share * (LINES - 1) as f32;
                let v = (along / span * SAMPLES as f32 - 0.5).clamp(0.0, (SAMPLES - 1) as f32);
                *grey = neighbours(data, u, v);
            }
        }
    }
}

fn neighbours(data: &[u8], u: f32, v: f32) -> u8 {
    let (i, j) = ((u as usize).min(LINES - 2), (v as usize).min(SAMPLES - 2));
    let (a, b) = (u - i as f32, v - j as f32);
    let at = |i: usize, j: usize| f32::from(data.get(i * SAMPLES + j).copied().unwrap_or(0));
    let this = at(i, j) * (1.0 - b) + at(i, j + 1) * b;
    let that = at(i + 1, j) * (1.0 - b) + at(i + 1, j + 1) * b;
    (this * (1.0 - a) + that * a + 0.5) as u8
}
