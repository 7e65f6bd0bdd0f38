//! Small plots as SVG text: no library, no fonts of their own, the same numbers give the same text.
use std::fmt::Write;

use super::measure::Reliability;

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// Text in which no character can be taken for markup.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Appends formatted text; writing to a string cannot fail.
macro_rules! add {
    ($text:expr, $($arg:tt)*) => {
        if write!($text, $($arg)*).is_err() {
            debug_assert!(false, "a string takes everything");
        }
    };
}
pub(super) use add;

struct Plot {
    text: String,
}

impl Plot {
    fn new(title: &str, across: &str, up: &str) -> Self {
        let mut text = String::new();
        add!(
            text,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\"><title>{}</title>",
            escaped(title)
        );
        let (base, end) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        add!(
            text,
            "<path class=\"axis\" d=\"M{LEFT} {TOP}V{base}H{end}\"/><text x=\"{:.1}\" y=\"{:.1}\" class=\"mid\">{}</text>",
            0.5 * (LEFT + end),
            HEIGHT - 4.0,
            escaped(across)
        );
        add!(
            text,
            "<text transform=\"translate(11 {:.1}) rotate(-90)\" class=\"mid\">{}</text>",
            0.5 * base,
            escaped(up)
        );
        Self { text }
    }

    fn x(share: f64) -> f64 {
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(share: f64) -> f64 {
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }

    fn tick_across(&mut self, share: f64, words: &str) {
        let (x, y) = (Self::x(share), HEIGHT - BOTTOM + 14.0);
        let words = escaped(words);
        add!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"mid\">{words}</text>"
        );
    }

    fn tick_up(&mut self, share: f64, words: &str) {
        let (x, y) = (LEFT - 4.0, Self::y(share) + 4.0);
        let words = escaped(words);
        add!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"end\">{words}</text>"
        );
    }

    fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }
}

/// Claimed against true, with the 95 % interval of every bin and the diagonal of a perfect claim.
pub(super) fn reliability(reliability: &Reliability) -> String {
    let mut plot = Plot::new(
        "Reliability of the confidence",
        "mean confidence claimed",
        "share right",
    );
    for tick in [0.0, 0.5, 1.0] {
        plot.tick_across(tick, &format!("{tick:.1}"));
        plot.tick_up(tick, &format!("{tick:.1}"));
    }
    let (x0, y0, x1, y1) = (Plot::x(0.0), Plot::y(0.0), Plot::x(1.0), Plot::y(1.0));
    add!(
        plot.text,
        "<path class=\"guide\" d=\"M{x0:.1} {y0:.1}L{x1:.1} {y1:.1}\"/>"
    );
    for bin in &reliability.bins {
        let share = bin.right;
        let (Some(value), Some([least, most])) =
            (share.value(), super::wilson(share.hits, share.n))
        else {
            continue;
        };
        let x = Plot::x(bin.claimed / share.n as f64);
        let (y, low, high) = (Plot::y(value), Plot::y(least), Plot::y(most));
        add!(
            plot.text,
            "<path class=\"whisker\" d=\"M{x:.1} {low:.1}V{high:.1}\"/><circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>n {}</title></circle>",
            share.n
        );
    }
    plot.finish()
}

/// How often errors of each size occurred; what lies beyond `most` stands in the last column of its side.
pub(super) fn histogram(title: &str, unit: &str, values: &[f64], most: f64) -> String {
    const BINS: usize = 40;
    let mut counts = [0_u64; BINS];
    for value in values {
        let place = ((value / most + 1.0) * 0.5 * BINS as f64).floor();
        let place = place.clamp(0.0, (BINS - 1) as f64) as usize;
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    let tallest = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut plot = Plot::new(
        title,
        &format!("{title}, {unit} (n {})", values.len()),
        "frames",
    );
    for (share, value) in [(0.0, -most), (0.5, 0.0), (1.0, most)] {
        plot.tick_across(share, &format!("{value}"));
    }
    plot.tick_up(1.0, &tallest.to_string());
    plot.tick_up(0.0, "0");
    let width = (Plot::x(1.0) - Plot::x(0.0)) / BINS as f64;
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let top = Plot::y(*count as f64 / tallest as f64);
        let x = Plot::x(i as f64 / BINS as f64);
        let height = Plot::y(0.0) - top;
        let width = width - 1.0;
        add!(
            plot.text,
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }
    plot.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_become_markup_and_odd_errors_find_a_column() {
        assert_eq!(escaped("<a b='c\"&>"), "&lt;a b=&#39;c&quot;&amp;&gt;");
        let svg = histogram("x<y", "mm", &[0.0, 99.0, -99.0, f64::NAN], 2.0);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("x<y"));
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(!reliability(&Reliability::default()).contains("circle"));
    }
}
