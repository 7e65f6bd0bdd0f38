//! The report as one page for a browser; pictures lie beside it.
use maud::{DOCTYPE, Markup, html};

use super::Report;
use super::sheet::{Group, clock};
use crate::words::{say, say_with};

const STYLE: &str = "body{font:15px/1.45 Inter,Helvetica,Arial,sans-serif;color:#12171d;max-width:62em;margin:2em auto;\
padding:0 1em}h1{font-size:1.5em;margin:0}h2{font-size:1.05em;margin:1.4em 0 .3em;border-bottom:1px solid #c5ccd4}\
.notice{border:2px solid #b3261e;padding:.5em .8em;margin:1em 0;font-weight:600}.label{display:inline-block;\
border:2px solid #8a5a00;color:#8a5a00;padding:0 .5em;font-weight:700}table{border-collapse:collapse;width:100%}\
th{text-align:left;font-weight:400;color:#4a5663;width:15em;vertical-align:top}td,th{padding:.1em .5em .1em 0}\
.warning{border-left:4px solid #b3261e;padding:.1em .6em;margin:.3em 0;font-weight:600}figure{display:inline-block;\
width:47%;margin:1% 1%;vertical-align:top}img{width:100%}figcaption{color:#4a5663;font-size:.9em}";

impl Report {
    /// The page, as HTML 5.
    pub fn html(&self) -> String {
        let title = say("report-title");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="robots" content="noindex";
                    title { (title) }
                    style { (maud::PreEscaped(STYLE)) }
                }
                body {
                    h1 { (title) " " span.label { (self.origin_words()) } }
                    p { (self.outcome_words()) }
                    p.notice { (self.notice) " " (self.accuracy_notice) }
                    @for group in self.groups() { (group_html(&group)) }
                    (self.images_html())
                    (self.events_html())
                    p { (self.footer()) }
                }
            }
        };
        page.into_string()
    }

    /// Version, session and journal, in one line.
    pub(super) fn footer(&self) -> String {
        say_with(
            "report-footer",
            &[
                ("version", &self.version),
                ("session", &self.session),
                ("entries", &self.journal_entries.to_string()),
                ("written", &self.written_utc),
            ],
        )
    }

    fn images_html(&self) -> Markup {
        html! {
            @if !self.images.is_empty() {
                h2 { (say("report-group-images")) }
                @for image in &self.images {
                    figure {
                        img src=(image.file) alt=(say(image.why.key()));
                        figcaption { (image.caption()) }
                    }
                }
            }
        }
    }

    fn events_html(&self) -> Markup {
        html! {
            @if !self.events.is_empty() {
                h2 { (say("report-group-events")) }
                table {
                    @for event in &self.events {
                        tr { th { (clock(event.t_s)) } td { (event.text) } }
                    }
                }
            }
        }
    }
}

fn group_html(group: &Group) -> Markup {
    html! {
        h2 { (group.title) }
        table {
            @for (title, value) in &group.lines {
                tr { th { (title) } td { (value) } }
            }
        }
        @for warning in &group.warnings { p.warning { "▲ " (warning) } }
    }
}
