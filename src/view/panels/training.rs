//! The page of training: what to do, the verdict, and the history as a plot.
use egui::{Label, Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::side::{glove_button, heading};
use crate::training::{Aid, GOOD_WITHIN_MM, Score, TrainingAction, TrainingLook, Verdict};
use crate::view::scene::{Act, Actions, Scene};
use crate::view::theme;
use crate::words::{say, say_with};

/// Answers in the plot.
const PLOTTED: usize = 40;
/// The plot ends at so many mm; what is further off stands at its upper edge.
const PLOT_MOST_MM: f64 = 20.0;
/// Answers behind the medians.
const RECENT: usize = 10;

/// Draws the page.
pub(super) fn training_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Actions) {
    let Some(training) = scene.training else {
        return;
    };
    let number = training.number.to_string();
    let seed = training.seed.to_string();
    let title = say_with("training-title", &[("number", &number), ("seed", &seed)]);
    let title = RichText::new(title).font(theme::strong(18.0));
    ui.add(Label::new(title).selectable(false));
    quiet(ui, &say("training-how"));
    let seconds = format!("{:.0}", training.seconds);
    let time = say_with("training-seconds", &[("seconds", &seconds)]);
    ui.add(Label::new(RichText::new(time).font(theme::strong(16.0))).selectable(false));
    answers_ui(ui, training, actions);
    if let Some(note) = &training.note {
        let words = RichText::new(format!("▲ {note}"))
            .font(theme::regular(13.0))
            .color(theme::WARNING);
        ui.add(Label::new(words).selectable(false).wrap());
    }
    ui.add_space(6.0);
    heading(ui, "training-history");
    plot_ui(ui, &training.history);
    quiet(ui, &summary(&training.history));
    ui.add_space(6.0);
    let width = ui.available_width();
    if glove_button(ui, &say("training-leave"), width).clicked() {
        actions.ask(Act::Train);
    }
}

fn answers_ui(ui: &mut Ui, training: &TrainingLook, actions: &mut Actions) {
    let width = ui.available_width();
    let is_scored = training.scored.is_some();
    let forward = if is_scored {
        "training-next"
    } else {
        "training-mark"
    };
    let mut rows = vec![(forward, TrainingAction::Forward)];
    if !is_scored {
        rows.push(("training-none", TrainingAction::NoPort));
    }
    let aid = match training.aid {
        Aid::Hidden => "training-aid-hidden",
        Aid::Shown => "training-aid-shown",
    };
    rows.push((aid, TrainingAction::ToggleAid));
    for (key, action) in rows {
        if glove_button(ui, &say(key), width).clicked() {
            actions.ask(Act::Training(action));
        }
    }
}

/// Distance of the last answers, oldest on the left: a dot without help, a ring with marks shown, a cross for a
/// wrong answer without millimetres, a square for a right "no port".
fn plot_ui(ui: &mut Ui, history: &[Score]) {
    let size = vec2(ui.available_width(), 132.0);
    let (room, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter();
    let inner = Rect::from_min_max(room.min + vec2(26.0, 6.0), room.max - vec2(6.0, 6.0));
    painter.rect_filled(room, 6.0, theme::BACKGROUND);
    let height_of = |mm: f64| {
        let share = (mm / PLOT_MOST_MM).clamp(0.0, 1.0) as f32;
        inner.bottom() - share * inner.height()
    };
    for mm in [0.0, 5.0, 10.0, 15.0, 20.0] {
        let y = height_of(mm);
        painter.hline(inner.x_range(), y, Stroke::new(1.0, theme::LINE));
        painter.text(
            pos2(inner.left() - 5.0, y),
            egui::Align2::RIGHT_CENTER,
            format!("{mm:.0}"),
            theme::regular(11.0),
            theme::QUIET,
        );
    }
    let good = Stroke::new(1.0, theme::SUGGESTED);
    painter.hline(inner.x_range(), height_of(GOOD_WITHIN_MM), good);
    let first = history.len().saturating_sub(PLOTTED);
    let shown = history.get(first..).unwrap_or_default();
    let step = inner.width() / PLOTTED as f32;
    for (index, score) in shown.iter().enumerate() {
        let x = inner.left() + (index as f32 + 0.5) * step;
        paint_score(painter, score, x, height_of);
    }
    let count = history.len().to_string();
    let told = say_with("training-plot", &[("count", &count)]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &told));
}

fn paint_score(painter: &egui::Painter, score: &Score, x: f32, height_of: impl Fn(f64) -> f32) {
    match score.verdict {
        Verdict::Off(miss) => {
            let at = pos2(x, height_of(miss.distance_mm()));
            if score.aided {
                painter.circle_stroke(at, 3.0, Stroke::new(1.5, theme::SEEN));
            } else {
                painter.circle_filled(at, 3.0, theme::SEEN);
            }
        }
        Verdict::RightlyNone => {
            let rect = Rect::from_center_size(pos2(x, height_of(0.0)), vec2(6.0, 6.0));
            painter.rect_filled(rect, 0.0, theme::SUGGESTED);
        }
        Verdict::PortMissed | Verdict::NoSuchPort => {
            let at = pos2(x, height_of(PLOT_MOST_MM));
            let stroke = Stroke::new(2.0, theme::STOP);
            let arm = vec2(3.5, 3.5);
            let other = vec2(3.5, -3.5);
            painter.add(Shape::line_segment([at - arm, at + arm], stroke));
            painter.add(Shape::line_segment([at - other, at + other], stroke));
        }
    }
}

/// Medians of the last answers, and how many were right.
fn summary(history: &[Score]) -> String {
    let first = history.len().saturating_sub(RECENT);
    let recent = history.get(first..).unwrap_or_default();
    if recent.is_empty() {
        return say("training-no-history");
    }
    let off = recent.iter().filter_map(|score| match score.verdict {
        Verdict::Off(miss) => Some(miss.distance_mm()),
        Verdict::RightlyNone | Verdict::PortMissed | Verdict::NoSuchPort => None,
    });
    let wrong = recent
        .iter()
        .filter(|s| matches!(s.verdict, Verdict::PortMissed | Verdict::NoSuchPort))
        .count();
    let mm = median(off.collect()).map_or_else(|| "–".to_owned(), |mm| format!("{mm:.1}"));
    let seconds = median(recent.iter().map(|s| s.seconds).collect()).unwrap_or(0.0);
    say_with(
        "training-summary",
        &[
            ("count", &recent.len().to_string()),
            ("mm", &mm),
            ("seconds", &format!("{seconds:.0}")),
            ("wrong", &wrong.to_string()),
        ],
    )
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

fn quiet(ui: &mut Ui, text: &str) {
    let words = RichText::new(text)
        .font(theme::regular(13.0))
        .color(theme::QUIET);
    ui.add(Label::new(words).selectable(false).wrap());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_lies_between_the_two() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
