//! What happened to a virtual device while it was plugged in: every vendor and class request, and what was streamed.
use std::time::Duration;

use serde_json::{Value, json};

use crate::Setup;

/// Requests kept; more than that are counted only.
const REQUESTS_KEPT: usize = 20_000;

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Taken,
    Refused,
}

/// One request the device was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Since the device end was started.
    pub at: Duration,
    /// How often it had been plugged in by then.
    pub plug: u32,
    /// The request itself.
    pub setup: Setup,
    /// Bytes sent to the device, or by it.
    pub data: Vec<u8>,
    /// How it was answered.
    pub outcome: Outcome,
}

/// The record of one device.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Requests in order.
    pub requests: Vec<Request>,
    /// Requests that were not kept.
    pub requests_not_kept: u64,
    /// Bulk transfers answered with data.
    pub transfers: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Transfers the other end took back before they were answered.
    pub cancelled: u64,
    /// Transfers or requests refused.
    pub stalls: u64,
    /// Times the other end asked for a halt to be cleared.
    pub halts_cleared: u64,
    /// When it was plugged in.
    pub plugged: Vec<Duration>,
    /// When it was yanked.
    pub yanked: Vec<Duration>,
    /// What the device itself saw, as a JSON object; empty while the session lasts.
    pub report: String,
    /// Packets this device end does not know; there should be none.
    pub unknown_packets: Vec<u32>,
}

impl Record {
    /// Keeps a request.
    pub fn note(&mut self, request: Request) {
        if request.outcome == Outcome::Refused {
            self.stalls += 1;
        }
        if self.requests.len() < REQUESTS_KEPT {
            self.requests.push(request);
        } else {
            self.requests_not_kept += 1;
        }
    }

    /// For the host's checks.
    pub fn as_json(&self, name: &str) -> Value {
        let milliseconds = |list: &[Duration]| -> Vec<u64> {
            list.iter().map(|at| at.as_millis() as u64).collect()
        };
        let requests: Vec<Value> = self
            .requests
            .iter()
            .map(|r| {
                json!({
                    "at_ms": r.at.as_millis() as u64,
                    "plug": r.plug,
                    "request_type": r.setup.request_type,
                    "request": r.setup.request,
                    "value": r.setup.value,
                    "index": r.setup.index,
                    "length": r.setup.length,
                    "data": r.data,
                    "taken": r.outcome == Outcome::Taken,
                })
            })
            .collect();
        json!({
            "device": name,
            "requests": requests,
            "requests_not_kept": self.requests_not_kept,
            "transfers": self.transfers,
            "bytes": self.bytes,
            "cancelled": self.cancelled,
            "stalls": self.stalls,
            "halts_cleared": self.halts_cleared,
            "plugged_ms": milliseconds(&self.plugged),
            "yanked_ms": milliseconds(&self.yanked),
            "unknown_packets": self.unknown_packets,
            "report": serde_json::from_str::<Value>(&self.report).unwrap_or(Value::Null),
        })
    }
}
