//! OpenIGTLink over real sockets on this machine: our client, our server, and peers that behave badly.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the parts that tests share may fail them"
)]
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use portsight::clock::{Clock, ManualClock, SystemClock, Timestamp};
use portsight::exchange::{
    IGTL_CLIENTS, IgtlAddress, IgtlClient, IgtlContent, IgtlDecoder, IgtlServer, PORT_DEVICE,
    PortPose, Publication, STATE_DEVICE, ServeProblem, igtl_checksum,
};
use portsight::frame::{Frame, FrameId, Origin, PictureSetup, PixelSpacing, ScanGeometry, Values};
use portsight::notice::Problem as _;
use portsight::space::{Radians, ScanPoint};
use portsight::stream::{Delivery, FrameSource as _, LiveSource as _, SourceProblem};

const PATIENCE: Duration = Duration::from_millis(20);
/// Calls after which something that should have come is missing: ten seconds and more.
const CALLS: usize = 500;

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::start())
}

fn client_of(address: SocketAddr, clock: Arc<dyn Clock>) -> IgtlClient {
    IgtlClient::new(&address.ip().to_string(), address.port(), clock)
}

fn publication(number: u64, columns: usize, rows: usize) -> Publication {
    let pixels = (0..columns * rows).map(|n| (n as u64 * 7 + number) as u8);
    Publication {
        frame: FrameId(number),
        captured_at: Timestamp::from_nanos(1_000_000 + number * 1_000_000),
        origin: Origin::Live,
        pixels: Arc::new(pixels.collect()),
        columns,
        rows,
        spacing: PixelSpacing::new(0.2, 0.3),
        top_left: ScanPoint::new(-4.0, 0.5),
        port: number.is_multiple_of(2).then_some(PortPose {
            center: ScanPoint::new(number as f64, 20.0),
            tilt: Radians(0.0),
        }),
        state: "locked".to_owned(),
        confidence: 0.9,
    }
}

fn pixels(frame: &Frame) -> &[u8] {
    match frame.samples.values() {
        Values::U8(values) => values,
        Values::U16(_) => panic!("16 bits from a finished picture"),
    }
}

/// The next frame; `meanwhile` is done before every call.
fn next_frame(client: &mut IgtlClient, mut meanwhile: impl FnMut()) -> Arc<Frame> {
    for _ in 0..CALLS {
        meanwhile();
        if let Ok(Delivery::Frame(frame)) = client.next(PATIENCE) {
            return frame;
        }
    }
    panic!("no frame; {:?}", client.facts().details);
}

/// The next problem; frames on the way are let go.
fn next_problem(client: &mut IgtlClient, mut meanwhile: impl FnMut()) -> SourceProblem {
    for _ in 0..CALLS {
        meanwhile();
        if let Err(problem) = client.next(PATIENCE) {
            return problem;
        }
    }
    panic!("no problem; {:?}", client.facts().details);
}

/// Waits for what another thread does.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..CALLS {
        if holds() {
            return;
        }
        std::thread::sleep(PATIENCE);
    }
    panic!("{what}");
}

/// One whole IMAGE message with `size` pixels of uint8 and a scale.
fn image_message(number: u8, columns: u16, rows: u16) -> Vec<u8> {
    let mut body = vec![0, 1, 1, 3, 2, 1];
    for side in [columns, rows, 1] {
        body.extend(side.to_be_bytes());
    }
    let matrix: [f32; 12] = [0.1, 0., 0., 0., 0.1, 0., 0., 0., 1., 0., 0., 0.];
    body.extend(matrix.iter().flat_map(|n| n.to_be_bytes()));
    for number in [0, 0, 0, columns, rows, 1] {
        body.extend(number.to_be_bytes());
    }
    body.extend(std::iter::repeat_n(
        number,
        usize::from(columns) * usize::from(rows),
    ));
    let mut message = vec![0, 1];
    message.extend(b"IMAGE\0\0\0\0\0\0\0Eye\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    message.extend(u32::from(number).to_be_bytes());
    message.extend([0; 4]);
    message.extend((body.len() as u64).to_be_bytes());
    message.extend(igtl_checksum(&body).to_be_bytes());
    message.extend(body);
    message
}

/// A listening socket, and a client of it that has not connected yet.
fn bad_peer(clock: Arc<dyn Clock>) -> (TcpListener, IgtlClient) {
    let listener = TcpListener::bind(any_port()).expect("a port of the system's choice");
    let address = listener.local_addr().expect("bound");
    (listener, client_of(address, clock))
}

/// Lets the client connect, and hands out the peer's end.
fn connected(listener: &TcpListener, client: &mut IgtlClient, clock: &ManualClock) -> TcpStream {
    listener.set_nonblocking(true).expect("a plain socket");
    for _ in 0..CALLS {
        clock.advance(Duration::from_millis(50));
        client.next(PATIENCE).ok();
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).expect("a plain socket");
            // The client takes its end with the next call.
            until("the client is connected", || {
                client.next(PATIENCE).ok();
                client
                    .facts()
                    .details
                    .first()
                    .is_some_and(|l| l == "connected")
            });
            return stream;
        }
    }
    panic!("the client does not connect");
}

