//! Work shared among workers, its results taken in the order of the work: more workers change nothing but the time.
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};

use crate::stream::{Queue, Taken, Worker};

/// Pieces of work handed out before their predecessors are taken: a limit on what is held in memory.
const AHEAD: usize = 8;
/// How long a worker waits for work before it looks whether it was stopped.
const PATIENCE: Duration = Duration::from_millis(100);

/// Does all `work` on `workers` threads and hands the results to `take` in the order of the work, at most [`AHEAD`]
/// of them waiting. The first error of `take` ends it.
pub(super) fn run<J, R>(
    work: Vec<J>,
    workers: usize,
    does: impl Fn(&J) -> R + Send + Sync + 'static,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    J: Send + 'static,
    R: Send + 'static,
{
    let count = work.len();
    let mut rest = work.into_iter().enumerate();
    let does = Arc::new(does);
    let todo: Queue<(usize, J)> = Queue::new(AHEAD);
    let done: Queue<(usize, R)> = Queue::new(AHEAD);
    let hand_out = |next: Option<(usize, J)>| match next.map(|job| todo.put(job)) {
        Some(Err((index, _))) => Err(anyhow!("no room to hand out piece of work {index}")),
        Some(Ok(())) | None => Ok(()),
    };
    for _ in 0..AHEAD {
        hand_out(rest.next())?;
    }
    let team = (0..workers.clamp(1, count.max(1)))
        .map(|_| start(&todo, &done, &does))
        .collect::<std::io::Result<Vec<Worker>>>()?;
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    while next < count {
        match done.take(PATIENCE) {
            Taken::Value((index, result)) => {
                waiting.insert(index, result);
            }
            Taken::Nothing if team.iter().any(Worker::has_ended) => {
                bail!("a worker died; the evaluation is not complete")
            }
            Taken::Nothing => {}
            Taken::Closed => bail!("the workers are gone; the evaluation is not complete"),
        }
        while let Some(result) = waiting.remove(&next) {
            take(result)?;
            next += 1;
            hand_out(rest.next())?;
        }
    }
    Ok(())
}

fn start<J, R>(
    todo: &Queue<(usize, J)>,
    done: &Queue<(usize, R)>,
    does: &Arc<impl Fn(&J) -> R + Send + Sync + 'static>,
) -> std::io::Result<Worker>
where
    J: Send + 'static,
    R: Send + 'static,
{
    let (todo, done, does) = (todo.clone(), done.clone(), Arc::clone(does));
    Worker::start("evaluate", move || match todo.take(PATIENCE) {
        Taken::Value((index, job)) => match done.put((index, does(&job))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        },
        Taken::Nothing => ControlFlow::Continue(()),
        Taken::Closed => ControlFlow::Break(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(workers: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let work: Vec<u64> = (0..100).collect();
        let square = |n: &u64| {
            // Uneven work: later pieces overtake earlier ones.
            (0..(100 - n) * 500).for_each(|i| {
                std::hint::black_box(i);
            });
            n * n
        };
        run(work, workers, square, |r| {
            found.push(r);
            Ok(())
        })
        .expect("done");
        found
    }

    #[test]
    fn any_number_of_workers_gives_the_same_results_in_the_same_order() {
        let alone = squares(1);
        assert_eq!(alone, (0..100).map(|n| n * n).collect::<Vec<u64>>());
        assert_eq!(squares(4), alone);
        run(Vec::<u64>::new(), 2, |n: &u64| *n, |_| Ok(())).expect("nothing to do");
    }

    #[test]
    fn a_dead_worker_and_an_error_end_the_work_instead_of_hanging() {
        let dies = |n: &u64| {
            assert!(*n != 3, "on purpose");
            *n
        };
        assert!(run((0..40).collect(), 2, dies, |_| Ok(())).is_err());
        assert!(run((0..40).collect(), 2, |n: &u64| *n, |_| bail!("enough")).is_err());
    }
}
