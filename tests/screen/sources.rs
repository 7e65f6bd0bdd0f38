//! The connection screen and the page of a live source.
use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::Queryable as _;
use portsight::engine::{Command, Liveness, SourceChoice};
use portsight::frame::{ImagingLimits, Origin, PictureSetup, PixelRect, PixelSpacing};
use portsight::probe::{Access, ListedSource, Listing, ProbeState, SourceKind};
use portsight::simulate::Preset;
use portsight::stream::{AcousticOutput, Maturity, SourceFacts, SourceOffers};
use portsight::view::Notice;
use portsight::words::say;

use super::{changed, sized_window, window};

fn listed(spec: &str, name: &str) -> ListedSource {
    ListedSource {
        spec: spec.to_owned(),
        kind: SourceKind::UsbProbe,
        name: name.to_owned(),
        vendor: Some(0x1921),
        product: Some(0x0090),
        serial: None,
        state: ProbeState::Ready,
        access: Access::Allowed,
        experimental: true,
        hint: None,
        firmware: None,
    }
}

fn listing() -> Arc<Listing> {
    let mut refused = listed("usb:1.5", "Interson two");
    refused.access = Access::Refused;
    refused.hint = Some("Install the rule in udev-rules.".to_owned());
    Arc::new(Listing {
        sources: vec![listed("usb:1.4", "Interson one"), refused],
        reasons: Vec::new(),
    })
}

fn facts() -> SourceFacts {
    SourceFacts {
        name: "Interson GP-3.5, bus 1 address 4".to_owned(),
        spec: "usb:1.4".to_owned(),
        details: vec!["FPGA version 7".to_owned()],
        acoustic: AcousticOutput::NotReportedByProbe,
        maturity: Maturity::NeverRunOnHardware,
        limits: ImagingLimits {
            frame_rate_hz: vec![10.0, 12.5, 15.0],
            ..ImagingLimits::default()
        },
        picture_setup: None,
        saved_setups: Vec::new(),
        wants_picture_setup: false,
        offers: SourceOffers::default(),
    }
}

fn usb() -> Command {
    Command::Connect(SourceChoice::Usb(Some((1, 4))))
}

#[test]
fn a_source_is_taken_by_its_number_and_one_that_may_not_be_opened_says_what_to_do() {
    let (session, mut harness) = window(changed(|look| look.listing = Some(listing())));
    harness.key_press(Key::C);
    harness.run();
    harness.get_by_label("Interson one");
    harness.get_by_label("Install the rule in udev-rules.");
    assert_eq!(
        harness
            .query_all_by_label(&say("source-experimental"))
            .count(),
        2
    );
    harness.key_press(Key::Num2);
    harness.run();
    assert_eq!(session.take_sent(), [], "it may not be opened");
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), [usb()]);
    assert!(harness.query_by_label("Interson one").is_none(), "closed");
}

#[test]
fn a_probe_before_its_firmware_is_taken_with_the_file_that_was_named_or_used_last() {
    let wanting = |firmware: Option<&str>| {
        let mut wanting = listed("usb:1.6", "Interson three");
        wanting.state = ProbeState::WantsFirmware;
        wanting.firmware = firmware.map(Into::into);
        Some(Arc::new(Listing {
            sources: vec![wanting],
            reasons: Vec::new(),
        }))
    };
    let taken = |file: &str| {
        [
            Command::Connect(SourceChoice::Usb(Some((1, 6)))),
            Command::SetFirmware(file.into()),
        ]
    };
    let (session, mut harness) = window(changed(|look| {
        look.liveness = Liveness::NotLive;
        look.listing = wanting(None);
    }));
    harness.key_press(Key::C);
    harness.run();
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), [], "no file is named");
    let name = say("view-sources-firmware-file");
    harness
        .get_by_role_and_label(egui::accesskit::Role::TextInput, &name)
        .focus();
    harness.run();
    harness
        .get_by_role_and_label(egui::accesskit::Role::TextInput, &name)
        .type_text("/data/probe 1.bix");
    harness.run();
    assert_eq!(session.take_sent(), [], "digits in a path are no keys");
    harness
        .get_by_label(&format!("{}: Interson three", say("view-sources-connect")))
        .click();
    harness.run();
    assert_eq!(session.take_sent(), taken("/data/probe 1.bix"));

    // The next time it stands there already, and one key is enough.
    let (session, mut harness) = window(changed(|look| {
        look.liveness = Liveness::NotLive;
        look.listing = wanting(Some("/data/used last.bix"));
    }));
    harness.key_press(Key::C);
    harness.run();
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), taken("/data/used last.bix"));
}

#[test]
fn a_running_probe_is_left_by_the_second_press_only() {
    let (session, mut harness) = window(changed(|look| {
        look.origin = Origin::Live;
        look.choice = Some(SourceChoice::V4l2("/dev/video0".into()));
        look.listing = Some(listing());
    }));
    harness.key_press(Key::C);
    harness.run();
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), []);
    harness.key_press(Key::Escape);
    harness.run();
    harness.key_press(Key::C);
    harness.run();
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), [], "closing forgets the first press");
    harness.key_press(Key::Num1);
    harness.run();
    assert_eq!(session.take_sent(), [usb()]);
}