#[test]
fn a_picture_goes_through_server_and_client_exactly_with_scale_and_words() {
    let clock = system_clock();
    let server = IgtlServer::start(any_port(), Arc::clone(&clock)).expect("a free port");
    let mut client = client_of(server.address(), clock);
    let mut number = 0;
    let mut publish = || {
        number += 1;
        server
            .publish(publication(number, 90, 60))
            .expect("a sound picture");
    };
    let mut buffers = BTreeSet::new();
    let mut last: Option<Arc<Frame>> = None;
    for _ in 0..60 {
        let frame = next_frame(&mut client, &mut publish);
        // The stamp tells which one it is.
        let stamp = frame.source_seconds.expect("a stamp");
        let before = last.as_ref().and_then(|f| f.source_seconds);
        assert!(before.is_none_or(|b| b < stamp), "order");
        let first = pixels(&frame)[0];
        let expected: Vec<u8> = (0..90 * 60_u64).map(|n| (n * 7) as u8).collect();
        let shifted = pixels(&frame).iter().map(|p| p.wrapping_sub(first));
        assert!(shifted.eq(expected), "pixels");
        assert!(last.as_ref().is_none_or(|f| f.id < frame.id));
        let ScanGeometry::Raster { spacing, .. } = &*frame.geometry else {
            panic!("no raster");
        };
        assert_eq!(*spacing, PixelSpacing::new(0.2, 0.3));
        assert_eq!(frame.origin, Origin::Live);
        buffers.insert(pixels(&frame).as_ptr());
        if let Some(last) = &last {
            assert!(Arc::ptr_eq(&last.geometry, &frame.geometry));
        }
        last = Some(frame);
    }
    assert!(
        buffers.len() <= 8,
        "{} buffers for 60 frames",
        buffers.len()
    );
    until("the words of the peer are shown", || {
        publish();
        client.next(PATIENCE).expect("no problem");
        let details = &client.facts().details;
        details
            .iter()
            .any(|l| l.starts_with("the peer says: PortsightState: {\"frame\":"))
    });
    let details = client.facts().details.clone();
    assert!(details.contains(&"image stream: PortsightImage, the first that came".to_owned()));
    assert!(details.contains(&"scale: 0.2000 x 0.3000 mm a pixel, as the peer says".to_owned()));
    assert!(
        client
            .set_picture(&PictureSetup {
                spacing: PixelSpacing::new(1.0, 1.0),
                ..PictureSetup::default()
            })
            .is_err()
    );
}

#[test]
fn a_server_that_dies_is_told_once_and_found_again_by_itself() {
    let clock = system_clock();
    let server = IgtlServer::start(any_port(), Arc::clone(&clock)).expect("a free port");
    let address = server.address();
    let mut client = client_of(address, Arc::clone(&clock));
    let mut number = 0;
    let first = next_frame(&mut client, || {
        number += 1;
        server
            .publish(publication(number, 8, 4))
            .expect("a sound picture");
    });
    drop(server);
    let lost = next_problem(&mut client, || {});
    assert!(matches!(lost, SourceProblem::Lost { .. }), "{lost:?}");
    assert!(lost.hint().is_some_and(|h| h.contains("tried again")));
    for _ in 0..20 {
        assert!(
            matches!(client.next(PATIENCE), Ok(Delivery::Quiet)),
            "told again"
        );
    }
    let again = IgtlServer::start(address, clock).expect("the port is free again");
    let second = next_frame(&mut client, || {
        number += 1;
        again
            .publish(publication(number, 8, 4))
            .expect("a sound picture");
    });
    assert!(second.id > first.id);
    drop(again);
    let lost = next_problem(&mut client, || {});
    assert!(
        matches!(lost, SourceProblem::Lost { .. }),
        "a second outage is told: {lost:?}"
    );
}

