//! The evidence as one HTML file that needs no other: counts, intervals, plots and pictures of failures.
use super::interval::wilson;
use super::measure::Share;
use super::plots::{add, escaped, histogram, reliability};
use super::score::{CaseScore, Failure};
use super::table::{Evaluated, PROGRAM, by_feature, by_origin, shares};
use super::truth::Origin;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b2330}\
h1,h2,h3{line-height:1.2}table{border-collapse:collapse;margin:.8em 0;font-size:13px}\
th,td{padding:2px 9px;text-align:right;border-bottom:1px solid #dde3ea;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}.warn{border-left:4px solid #c46a00;padding:.4em 1em;background:#fff6e8}\
.wide{overflow-x:auto;max-height:36em}.plots{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0 0 1.4em}img{max-width:100%}\
svg text{font-size:11px;fill:#445}svg .mid{text-anchor:middle}svg .end{text-anchor:end}\
svg .axis,svg .guide,svg .whisker{fill:none;stroke:#8894a4}svg .guide{stroke-dasharray:4 4}\
svg .whisker{stroke:#0a6ebd;stroke-width:2}svg .dot,svg .bar{fill:#0a6ebd}";

/// A picture of something that went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct FailurePicture {
    /// What went wrong.
    pub failure: Failure,
    /// Which frame of what.
    pub caption: String,
    /// The picture with marks and truth, as PNG.
    pub png: Vec<u8>,
}

/// What stands at the head of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportHead {
    /// What the evaluation was made with.
    pub how: Evaluated,
    /// A date, when the caller wants one; without it the same evaluation gives the same bytes.
    pub date: Option<String>,
}

/// The whole report.
pub fn report(head: &ReportHead, cases: &[CaseScore], failures: &[FailurePicture]) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    add!(
        page,
        "<title>{PROGRAM}: evaluation</title><style>{STYLE}</style></head><body>"
    );
    opening(&mut page, head, cases);
    for (origin, sum) in by_origin(cases) {
        source(&mut page, origin, &sum);
    }
    features(&mut page, cases);
    pictures(&mut page, failures);
    case_table(&mut page, cases);
    page.push_str("</body></html>\n");
    page
}

fn opening(page: &mut String, head: &ReportHead, cases: &[CaseScore]) {
    add!(page, "<h1>{PROGRAM}: evaluation against known truth</h1>");
    page.push_str(
        "<p class=\"warn\"><strong>Synthetic accuracy is not clinical accuracy.</strong> No ultrasound picture of a \
         real implanted pump was available. This is research software, not a medical device, and not for use on \
         patients.</p>",
    );
    let frames: u64 = cases.iter().map(|c| u64::from(c.frames)).sum();
    add!(
        page,
        "<p>{} recordings, {frames} frames. {}</p><ul>",
        cases.len(),
        escaped(&head.how.setup)
    );
    for input in &head.how.inputs {
        add!(page, "<li>{}</li>", escaped(input));
    }
    page.push_str("</ul>");
    if let Some(date) = &head.date {
        add!(page, "<p>{}</p>", escaped(date));
    }
    page.push_str(
        "<p>Sources are kept apart and never added up. Intervals are Wilson's, 95 %; frames of one recording resemble \
         each other, so intervals over frames are narrower than they should be.</p>",
    );
}

fn percent(share: Share) -> String {
    match (share.value(), wilson(share.hits, share.n)) {
        (Some(value), Some([least, most])) => format!(
            "<td>{}</td><td>{}</td><td>{:.2} %</td><td>{:.2} to {:.2}</td>",
            share.hits,
            share.n,
            100.0 * value,
            100.0 * least,
            100.0 * most
        ),
        _ => "<td>-</td><td>0</td><td>-</td><td>-</td>".to_owned(),
    }
}

fn error_row(page: &mut String, name: &str, values: &[f64]) {
    if let Some([median, p95, mean]) = CaseScore::spread(values) {
        add!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{median:.3}</td><td>{mean:.3}</td><td>{p95:.3}</td></tr>",
            escaped(name),
            values.len()
        );
    }
}

