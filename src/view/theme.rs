//! Colours, type sizes and fonts: the only place that names a colour.
use std::sync::Arc;

use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke};

use crate::overlay::Look as Meaning;

/// Behind everything.
pub(super) const BACKGROUND: Color32 = Color32::from_rgb(0x0b, 0x0e, 0x12);
/// Outside the fan: black, so that nothing competes with the echo.
pub(super) const OUTSIDE_SCAN: Color32 = Color32::BLACK;
/// Bars and panels.
pub(super) const PANEL: Color32 = Color32::from_rgb(0x12, 0x17, 0x1d);
/// Buttons and chosen rows.
pub(super) const RAISED: Color32 = Color32::from_rgb(0x1c, 0x24, 0x2d);
/// Buttons under the pointer.
pub(super) const HOVERED: Color32 = Color32::from_rgb(0x2a, 0x35, 0x40);
/// Dividing lines.
pub(super) const LINE: Color32 = Color32::from_rgb(0x23, 0x2b, 0x34);
/// Rails of sliders and empty bars.
pub(super) const RAIL: Color32 = Color32::from_rgb(0x37, 0x43, 0x50);
/// Words and figures.
pub(super) const TEXT: Color32 = Color32::from_rgb(0xe8, 0xed, 0xf2);
/// Words that explain.
pub(super) const QUIET: Color32 = Color32::from_rgb(0x8b, 0x98, 0xa7);
/// Something seen in the picture.
pub(super) const SEEN: Color32 = Color32::from_rgb(0x5c, 0xc8, 0xff);
/// Something suggested.
pub(super) const SUGGESTED: Color32 = Color32::from_rgb(0x7c, 0xff, 0xb2);
/// Something to beware of.
pub(super) const WARNING: Color32 = Color32::from_rgb(0xff, 0xc2, 0x4b);
/// Stop.
pub(super) const STOP: Color32 = Color32::from_rgb(0xff, 0x6b, 0x6b);
/// Under marks and their words, so that they stand out from bright echo.
pub(super) const MARK_OUTLINE: Color32 = Color32::from_rgba_premultiplied(0, 0, 0, 200);
/// Plate under words inside the picture.
pub(super) const PLATE: Color32 = Color32::from_rgba_premultiplied(4, 5, 7, 215);
/// Over a picture that is not live.
pub(super) const DIM: Color32 = Color32::from_rgba_premultiplied(4, 5, 7, 165);
/// Behind a sheet that asks for attention.
pub(super) const BACKDROP: Color32 = Color32::from_rgba_premultiplied(3, 4, 5, 225);
/// Tint of a picture shown as it is.
pub(super) const UNTINTED: Color32 = Color32::WHITE;

/// A lit cell of the latency code.
pub(super) const CODE_LIT: Color32 = Color32::WHITE;
/// A dark cell of the latency code.
pub(super) const CODE_DARK: Color32 = Color32::BLACK;

/// Least edge of anything that is pressed with a gloved hand, in points.
pub(super) const TARGET: f32 = 44.0;

const STRONG: &str = "strong";

/// Inter in its regular weight.
pub(super) fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Inter in its semi-bold weight.
pub(super) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// The colour of a mark.
pub(super) fn mark_color(meaning: Meaning) -> Color32 {
    match meaning {
        Meaning::Seen => SEEN,
        Meaning::Suggested => SUGGESTED,
        Meaning::Placed => TEXT,
        Meaning::Warning => WARNING,
        Meaning::Held => QUIET,
    }
}

/// The shade of one grey value on the screen.
pub(super) fn gray(value: u8) -> Color32 {
    Color32::from_gray(value)
}

/// Puts fonts and colours in force.
pub(super) fn install(context: &egui::Context) {
    context.set_fonts(fonts());
    context.set_theme(egui::Theme::Dark);
    context.all_styles_mut(|style| {
        style.visuals = visuals();
        style.animation_time = 0.0;
        style.spacing.item_spacing = egui::vec2(8.0, 6.0);
        style.spacing.interact_size = egui::vec2(TARGET, TARGET);
        style.spacing.button_padding = egui::vec2(10.0, 6.0);
        style.spacing.icon_width = 20.0;
        style.spacing.scroll = egui::style::ScrollStyle::solid();
        style.spacing.slider_rail_height = 6.0;
        style.text_styles = [
            (egui::TextStyle::Heading, strong(22.0)),
            (egui::TextStyle::Body, regular(15.0)),
            (egui::TextStyle::Button, regular(15.0)),
            (egui::TextStyle::Small, regular(13.0)),
            (egui::TextStyle::Monospace, regular(14.0)),
        ]
        .into();
    });
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular: &'static [u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
    let semi_bold: &'static [u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
    for (name, bytes) in [("inter", regular), (STRONG, semi_bold)] {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    for family in [FontFamily::Proportional, FontFamily::Monospace] {
        fonts
            .families
            .entry(family)
            .or_default()
            .insert(0, "inter".to_owned());
    }
    let strong = vec![STRONG.to_owned(), "inter".to_owned()];
    fonts
        .families
        .insert(FontFamily::Name(STRONG.into()), strong);
    fonts
}

fn visuals() -> egui::Visuals {
    let mut visuals = egui::Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.weak_text_color = Some(QUIET);
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = BACKGROUND;
    visuals.warn_fg_color = WARNING;
    visuals.error_fg_color = STOP;
    visuals.selection.bg_fill = SEEN;
    visuals.selection.stroke = Stroke::new(2.0, TEXT);
    visuals.slider_trailing_fill = true;
    let radius = CornerRadius::same(6);
    let states = [
        (&mut visuals.widgets.noninteractive, PANEL, LINE),
        (&mut visuals.widgets.inactive, RAISED, RAIL),
        (&mut visuals.widgets.hovered, HOVERED, QUIET),
        (&mut visuals.widgets.active, HOVERED, SEEN),
        (&mut visuals.widgets.open, RAISED, SEEN),
    ];
    for (state, fill, line) in states {
        state.corner_radius = radius;
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, line);
        state.fg_stroke = Stroke::new(1.5, TEXT);
        state.expansion = 0.0;
    }
    // Handles and rails of sliders take their fill from here.
    visuals.widgets.inactive.bg_fill = RAIL;
    visuals.widgets.inactive.fg_stroke = Stroke::new(1.5, TEXT);
    visuals
}
