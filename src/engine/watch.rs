//! The watch worker: the age of the newest frame, whether or not anything repaints (H01).
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::frame::Origin;
use crate::guide::limits;
use crate::procedure::Event;
use crate::stream::Worker;

use super::Liveness;
use super::board::{Flow, Job, Shared};
use super::reader::{Moment, Reader};

/// How often the age of the newest frame is looked at; a fifth of the stale limit.
const WATCH_PERIOD: Duration = Duration::from_millis(20);

/// Decides what the newest frame's age means.
fn liveness_of(shared: &Shared) -> (Liveness, Option<Duration>) {
    let now = shared.clock.now();
    let board = shared.board();
    let age = board.last_captured.map(|at| now.since(at));
    let state = match age {
        _ if shared.is_frozen() => Liveness::Frozen,
        _ if matches!(board.flow, Flow::Lost | Flow::Gone) => Liveness::NotLive,
        _ if board.flow == Flow::Finished => Liveness::Ended,
        None => Liveness::Waiting,
        Some(age) if age > limits::NOT_LIVE_AFTER => Liveness::NotLive,
        Some(age) if age > limits::STALE_AFTER => Liveness::Stale,
        Some(_) => Liveness::Running,
    };
    (state, age)
}

pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Worker> {
    // It only words what another worker found; whether that was a still does not matter to it.
    let mut reader = Reader::new(false);
    Worker::start("watch", move || {
        std::thread::sleep(WATCH_PERIOD);
        let (state, age) = liveness_of(&shared);
        let mut board = shared.board();
        if board.liveness == state {
            return ControlFlow::Continue(());
        }
        reader.choose(Arc::clone(&board.pump), board.needle);
        // State and advice change together: nobody may see a picture that is not live with a path from before. Words
        // for a past picture have no marks to draw, so the lock is held for microseconds.
        board.liveness = state;
        let moment = moment_of(state, board.source.origin);
        let past = match (&board.picture, &board.advice) {
            (Some(picture), Some(advice)) if moment != Moment::Now => {
                Some(reader.advise(&picture.image, advice.finding.clone(), moment))
            }
            _ => None,
        };
        if let Some(past) = &past {
            board.advice = Some(Arc::new(past.clone()));
        }
        drop(board);
        shared.publisher.follow(state);
        shared.desk(Job::Event(Event::LivenessChanged {
            state: state_name(state),
            age_ms: age.map(|a| a.as_secs_f64() * 1e3),
        }));
        if let Some(past) = past {
            shared.desk(Job::Event(Event::GuidanceWithheld {
                frame: Some(past.guidance.frame),
                reasons: past.guidance.withheld,
            }));
        }
        shared.wake();
        ControlFlow::Continue(())
    })
}

/// How a picture in this state stands to now. A replayed or simulated picture that the operator froze may keep its
/// path; a living one may not (H01).
pub(super) fn moment_of(state: Liveness, origin: Origin) -> Moment {
    match state {
        Liveness::NotLive => Moment::Gone,
        Liveness::Stale => Moment::Late,
        Liveness::Frozen if origin == Origin::Live => Moment::Late,
        Liveness::Frozen | Liveness::Waiting | Liveness::Running | Liveness::Ended => Moment::Now,
    }
}

fn state_name(state: Liveness) -> String {
    match state {
        Liveness::Waiting => "waiting",
        Liveness::Running => "running",
        Liveness::Stale => "stale",
        Liveness::NotLive => "not_live",
        Liveness::Frozen => "frozen",
        Liveness::Ended => "ended",
    }
    .to_owned()
}
