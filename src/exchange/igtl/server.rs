//! Our picture, port and state for other programs: 3D Slicer, PLUS, anything that reads OpenIGTLink.
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::address::DEFAULT_PORT;
use super::publication::{News, Publication, PublishProblem, write_busy, write_well};
use super::wire::{Content, Decoder};
use crate::clock::{Clock, Timestamp};
use crate::notice::{Problem, Severity};
use crate::stream::{Newest, Taken, Worker};
use crate::words::say;

/// Clients served at once; one more is told so and sent away.
pub const CLIENTS: usize = 4;
/// How long the worker waits for news: while something is on its way to a client, and otherwise.
const BUSY_WAIT: Duration = Duration::from_millis(2);
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// A client that takes nothing of what is meant for it for this long is cut off.
const STUCK_LIMIT: Duration = Duration::from_secs(10);
/// A pose that nothing follows for this long is taken back by the server itself: the engine may have died. The same
/// figure as the screen's NOT LIVE.
const POSE_LIMIT: Duration = Duration::from_millis(500);
/// Bytes read from a client in one round; clients have little to say.
const CHUNK: usize = 4096;
/// A client that sends so much at once without one message is no client.
const CLIENT_BYTES: usize = 1 << 20;
/// Blocks of messages kept for use again: one for each client and two in the making.
const BLOCKS: usize = CLIENTS + 2;

/// Why a server could not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeProblem {
    /// Words that are no address.
    #[error(
        "address to serve at: expected a port or ADDRESS:PORT, as in 127.0.0.1:18944, got {got:?}"
    )]
    Address {
        /// What was given.
        got: String,
    },
    /// Another program has the port.
    #[error("OpenIGTLink server: port {} at {} is in use; nothing is published", .address.port(), .address.ip())]
    PortInUse {
        /// The address.
        address: SocketAddr,
    },
    /// Anything else the system says.
    #[error("OpenIGTLink server: cannot serve at {address}: {cause}; nothing is published")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: String,
    },
}

impl Problem for ServeProblem {
    fn severity(&self) -> Severity {
        Severity::Error
    }
    fn hint(&self) -> Option<String> {
        let key = match self {
            Self::PortInUse { .. } => "exchange-hint-igtl-port",
            Self::Address { .. } | Self::Refused { .. } => "exchange-hint-igtl-address",
        };
        Some(say(key))
    }
}

/// What went through a server. A client that is too slow for a block skips it, and that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct ServerCounts {
    /// Clients connected now.
    pub clients: u64,
    /// Clients sent away because there were [`CLIENTS`] already.
    pub refused: u64,
    /// Publications taken in.
    pub published: u64,
    /// Publications that a newer one replaced before the worker came to them.
    pub replaced: u64,
    /// Whole blocks sent, over all clients.
    pub sent: u64,
    /// Blocks skipped for a slow client, over all clients.
    pub skipped: u64,
}

#[derive(Default)]
struct Counters {
    clients: AtomicU64,
    refused: AtomicU64,
    published: AtomicU64,
    sent: AtomicU64,
    skipped: AtomicU64,
}

/// A running server. Dropping it ends its worker and every connection.
pub struct IgtlServer {
    address: SocketAddr,
    news: Arc<Newest<News>>,
    counters: Arc<Counters>,
    worker: Worker,
}

/// Where to serve by the user's words: a port (on this machine only), or an address with a port.
pub fn serve_address(text: &str) -> Result<SocketAddr, ServeProblem> {
    let text = text.trim();
    let here = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    if text.is_empty() {
        return Ok(here(DEFAULT_PORT));
    }
    let number: Option<u16> = text.parse().ok();
    let address = number.map(here).or_else(|| text.parse().ok());
    address.ok_or_else(|| ServeProblem::Address {
        got: text.to_owned(),
    })
}

