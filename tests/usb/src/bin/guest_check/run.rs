//! What one run of the program left behind: its exit status, its words, its advice and its journal.
use std::path::Path;

use serde_json::Value;

/// One run.
pub struct Run {
    pub name: String,
    pub status: String,
    /// Its last words on standard error.
    pub complaint: String,
    /// Its words on standard output.
    pub words: String,
    /// One advice a frame.
    pub advice: Vec<Value>,
    /// The last line of the advice.
    pub summary: Value,
    /// Events in order.
    pub journal: Vec<Value>,
}

impl Run {
    pub fn read(results: &Path, name: &str) -> Self {
        let text = |ending: &str| {
            let bytes = std::fs::read(results.join(format!("{name}.{ending}"))).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut advice = lines(&text("jsonl"));
        let summary = match advice.last() {
            Some(last) if last.get("summary").is_some() => {
                advice.pop().unwrap_or(Value::Null)["summary"].take()
            }
            _ => Value::Null,
        };
        Self {
            name: name.to_owned(),
            status: text("status").trim().to_owned(),
            complaint: text("err").lines().last().unwrap_or_default().to_owned(),
            words: text("out"),
            advice,
            summary,
            journal: lines(&text("journal")),
        }
    }

    /// Numbers of the frames that were read, in the order of the advice.
    pub fn frames(&self) -> Vec<u64> {
        self.advice
            .iter()
            .filter_map(|line| line["frame"].as_u64())
            .collect()
    }

    /// A count in the summary of the source; `None` when the program did not report it.
    pub fn count(&self, path: &str) -> Option<u64> {
        self.summary.pointer(&format!("/source/{path}"))?.as_u64()
    }

    /// Numbers of the first frames after an outage, from the journal.
    pub fn came_back_at(&self) -> Vec<u64> {
        self.journal
            .iter()
            .filter(|entry| entry["event"] == "source_back")
            .filter_map(|entry| entry["frame"].as_u64())
            .collect()
    }

    /// Whether the journal says that the source was lost, before it says that it came back.
    pub fn outage_in_journal(&self) -> bool {
        let lost = self
            .journal
            .iter()
            .position(|entry| entry.to_string().contains("waiting for it to come back"));
        let back = self
            .journal
            .iter()
            .position(|entry| entry["event"] == "source_back");
        matches!((lost, back), (Some(lost), Some(back)) if lost < back)
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