fn source(page: &mut String, origin: Origin, sum: &CaseScore) {
    add!(
        page,
        "<h2>{}: {}</h2><table><tr><th>share</th><th>count</th><th>of n</th><th>share</th><th>95 % interval</th></tr>",
        origin.letter(),
        escaped(origin.meaning())
    );
    for (name, share) in shares(sum).into_iter().filter(|(_, s)| s.n > 0) {
        add!(
            page,
            "<tr><td>{}</td>{}</tr>",
            escaped(name),
            percent(share)
        );
    }
    page.push_str("</table><table><tr><th>absolute error</th><th>n</th><th>median</th><th>mean</th><th>95th percentile</th></tr>");
    error_row(page, "port_lateral_mm", &sum.lateral);
    error_row(page, "port_depth_mm", &sum.depth);
    error_row(page, "face_tilt_deg", &sum.tilt);
    for (name, values) in sum.measures.errors() {
        error_row(page, name, values);
    }
    page.push_str("</table>");
    let claims = &sum.measures.reliability;
    if let (Some(ece), Some(brier)) = (claims.ece(), claims.brier()) {
        add!(
            page,
            "<p>Confidence over {} frames with a reported opening: expected calibration error {ece:.4}, Brier score {brier:.4}.</p>",
            claims.count()
        );
    }
    page.push_str("<div class=\"plots\">");
    if claims.count() > 0 {
        page.push_str(&reliability(claims));
    }
    for (title, unit, values, most) in [
        ("lateral error of the port", "mm", &sum.lateral, 2.0),
        ("depth error of the port", "mm", &sum.depth, 3.0),
        ("tilt error of the face", "degrees", &sum.tilt, 3.0),
        (
            "path against the true square",
            "degrees",
            &sum.measures.path_angle,
            3.0,
        ),
    ] {
        if !values.is_empty() {
            page.push_str(&histogram(title, unit, values, most));
        }
    }
    page.push_str("</div>");
}

fn features(page: &mut String, cases: &[CaseScore]) {
    page.push_str(
        "<h2>By preset and feature</h2><table><tr><th>feature</th><th>recordings</th><th>right</th><th>visible frames</th>\
         <th>share</th><th>95 % interval</th><th>false</th><th>frames without port</th><th>share</th><th>95 % interval</th></tr>",
    );
    for (origin, feature, recordings, sum) in by_feature(cases) {
        let all = shares(&sum);
        let of = |index: usize| all.get(index).map(|(_, s)| *s).unwrap_or_default();
        add!(
            page,
            "<tr><td>{}: {}</td><td>{recordings}</td>{}{}</tr>",
            origin.letter(),
            escaped(&feature),
            percent(of(0)),
            percent(of(1))
        );
    }
    page.push_str("</table>");
}

fn pictures(page: &mut String, failures: &[FailurePicture]) {
    page.push_str("<h2>Failures</h2><p>The first of each kind, with the marks of the program and the truth (dashed, and words beginning with &quot;truth&quot;).</p>");
    for kind in Failure::ALL {
        let own = || failures.iter().filter(|f| f.failure == kind);
        add!(page, "<h3>{}</h3>", escaped(kind.words()));
        if own().next().is_none() {
            page.push_str("<p>None.</p>");
        }
        for failure in own() {
            let caption = escaped(&failure.caption);
            add!(
                page,
                "<figure><img alt=\"{caption}\" src=\"data:image/png;base64,{}\"><figcaption>{caption}</figcaption></figure>",
                base64(&failure.png)
            );
        }
    }
}

fn case_table(page: &mut String, cases: &[CaseScore]) {
    page.push_str(
        "<h2>Every recording</h2><div class=\"wide\"><table><tr><th>recording</th><th>source</th><th>frames</th><th>visible</th>\
         <th>right</th><th>missed</th><th>wrong</th><th>without port</th><th>false</th><th>false path</th><th>lateral median mm</th>\
         <th>paths</th><th>lock s</th></tr>",
    );
    for case in cases {
        let lateral = CaseScore::spread(&case.lateral)
            .map_or_else(|| "-".to_owned(), |[median, ..]| format!("{median:.2}"));
        let lock = case
            .seconds_to_lock
            .map_or_else(|| "-".to_owned(), |s| format!("{s:.2}"));
        add!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{lateral}</td><td>{}</td><td>{lock}</td></tr>",
            escaped(&case.name),
            case.facts.origin.letter(),
            case.frames,
            case.visible,
            case.right,
            case.missed,
            case.wrong,
            case.empty,
            case.false_locks,
            case.false_paths,
            case.measures.range_width.len()
        );
    }
    page.push_str("</table></div>");
}

/// Bytes as text for a data URI (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let sign = (word >> (18 - 6 * place)) & 63;
            let sign = SIGNS.get(sign as usize).copied().unwrap_or(b'=');
            let is_filled = place <= chunk.len();
            text.push(char::from(if is_filled { sign } else { b'=' }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, text) in pairs {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }

    #[test]
    fn a_report_needs_no_other_file_says_what_it_is_and_lets_no_name_become_markup() {
        let case = CaseScore {
            name: "<script>".to_owned(),
            ..CaseScore::default()
        };
        let picture = FailurePicture {
            failure: Failure::Missed,
            caption: "frame 3".to_owned(),
            png: vec![1, 2, 3],
        };
        let page = report(&ReportHead::default(), &[case], &[picture]);
        assert!(page.contains("Synthetic accuracy is not clinical accuracy"));
        assert!(page.contains("research software") && page.contains("data:image/png;base64,AQID"));
        assert!(!page.contains("<script") && !page.contains("http"));
    }
}