impl IgtlServer {
    /// Serves at `address`; with port 0 the system chooses one (see [`Self::address`]).
    pub fn start(address: SocketAddr, clock: Arc<dyn Clock>) -> Result<Self, ServeProblem> {
        let refused = |cause: std::io::Error| {
            if cause.kind() == ErrorKind::AddrInUse {
                return ServeProblem::PortInUse { address };
            }
            ServeProblem::Refused {
                address,
                cause: cause.to_string(),
            }
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let (news, counters) = (Arc::<Newest<News>>::default(), Arc::<Counters>::default());
        let mut desk = Desk {
            listener,
            news: Arc::clone(&news),
            counters: Arc::clone(&counters),
            epoch: epoch(&*clock),
            clock,
            clients: Vec::with_capacity(CLIENTS),
            blocks: Vec::with_capacity(BLOCKS),
            pose_since: None,
            scratch: vec![0; CHUNK].into_boxed_slice(),
        };
        let worker = Worker::start("igtl-serve", move || desk.step()).map_err(refused)?;
        Ok(Self {
            address: bound,
            news,
            counters,
            worker,
        })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands over a picture and what was read from it; never waits. One that has not been taken yet is replaced.
    pub fn publish(&self, publication: Publication) -> Result<(), PublishProblem> {
        publication.check()?;
        self.counters.published.fetch_add(1, Ordering::Relaxed);
        self.news.put(News::Picture(Box::new(publication)));
        Ok(())
    }

    /// Takes back what was published: the picture is stale, frozen or not live. Clients are told that there is no port.
    pub fn withdraw(&self, why: &str) {
        self.news.put(News::Withdrawn {
            why: why.to_owned(),
        });
    }

    /// What went through so far.
    pub fn counts(&self) -> ServerCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServerCounts {
            clients: load(&self.counters.clients),
            refused: load(&self.counters.refused),
            published: load(&self.counters.published),
            replaced: self.news.replaced(),
            sent: load(&self.counters.sent),
            skipped: load(&self.counters.skipped),
        }
    }

    /// Whether its worker has died: nothing is published any more.
    pub fn has_ended(&self) -> bool {
        self.worker.has_ended()
    }
}

impl Drop for IgtlServer {
    fn drop(&mut self) {
        self.news.close();
    }
}

/// The seconds since 1970 at the origin of a clock; 0 for a clock that does not know them.
fn epoch(clock: &dyn Clock) -> f64 {
    let now = clock.now().as_seconds();
    let wall = clock.wall().parse::<jiff::Timestamp>();
    wall.map_or(0.0, |wall| wall.as_nanosecond() as f64 * 1e-9 - now)
}

/// The worker's side.
struct Desk {
    listener: TcpListener,
    news: Arc<Newest<News>>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    epoch: f64,
    clients: Vec<Client>,
    blocks: Vec<Arc<Vec<u8>>>,
    /// When the pose was told that clients show now.
    pose_since: Option<Timestamp>,
    scratch: Box<[u8]>,
}

struct Client {
    stream: TcpStream,
    decoder: Decoder,
    unread: usize,
    /// The block that is on its way, and how much of it has gone.
    sending: Option<(Arc<Vec<u8>>, usize)>,
    /// The block that follows it; a newer one replaces it.
    next: Option<Arc<Vec<u8>>>,
    answer: bool,
    moved_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Here,
    Gone,
}

impl Desk {
    fn step(&mut self) -> ControlFlow<()> {
        let busy = self.clients.iter().any(|client| client.sending.is_some());
        let wait = if busy { BUSY_WAIT } else { IDLE_WAIT };
        let news = match self.news.take(wait) {
            Taken::Value(news) => Some(news),
            Taken::Nothing => self.stale_pose(),
            Taken::Closed => return ControlFlow::Break(()),
        };
        self.accept();
        if let Some(news) = news {
            self.spread(&news);
        }
        self.serve();
        ControlFlow::Continue(())
    }

    fn stale_pose(&self) -> Option<News> {
        let since = self.pose_since?;
        (self.clock.now().since(since) > POSE_LIMIT).then(|| News::Withdrawn {
            why: format!("no new picture for {} ms", POSE_LIMIT.as_millis()),
        })
    }

