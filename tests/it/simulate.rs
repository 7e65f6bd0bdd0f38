//! The virtual probe seen from outside: reproducible, coherent, and true to its own truth.
use std::time::Duration;

use portsight::simulate::{Preset, VirtualProbe};

#[test]
fn dump() {
    use portsight::frame::Values;
    use portsight::stream::Delivery;
    use std::io::Write;
    let Ok(dir) = std::env::var("SIM_DUMP") else {
        return;
    };
    let n: usize = std::env::var("SIM_N")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    for preset in Preset::ALL {
        let mut probe = VirtualProbe::new(preset.scenario(7));
        let mut got = None;
        for _ in 0..n {
            got = Some(probe.next_with_truth(Duration::ZERO).expect("frame"));
        }
        let Some((Delivery::Frame(frame), Some(truth))) = got else {
            panic!("no frame")
        };
        println!(
            "{} {}",
            preset.name(),
            serde_json::to_string(&*truth).expect("json")
        );
        let Values::U16(values) = frame.samples.values() else {
            panic!("u16")
        };
        let mut file = std::fs::File::create(format!("{dir}/{}.raw", preset.name())).expect("file");
        writeln!(
            file,
            "{} {} {:?}",
            frame.samples.outer(),
            frame.samples.inner(),
            frame.geometry
        )
        .expect("w");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        file.write_all(&bytes).expect("write");
    }
}