#[test]
fn nobody_there_is_told_once_with_what_to_do() {
    let address = TcpListener::bind(any_port())
        .and_then(|l| l.local_addr())
        .expect("a port that is free again");
    let mut client = client_of(address, system_clock());
    let lost = next_problem(&mut client, || {});
    assert!(
        lost.to_string()
            .contains("expected an OpenIGTLink server at 127.0.0.1"),
        "{lost}"
    );
    for _ in 0..20 {
        assert!(
            matches!(client.next(PATIENCE), Ok(Delivery::Quiet)),
            "told again"
        );
    }
}

#[test]
fn an_absurd_header_costs_nothing_but_itself() {
    let clock = Arc::new(ManualClock::default());
    let (listener, mut client) = bad_peer(Arc::clone(&clock) as Arc<dyn Clock>);
    let mut peer = connected(&listener, &mut client, &clock);
    let mut absurd = image_message(1, 8, 4);
    absurd[42..50].copy_from_slice(&(u64::MAX / 2).to_be_bytes());
    peer.write_all(&absurd).expect("sent");
    peer.write_all(&image_message(2, 8, 4)).expect("sent");
    let frame = next_frame(&mut client, || {});
    assert_eq!(pixels(&frame), [2; 32]);
    assert_eq!(client.counts().oversized, 1);
}

#[test]
fn half_a_picture_and_then_silence_is_lost_and_dialled_again() {
    let clock = Arc::new(ManualClock::default());
    let (listener, mut client) = bad_peer(Arc::clone(&clock) as Arc<dyn Clock>);
    let mut peer = connected(&listener, &mut client, &clock);
    peer.write_all(&image_message(1, 8, 4)).expect("sent");
    next_frame(&mut client, || {});
    peer.write_all(&image_message(2, 8, 4)[..100])
        .expect("sent");
    until("half a picture has come", || {
        assert!(matches!(client.next(PATIENCE), Ok(Delivery::Quiet)));
        // The clock stands still: nothing is late yet.
        client.counts().messages == 1
    });
    std::thread::sleep(PATIENCE);
    assert!(matches!(client.next(PATIENCE), Ok(Delivery::Quiet)));
    clock.advance(Duration::from_millis(2100));
    let lost = next_problem(&mut client, || {});
    assert!(
        lost.to_string().contains("in the middle of a message"),
        "{lost}"
    );
    let mut peer = connected(&listener, &mut client, &clock);
    peer.write_all(&image_message(3, 8, 4)).expect("sent");
    let frame = next_frame(&mut client, || {});
    assert_eq!(pixels(&frame), [3; 32]);
}

#[test]
fn a_peer_without_pictures_is_told_once_and_stays_connected() {
    let clock = Arc::new(ManualClock::default());
    let (listener, mut client) = bad_peer(Arc::clone(&clock) as Arc<dyn Clock>);
    let mut peer = connected(&listener, &mut client, &clock);
    peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .expect("sent");
    until("the words have come", || {
        client.next(PATIENCE).ok();
        client.counts().skipped_bytes > 0
    });
    clock.advance(Duration::from_millis(2100));
    let lost = next_problem(&mut client, || {});
    assert!(
        lost.to_string()
            .contains("expected OpenIGTLink messages, got 28 bytes"),
        "{lost}"
    );
    // It may yet begin to speak.
    peer.write_all(&image_message(4, 8, 4)).expect("sent");
    assert_eq!(pixels(&next_frame(&mut client, || {})), [4; 32]);
    // A frozen scanner sends the same picture with the same stamp: that is not live.
    clock.advance(Duration::from_millis(2100));
    peer.write_all(&image_message(4, 8, 4)).expect("sent");
    let lost = next_problem(&mut client, || {});
    assert!(lost.to_string().contains("no new picture"), "{lost}");
}