    /// Takes in whoever knocks.
    fn accept(&mut self) {
        // Those who come while one round takes its time wait for the next.
        for _ in 0..=CLIENTS {
            let Ok((stream, _)) = self.listener.accept() else {
                return;
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.clients.len() >= CLIENTS {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                let mut words = Vec::new();
                write_busy(self.epoch + self.clock.now().as_seconds(), &mut words);
                let mut stream = stream;
                // It is sent away either way.
                stream.write_all(&words).ok();
                continue;
            }
            // Words after a picture must not wait for the next one; nothing is lost if it cannot be set.
            stream.set_nodelay(true).ok();
            self.clients.push(Client {
                stream,
                decoder: Decoder::default(),
                unread: 0,
                sending: None,
                next: None,
                answer: false,
                moved_at: self.clock.now(),
            });
        }
    }

    /// Writes the news once and lays it into every client's box.
    fn spread(&mut self, news: &News) {
        let now = self.clock.now();
        self.pose_since = news.has_pose().then_some(now);
        if self.clients.is_empty() {
            return;
        }
        let at = match news {
            News::Picture(publication) => publication.captured_at,
            News::Withdrawn { .. } => now,
        };
        let seconds = self.epoch + at.as_seconds();
        let block = self.block(|out| news.write(seconds, out));
        for client in &mut self.clients {
            if client.next.replace(Arc::clone(&block)).is_some() {
                self.counters.skipped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A block of messages in a buffer that nobody uses any more, if there is one.
    fn block(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Arc<Vec<u8>> {
        let free = self.blocks.iter().position(|b| Arc::strong_count(b) == 1);
        let mut block = free.map_or_else(Arc::default, |at| self.blocks.swap_remove(at));
        write(Arc::make_mut(&mut block));
        if self.blocks.len() < BLOCKS {
            self.blocks.push(Arc::clone(&block));
        }
        block
    }

    fn serve(&mut self) {
        let now = self.clock.now();
        let seconds = self.epoch + now.as_seconds();
        let (scratch, counters) = (&mut self.scratch, &self.counters);
        self.clients.retain_mut(|client| {
            let standing = match client.listen(scratch) {
                Standing::Here => client.send(now, seconds, counters),
                Standing::Gone => Standing::Gone,
            };
            standing == Standing::Here
        });
        let clients = self.clients.len() as u64;
        self.counters.clients.store(clients, Ordering::Relaxed);
    }
}

impl Client {
    /// Reads what the client says. We push, so that nothing has to be asked; questions after our state are answered.
    fn listen(&mut self, scratch: &mut [u8]) -> Standing {
        match self.stream.read(scratch) {
            Ok(0) => return Standing::Gone,
            Ok(count) => {
                self.unread += count;
                self.decoder.push(scratch.get(..count).unwrap_or_default());
                while let Some(message) = self.decoder.next_message() {
                    self.unread = 0;
                    let asks = message.header.kind.text() == "GET_STATUS";
                    self.answer |= asks && message.content == Content::Query;
                }
                if self.unread > CLIENT_BYTES {
                    return Standing::Gone;
                }
            }
            Err(cause) if is_wait(&cause) => {}
            Err(_) => return Standing::Gone,
        }
        Standing::Here
    }

    /// Sends as much as the client takes now, and no more.
    fn send(&mut self, now: Timestamp, seconds: f64, counters: &Counters) -> Standing {
        loop {
            if self.sending.is_none() && self.answer {
                let mut words = Vec::new();
                write_well(seconds, &mut words);
                self.answer = false;
                self.sending = Some((Arc::new(words), 0));
                self.moved_at = now;
            }
            if self.sending.is_none() {
                let Some(block) = self.next.take() else {
                    return Standing::Here;
                };
                self.sending = Some((block, 0));
                self.moved_at = now;
            }
            let Some((block, gone)) = &mut self.sending else {
                return Standing::Here;
            };
            match self.stream.write(block.get(*gone..).unwrap_or_default()) {
                Ok(0) => return Standing::Gone,
                Ok(count) => {
                    *gone += count;
                    self.moved_at = now;
                    if *gone >= block.len() {
                        self.sending = None;
                        counters.sent.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(cause) if is_wait(&cause) => {
                    if now.since(self.moved_at) > STUCK_LIMIT {
                        return Standing::Gone;
                    }
                    return Standing::Here;
                }
                Err(_) => return Standing::Gone,
            }
        }
    }
}

fn is_wait(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_is_served_to_this_machine_only() {
        let served = |text: &str| serve_address(text).map(|a| a.to_string());
        assert_eq!(served(""), Ok("127.0.0.1:18944".to_owned()));
        assert_eq!(served("7000"), Ok("127.0.0.1:7000".to_owned()));
        assert_eq!(served("0.0.0.0:7000"), Ok("0.0.0.0:7000".to_owned()));
        assert_eq!(served("[::1]:7000"), Ok("[::1]:7000".to_owned()));
        for bad in ["70000", "localhost", "1.2.3.4", "x:1"] {
            assert!(serve_address(bad).is_err(), "{bad}");
        }
    }
}
