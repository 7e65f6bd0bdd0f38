//! `probes`: everything that could be a source on this machine, and what keeps it from being one.
use clap::Args;
use serde_json::json;

use crate::probe::{Access, ListedSource, Listing, ProbeState};

#[derive(Debug, Args)]
pub(super) struct ProbesArgs {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ProbesArgs) -> anyhow::Result<()> {
    let listing = crate::probe::SourceScout::default().look();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&listing))?);
        return Ok(());
    }
    for source in &listing.sources {
        println!("{}", line(source));
        if let Some(hint) = &source.hint {
            println!("    {hint}");
        }
    }
    if listing.sources.is_empty() {
        println!("No probe and no frame grabber found.");
    }
    for reason in &listing.reasons {
        println!("{reason}");
    }
    println!(
        "Also: --source virtual[:PRESET] (simulation), --source igtl:HOST[:PORT] (OpenIGTLink)."
    );
    Ok(())
}

fn as_json(listing: &Listing) -> serde_json::Value {
    json!({
        "sources": listing.sources,
        "reasons": listing.reasons,
        "notice": crate::words::say("notice-research"),
    })
}

fn line(source: &ListedSource) -> String {
    let ids = match (source.vendor, source.product) {
        (Some(vendor), Some(product)) => format!("{vendor:04x}:{product:04x}"),
        _ => "-".to_owned(),
    };
    let state = match source.state {
        ProbeState::Ready => "ready",
        ProbeState::WantsFirmware => "asks for firmware",
    };
    let access = match source.access {
        Access::Allowed => "may be opened",
        Access::Refused => "may not be opened",
        Access::Busy => "held by another program",
        Access::Unknown => "not tried",
    };
    let mut parts = vec![
        format!("{:18}", source.spec),
        format!("{ids:9}"),
        source.name.clone(),
        state.to_owned(),
        access.to_owned(),
    ];
    if let Some(serial) = &source.serial {
        parts.push(format!("serial {serial}"));
    }
    if source.experimental {
        parts.push(crate::words::say("source-experimental"));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::SourceKind;

    #[test]
    fn a_probe_that_cannot_be_used_says_why_in_text_and_json() {
        let source = ListedSource {
            spec: "usb:1.4".to_owned(),
            kind: SourceKind::UsbProbe,
            name: "Interson GP-3.5".to_owned(),
            vendor: Some(0x1921),
            product: Some(0x9090),
            serial: None,
            state: ProbeState::WantsFirmware,
            access: Access::Refused,
            experimental: true,
            firmware: None,
            hint: Some("Install the rule.".to_owned()),
        };
        let text = line(&source);
        for part in [
            "usb:1.4",
            "1921:9090",
            "firmware",
            "may not",
            "experimental",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let listing = Listing {
            sources: vec![source],
            reasons: vec!["No USB here.".to_owned()],
        };
        let json = as_json(&listing);
        assert_eq!(json["sources"][0]["access"], "refused");
        assert_eq!(json["sources"][0]["state"], "wants_firmware");
        assert_eq!(json["sources"][0]["hint"], "Install the rule.");
    }
}