#[test]
fn plugging_in_changes_the_list_and_nothing_else() {
    let (session, mut harness) = window(changed(|look| {
        look.origin = Origin::Live;
        look.listing = Some(Arc::default());
    }));
    harness.key_press(Key::C);
    harness.run();
    harness.get_by_label(&say("view-sources-none"));
    session.change(|look| look.listing = Some(listing()));
    harness.run();
    harness.get_by_label("Interson one");
    assert_eq!(session.take_sent(), []);
}

#[test]
fn the_virtual_patient_and_a_server_are_taken_by_their_buttons() {
    let (session, mut harness) = window(changed(|look| look.liveness = Liveness::NotLive));
    for (button, choice) in [
        (
            "Connect: OpenIGTLink".to_owned(),
            "igtl:localhost:18944".parse().expect("a source"),
        ),
        (
            format!("{}: easy", say("view-sources-simulate")),
            SourceChoice::Virtual(Preset::Easy),
        ),
    ] {
        harness.key_press(Key::C);
        harness.run();
        harness.get_by_label(&button).click();
        harness.run();
        assert_eq!(session.take_sent(), [Command::Connect(choice)]);
    }
}

#[test]
fn an_experimental_driver_says_so_in_the_picture_and_on_its_page() {
    let (session, mut harness) = window(changed(|look| {
        look.origin = Origin::Live;
        look.facts = Some(Arc::new(facts()));
    }));
    harness.get_by_label(&say("view-state-experimental"));
    harness.key_press(Key::Num5);
    harness.run();
    harness.get_by_label(&say("source-experimental"));
    harness.get_by_label(&say("view-source-mi-not-reported"));
    harness.get_by_label("FPGA version 7");
    harness.get_by_label(&say("view-source-rate")).rect();
    session.change(|look| {
        look.facts = Some(Arc::new(SourceFacts {
            maturity: Maturity::Tried,
            ..facts()
        }));
    });
    harness.run();
    assert!(
        harness
            .query_by_label(&say("view-state-experimental"))
            .is_none()
    );
}

#[test]
fn a_grabber_asks_for_its_scale_and_takes_a_saved_one_with_one_press() {
    let saved = PictureSetup {
        depth_setting: "8 cm".to_owned(),
        spacing: PixelSpacing::new(0.12, 0.12),
        ..PictureSetup::default()
    };
    let (session, mut harness) = window(changed(|look| {
        look.origin = Origin::Live;
        look.facts = Some(Arc::new(SourceFacts {
            wants_picture_setup: true,
            saved_setups: vec![saved.clone()],
            ..facts()
        }));
    }));
    harness.get_by_label(&say("view-grabber-asked"));
    harness.get_by_label("8 cm: 0.120 x 0.120 mm").click();
    harness.run();
    assert_eq!(session.take_sent(), [Command::SetPicture(saved.clone())]);
    session.change(|look| {
        look.facts = Some(Arc::new(SourceFacts {
            wants_picture_setup: true,
            picture_setup: Some(saved.clone()),
            ..facts()
        }));
    });
    harness.run();
    assert!(harness.query_by_label(&say("view-grabber-asked")).is_none());
    harness.get_by_label(&say("view-scale-use")).click();
    harness.run();
    assert_eq!(session.take_sent(), [Command::SetPicture(saved)]);
}

#[test]
fn the_mode_of_a_grabber_is_chosen_and_its_scan_area_suggested_but_not_taken() {
    let modes = [
        "1280x720 YUYV, 30.0 frames/s",
        "640x480 GREY, 60.0 frames/s",
    ];
    let grabber = |offers: SourceOffers| {
        Some(Arc::new(SourceFacts {
            wants_picture_setup: true,
            offers: SourceOffers {
                modes: modes.map(str::to_owned).to_vec(),
                mode: Some(modes[0].to_owned()),
                ..offers
            },
            ..facts()
        }))
    };
    let look = changed(|look| {
        look.origin = Origin::Live;
        look.facts = grabber(SourceOffers::default());
    });
    // High enough for the whole page: the small window scrolls it.
    let (session, mut harness) = sized_window(look, [1280.0, 1300.0], Notice::Acknowledged);
    assert!(harness.query_by_label(&say("view-grabber-drawn")).is_none());
    let role = egui::accesskit::Role::ComboBox;
    harness
        .get_by_role_and_label(role, &say("view-grabber-mode"))
        .click();
    harness.run();
    harness.get_by_label(modes[1]).click();
    harness.run();
    assert_eq!(
        session.take_sent(),
        [Command::ChooseMode(modes[1].to_owned())]
    );
    harness.get_by_label(&say("view-grabber-suggest")).click();
    harness.run();
    assert_eq!(session.take_sent(), [Command::SuggestCrop]);
    session.change(|look| {
        look.facts = grabber(SourceOffers {
            suggested_crop: Some(PixelRect {
                x: 60,
                y: 70,
                width: 500,
                height: 400,
            }),
            drawn_inside: true,
            ..SourceOffers::default()
        });
    });
    harness.run();
    harness.get_by_label(&say("view-grabber-suggested"));
    harness.get_by_label(&say("view-grabber-drawn"));
    assert_eq!(session.take_sent(), [], "a suggestion is not in force");
    harness.get_by_label(&say("view-scale-use")).click();
    harness.run();
    let sent = session.take_sent();
    let [Command::SetPicture(setup)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(
        setup.crop.map(|c| (c.x, c.y, c.width, c.height)),
        Some((60, 70, 500, 400))
    );
}