#[test]
fn while_frozen_pictures_are_let_go_and_are_no_loss_afterwards() {
    let clock = Arc::new(ManualClock::default());
    let (listener, mut client) = bad_peer(Arc::clone(&clock) as Arc<dyn Clock>);
    let mut peer = connected(&listener, &mut client, &clock);
    peer.write_all(&image_message(1, 8, 4)).expect("sent");
    let before = next_frame(&mut client, || {});
    client.freeze();
    for number in 2..9 {
        peer.write_all(&image_message(number, 8, 4)).expect("sent");
    }
    until("all have come", || {
        assert!(matches!(client.next(PATIENCE), Ok(Delivery::Quiet)));
        client.counts().messages == 8
    });
    client.resume();
    // Another size in the middle of the stream is another geometry.
    peer.write_all(&image_message(9, 4, 4)).expect("sent");
    let after = next_frame(&mut client, || {});
    assert_eq!(after.id.0, before.id.0 + 1);
    assert_eq!((after.samples.inner(), after.samples.outer()), (4, 4));
    assert!(!Arc::ptr_eq(&before.geometry, &after.geometry));
}

/// Reads messages from a server until `done` says so: kind, device, stamp and content of each.
struct Listener {
    stream: TcpStream,
    decoder: IgtlDecoder,
}

impl Listener {
    fn of(server: &IgtlServer) -> Self {
        let before = server.counts();
        let stream = TcpStream::connect(server.address()).expect("a server that listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a plain socket");
        until("the client is let in or sent away", || {
            let now = server.counts();
            now.clients > before.clients || now.refused > before.refused
        });
        Self {
            stream,
            decoder: IgtlDecoder::default(),
        }
    }

