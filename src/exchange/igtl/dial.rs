//! Reaching a peer without making anybody wait: names are looked up and connections made on a worker of their own.
use std::net::{TcpStream, ToSocketAddrs as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::stream::{Newest, Taken, Worker};

/// How long one address is tried.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Addresses of one name that are tried; `localhost` has two.
const ADDRESS_LIMIT: usize = 4;
/// How often the worker looks whether it was told to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DialProblem {
    /// The name leads to no address.
    #[error("the name {host:?} leads to no address: {cause}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// Nobody answers.
    #[error("expected an OpenIGTLink server at {host}, port {port}: {cause}")]
    NotReached {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// What the system said of the last address tried.
        cause: String,
    },
    /// The program could not start a thread.
    #[error("no thread to connect with: {cause}")]
    NoWorker {
        /// What the system said.
        cause: String,
    },
}

type Answer = Result<TcpStream, DialProblem>;

/// Connects when asked. Dropping it waits for a look-up that is under way (as long as the system's resolver takes).
pub(super) struct Dialer {
    asked: Arc<Newest<()>>,
    answers: Arc<Newest<Answer>>,
    _worker: Worker,
}

impl Dialer {
    pub(super) fn start(host: String, port: u16) -> Result<Self, DialProblem> {
        let (asked, answers) = (
            Arc::<Newest<()>>::default(),
            Arc::<Newest<Answer>>::default(),
        );
        let (requests, results) = (Arc::clone(&asked), Arc::clone(&answers));
        let worker = Worker::start("igtl-dial", move || {
            match requests.take(PATIENCE) {
                Taken::Value(()) => {
                    results.put(dial(&host, port));
                }
                Taken::Nothing => {}
                Taken::Closed => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        });
        let worker = worker.map_err(|cause| DialProblem::NoWorker {
            cause: cause.to_string(),
        })?;
        Ok(Self {
            asked,
            answers,
            _worker: worker,
        })
    }

    /// Asks for a connection; the answer comes by [`Self::answer`].
    pub(super) fn ask(&self) {
        self.asked.put(());
    }

    /// The answer, waiting no longer than `patience`.
    pub(super) fn answer(&self, patience: Duration) -> Option<Answer> {
        match self.answers.take(patience) {
            Taken::Value(answer) => Some(answer),
            Taken::Nothing | Taken::Closed => None,
        }
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.asked.close();
    }
}

fn dial(host: &str, port: u16) -> Answer {
    let unresolved = |cause: String| DialProblem::Unresolved {
        host: host.to_owned(),
        cause,
    };
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|cause| unresolved(cause.to_string()))?;
    let mut problem = unresolved("it has none".to_owned());
    for address in addresses.take(ADDRESS_LIMIT) {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(cause) => {
                problem = DialProblem::NotReached {
                    host: host.to_owned(),
                    port,
                    cause: cause.to_string(),
                };
            }
        }
    }
    Err(problem)
}