    fn hear(&mut self, mut done: impl FnMut(&str, &str, Option<f64>, &IgtlContent<'_>) -> bool) {
        let mut chunk = [0; 4096];
        loop {
            while let Some(message) = self.decoder.next_message() {
                let header = message.header;
                if done(
                    header.kind.text(),
                    header.device.text(),
                    header.seconds,
                    &message.content,
                ) {
                    return;
                }
            }
            let count = self
                .stream
                .read(&mut chunk)
                .expect("words within ten seconds");
            assert!(count > 0, "the server hung up");
            self.decoder
                .push(chunk.get(..count).expect("no more than asked for"));
        }
    }
}

#[test]
fn a_pose_comes_only_behind_its_own_picture() {
    let server = IgtlServer::start(any_port(), system_clock()).expect("a free port");
    let mut listener = Listener::of(&server);
    let mut number = 0;
    let (mut poses, mut lost) = (0, 0);
    let mut shown: Option<(u8, Option<f64>)> = None;
    while poses < 20 || lost < 20 {
        // Faster than they can be heard: most are replaced.
        for _ in 0..3 {
            number += 1;
            server
                .publish(publication(number, 40, 30))
                .expect("a sound picture");
        }
        listener.hear(|kind, device, seconds, content| {
            match content {
                IgtlContent::Image(image) => {
                    assert_eq!(device, "PortsightImage");
                    shown = Some((image.pixels[0], seconds));
                }
                IgtlContent::Transform(matrix) => {
                    assert_eq!(device, PORT_DEVICE);
                    let (picture, stamp) = shown.expect("a picture first");
                    // Number and pose of one publication: x is -number, the first pixel is number.
                    assert_eq!((-matrix[9]) as u64 % 256, u64::from(picture));
                    assert_eq!(stamp, seconds);
                    poses += 1;
                }
                IgtlContent::Status { code, .. } => {
                    assert_eq!((device, *code), (PORT_DEVICE, 13));
                    let (picture, _) = shown.expect("a picture first");
                    assert_eq!(picture % 2, 1, "a pose was withheld");
                    lost += 1;
                }
                IgtlContent::Words(words) => {
                    assert_eq!((kind, device), ("STRING", STATE_DEVICE));
                    assert!(words.contains("\"confidence\":0.9"), "{words}");
                }
                IgtlContent::Unusable(_) | IgtlContent::Query | IgtlContent::Other => {
                    panic!("{content:?}")
                }
            }
            device == STATE_DEVICE
        });
    }
}

#[test]
fn a_pose_that_nothing_follows_is_taken_back() {
    let clock = Arc::new(ManualClock::default());
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let server = IgtlServer::start(any_port(), shared).expect("a free port");
    let mut listener = Listener::of(&server);
    server
        .publish(publication(2, 8, 4))
        .expect("a sound picture");
    listener.hear(|_, device, _, _| device == STATE_DEVICE);
    // The engine says nothing more; the server itself takes the pose back.
    clock.advance(Duration::from_millis(600));
    listener.hear(|kind, device, _, content| {
        assert_eq!((kind, device), ("STATUS", PORT_DEVICE));
        matches!(content, IgtlContent::Status { code: 13, text } if text.contains("no new picture"))
    });
    server.withdraw("the picture was frozen");
    listener.hear(|_, _, _, content| {
        matches!(content, IgtlContent::Words(words) if words.contains("the picture was frozen"))
    });
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_what_it_misses_is_counted() {
    let server = IgtlServer::start(any_port(), system_clock()).expect("a free port");
    let _deaf = Listener::of(&server);
    let mut listener = Listener::of(&server);
    // 40 pictures of 1 MB are more than any socket holds.
    for number in 0..40 {
        server
            .publish(publication(number, 1024, 1024))
            .expect("a sound picture");
        let mut bright = None;
        listener.hear(|_, device, _, content| {
            if let IgtlContent::Image(image) = content {
                bright = Some(image.pixels[0]);
            }
            device == STATE_DEVICE
        });
        assert_eq!(bright, Some(number as u8));
    }
    let counts = server.counts();
    assert_eq!(counts.clients, 2);
    assert!(counts.skipped > 0, "{counts:?}");
    assert_eq!(counts.published, 40);
}

#[test]
fn one_client_too_many_is_told_so_and_questions_are_answered() {
    let server = IgtlServer::start(any_port(), system_clock()).expect("a free port");
    let mut clients: Vec<Listener> = (0..IGTL_CLIENTS).map(|_| Listener::of(&server)).collect();
    Listener::of(&server).hear(|_, _, _, content| {
        assert!(
            matches!(content, IgtlContent::Status { code: 6, .. }),
            "{content:?}"
        );
        true
    });
    let first = clients.first_mut().expect("four of them");
    let mut question = image_message(1, 1, 1)[..58].to_vec();
    question[2..14].copy_from_slice(b"GET_STATUS\0\0");
    question[42..58].fill(0);
    first.stream.write_all(&question).expect("sent");
    first.hear(|_, _, _, content| {
        assert!(
            matches!(content, IgtlContent::Status { code: 1, .. }),
            "{content:?}"
        );
        true
    });
    clients.pop();
    until("the one that left is gone", || {
        server.counts().clients == IGTL_CLIENTS as u64 - 1
    });
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let server = IgtlServer::start(any_port(), system_clock()).expect("a free port");
    let second = IgtlServer::start(server.address(), system_clock());
    let Err(problem) = second else {
        panic!("two servers at one port");
    };
    assert_eq!(
        problem,
        ServeProblem::PortInUse {
            address: server.address()
        }
    );
    assert!(problem.hint().is_some_and(|h| h.contains("another port")));
}

#[test]
fn a_stream_can_be_asked_for_by_its_name() {
    let clock = Arc::new(ManualClock::default());
    let server = IgtlServer::start(any_port(), system_clock()).expect("a free port");
    let address: IgtlAddress = format!("{}/Elsewhere", server.address())
        .parse()
        .expect("an address");
    let mut client = IgtlClient::at(address, Arc::clone(&clock) as Arc<dyn Clock>);
    let mut number = 0;
    let lost = next_problem(&mut client, || {
        number += 1;
        clock.advance(PATIENCE);
        server
            .publish(publication(number, 8, 4))
            .expect("a sound picture");
    });
    assert!(
        lost.to_string()
            .contains("expected the image stream \"Elsewhere\""),
        "{lost}"
    );
}
