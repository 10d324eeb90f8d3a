//! Whatever a client sends, in whatever pieces it and the answers travel: it sees what it would see if the server had the
//! policies itself, and no refused statement comes near the server.

use bytes::{Buf, BytesMut};
use gatewright_harness::soak;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::super::{Departure, Outcome};
use super::play::{Play, tags, take};
use super::server::Server;
use crate::session::server::redaction::WITHHELD;
use gatewright_wire::frame::Side;

/// What a client may send.
#[derive(Debug, Clone)]
enum Sent {
    Query(Vec<&'static str>),
    Parse(&'static str, &'static str),
    Bind(&'static str, &'static str),
    DescribeStatement(&'static str),
    DescribePortal(&'static str),
    Execute(&'static str, i32),
    CloseStatement(&'static str),
    ClosePortal(&'static str),
    Flush,
    Sync,
    CopyData,
    CopyBad,
    CopyDone,
    CopyFail,
}

impl Sent {
    fn write(&self, out: &mut BytesMut) {
        let built = match self {
            Sent::Query(parts) => build::query(out, parts.join(";")),
            Sent::Parse(name, text) => build::parse(out, name, text, &[]),
            Sent::Bind(portal, name) => build::bind(out, portal, name, &[], &[], &[]),
            Sent::DescribeStatement(name) => build::describe(out, Subject::Statement(name)),
            Sent::DescribePortal(name) => build::describe(out, Subject::Portal(name)),
            Sent::Execute(portal, most) => build::execute(out, portal, *most),
            Sent::CloseStatement(name) => build::close(out, Subject::Statement(name)),
            Sent::ClosePortal(name) => build::close(out, Subject::Portal(name)),
            Sent::CopyData => build::copy_data(out, b"data"),
            Sent::CopyBad => build::copy_data(out, b"bad"),
            Sent::CopyFail => build::copy_fail(out, "no more"),
            Sent::Flush => {
                build::flush(out);
                Ok(())
            }
            Sent::Sync => {
                build::sync(out);
                Ok(())
            }
            Sent::CopyDone => {
                build::copy_done(out);
                Ok(())
            }
        };
        built.expect("a message");
    }
}

const TEXTS: [&str; 18] = [
    "select 0",
    "select 1",
    "select 3",
    "mask 2",
    "deny this",
    "hold this",
    "ask",
    "askno",
    "askall",
    "fail",
    "begin",
    "commit",
    "rollback",
    "copyin",
    "copyout 2",
    "other",
    "garble",
    "novel",
];

fn text() -> impl Strategy<Value = &'static str> {
    select(&TEXTS[..])
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "s", "t"])
}

/// A masked statement is described before the message runs, so it is refused behind one that ends a transaction.
fn describable(mut parts: Vec<&'static str>) -> Sent {
    let end = |part: &&str| matches!(*part, "commit" | "rollback");
    if parts.iter().any(end) {
        parts.retain(|part| *part != "mask 2");
    }
    Sent::Query(parts)
}

fn message() -> impl Strategy<Value = Sent> {
    let some_text = prop_oneof![9 => text(), 1 => Just("")];
    prop_oneof![
        4 => proptest::collection::vec(text(), 0..4).prop_map(describable),
        4 => (name(), some_text).prop_map(|(name, text)| Sent::Parse(name, text)),
        4 => (name(), name()).prop_map(|(portal, name)| Sent::Bind(portal, name)),
        1 => name().prop_map(Sent::DescribeStatement),
        1 => name().prop_map(Sent::DescribePortal),
        4 => (name(), 0..3_i32).prop_map(|(portal, most)| Sent::Execute(portal, most)),
        1 => name().prop_map(Sent::CloseStatement),
        1 => name().prop_map(Sent::ClosePortal),
        1 => Just(Sent::Flush),
        4 => Just(Sent::Sync),
        1 => Just(Sent::CopyData),
        1 => Just(Sent::CopyBad),
        1 => Just(Sent::CopyDone),
        1 => Just(Sent::CopyFail),
    ]
}

/// Ends whatever is under way: a COPY, a series, a transaction.
fn ending() -> [Sent; 4] {
    [
        Sent::CopyFail,
        Sent::Sync,
        Sent::Query(vec!["rollback"]),
        Sent::Query(vec!["select 1"]),
    ]
}

fn bytes_of(messages: &[Sent]) -> BytesMut {
    let mut bytes = BytesMut::new();
    for message in messages.iter().chain(&ending()) {
        message.write(&mut bytes);
    }
    bytes
}

/// What a client sees of a server that has the policies itself.
fn without_a_gateway(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut server = Server::new(true);
    server.take(bytes);
    (tags(&server.output, Side::Backend), server.ran)
}

/// One turn of what moves between the three: which way, and how many bytes of what there is.
type Turn = (u8, u16);

/// The way of a turn in which the session has little time.
const SPENT: u8 = 0x40;

/// The way of a turn in which the client cancels.
const CANCELS: u8 = 0x80;

/// A client, the session and a server, with bytes under way between them.
struct Between {
    play: Play,
    server: Server,
    from_client: BytesMut,
    from_server: BytesMut,
    /// Given to the session and not taken by it.
    replies: BytesMut,
    seen: BytesMut,
    /// The session has little time in every turn.
    hurried: bool,
}

impl Between {
    fn new(bytes: &[u8], delays: &[u8]) -> Self {
        let mut play = Play::new();
        play.judge.delays = delays.to_vec();
        Between {
            play,
            server: Server::new(false),
            from_client: BytesMut::from(bytes),
            from_server: BytesMut::new(),
            replies: BytesMut::new(),
            seen: BytesMut::new(),
            hurried: false,
        }
    }

    /// Moves up to `most` bytes one way, or decides about what is held. False: there was nothing to move.
    fn turn(&mut self, way: u8, most: impl Fn(usize) -> usize) -> bool {
        self.play.slice(self.hurried || way & SPENT != 0);
        let moved = match way % 4 {
            0 => {
                let count = most(self.from_client.len());
                let piece = self.from_client.split_to(count);
                self.play.client(|out| out.extend_from_slice(&piece));
                count
            }
            1 => {
                let count = most(self.play.output.to_server.len());
                let piece = self.play.output.to_server.copy_to_bytes(count);
                self.server.take(&piece);
                let said = self.server.output.split();
                self.from_server.extend_from_slice(&said);
                count
            }
            3 => {
                let waits = self.play.session.waits_for_decision();
                if waits {
                    self.play.judge.decide(None);
                    self.play.offer();
                }
                usize::from(waits)
            }
            _ => {
                let count = most(self.from_server.len());
                let piece = self.from_server.split_to(count);
                self.replies.extend_from_slice(&piece);
                let used = self.play.server_piece(&self.replies);
                let _ = self.replies.split_to(used);
                count
            }
        };
        let seen = take(&mut self.play.output.to_client);
        self.seen.extend_from_slice(&seen);
        moved > 0
    }

    fn finish(&mut self) {
        loop {
            let before = self.lengths();
            let moved = (0..4).fold(false, |moved, way| moved | self.turn(way, |all| all));
            let waits = !self.play.judge.under_way.is_empty();
            if !moved && !waits && before == self.lengths() {
                return;
            }
        }
    }

    /// How much lies where.
    fn lengths(&self) -> [usize; 5] {
        [
            self.play.waiting.len(),
            self.play.output.to_server.len(),
            self.replies.len(),
            self.seen.len(),
            self.play.judge.under_way.len(),
        ]
    }

    /// The connection is over: everything that was admitted has one end, and nobody waits for an answer.
    fn leave(&mut self) -> Result<(), TestCaseError> {
        let Play {
            session,
            judge,
            output,
            ..
        } = &mut self.play;
        let mut rounds = 0;
        while !session.close(Departure::ClientLeft, judge, output) {
            rounds += 1;
            prop_assert!(rounds < 10_000, "an end is never taken note of");
        }
        prop_assert!(
            judge.under_way.is_empty(),
            "an answer that nobody waits for"
        );
        let ledger = judge.ledger.borrow();
        prop_assert!(ledger.is_balanced(), "{:?}", ledger);
        Ok(())
    }
}

/// What the last statement of a message, COMMIT or Sync is answered behind a statement whose result is planned may come of what that one has
/// deferred: its words are withheld, and nothing else.
fn with_words_withheld(expected: Vec<String>, seen: &[String], ran: &[String]) -> Vec<String> {
    let planned = ran.iter().any(|text| text.starts_with("mask"));
    let both = expected.into_iter().enumerate();
    both.map(|(at, line)| match (seen.get(at), line.split_once(' ')) {
        (Some(other), Some(("E", rest))) if planned => {
            let sqlstate = rest.split(' ').next().unwrap_or_default();
            let withheld = format!("E {sqlstate} {WITHHELD}");
            if *other == withheld { withheld } else { line }
        }
        _ => line,
    })
    .collect()
}

fn check(
    messages: &[Sent],
    turns: &[Turn],
    delays: &[u8],
    hurried: bool,
) -> Result<(), TestCaseError> {
    let bytes = bytes_of(messages);
    let (expected, would_run) = without_a_gateway(&bytes);
    let mut between = Between::new(&bytes, delays);
    between.hurried = hurried;
    for (way, most) in turns {
        between.turn(*way, |all| all.min(1 + usize::from(*most) % all.max(1)));
    }
    between.finish();
    let seen = tags(&between.seen, Side::Backend);
    prop_assert_eq!(with_words_withheld(expected, &seen, &would_run), seen);
    prop_assert_eq!(&between.server.ran, &would_run);
    if !between.server.dead {
        prop_assert!(between.play.session.is_idle(), "a reply is still reply");
        prop_assert!(between.play.waiting.is_empty() && between.replies.is_empty());
    }
    let masked = between.seen.windows(5).filter(|window| window == b"value");
    let rows = would_run.iter().any(|text| !text.starts_with("mask"));
    prop_assert!(rows || masked.count() == 0, "a masked value was seen");
    let lost = between.play.judge.completed.iter();
    let lost = lost.filter(|done| done.outcome == Outcome::Lost).count();
    prop_assert!(
        between.server.dead || lost == 0,
        "an end came only with that of the connection"
    );
    between.leave()
}

/// Orders that went wrong once.
#[test]
fn orders_that_went_wrong_once() {
    use Sent::*;
    let found = [
        // A Query has taken the unnamed portal's place.
        vec![
            Parse("", "askno"),
            Bind("", ""),
            Query(vec!["begin"]),
            Execute("", 0),
        ],
        // In a failed transaction nobody can tell what the first of two statements would return.
        vec![Query(vec!["begin", "fail"]), Query(vec!["mask 2", "askno"])],
        // People were asked about a portal that had ended with its transaction.
        vec![
            Parse("t", "askno"),
            Bind("s", "t"),
            Sync,
            Execute("s", 0),
            Sync,
        ],
        // The server took the Query for an error of the copy and did not answer it.
        vec![Query(vec!["copyin"]), Query(vec![])],
        // The Query in hand was forgotten when an earlier series failed.
        vec![
            Query(vec!["begin"]),
            Bind("", ""),
            Sync,
            Query(vec!["mask 2", "select 0"]),
        ],
        // The count of statements that may be stopped lost those behind the Sync.
        vec![
            Parse("", "mask 2"),
            Parse("s", "deny this"),
            Sync,
            CloseStatement("s"),
            Bind("", ""),
            Execute("", 0),
        ],
        // The unnamed statement was forgotten though the server skipped what would have ended it.
        vec![
            Parse("", "select 0"),
            Sync,
            Bind("", "s"),
            Bind("", ""),
            Parse("", "deny this"),
            Sync,
            Bind("", ""),
        ],
        // The Sync among the data was answered, since the copy had failed by then.
        vec![
            Query(vec!["copyin", "select 1"]),
            CopyBad,
            Sync,
            CopyData,
            Sync,
            CopyDone,
            Sync,
            Query(vec!["select 3"]),
        ],
        vec![
            Parse("", "copyin"),
            Bind("", ""),
            Execute("", 0),
            Sync,
            CopyBad,
            Sync,
            Query(vec!["select 3"]),
        ],
        // What is out of place in a COPY that has failed is not.
        vec![
            Query(vec!["copyin"]),
            CopyBad,
            Sync,
            Query(vec!["select 3"]),
        ],
        vec![Query(vec!["copyin"]), CopyData, Query(vec!["select 3"])],
        // A Query that fails leaves an unnamed portal.
        vec![Query(vec!["begin"]), Query(vec!["fail"]), Execute("", 0)],
        // The copy took the Flush that should have brought its end.
        vec![
            Parse("s", "copyin"),
            Bind("", "s"),
            Execute("", 0),
            CopyDone,
            Query(vec![]),
        ],
    ];
    for messages in found {
        for piece in [0, 2, 6, 20, 60] {
            for shift in 0..9 {
                // Mostly what the client sends, so that much is under way.
                let turn = |step: u16| {
                    (
                        if step % 4 < 3 {
                            0
                        } else {
                            (step / 4 + shift) as u8
                        },
                        piece,
                    )
                };
                let turns: Vec<Turn> = (0..200).map(turn).collect();
                check(&messages, &turns, &[], piece == 6).expect("what a server would do");
            }
        }
        for hurried in [false, true] {
            check(&messages, &[], &[0, 2, 1], hurried).expect("what a server would do");
        }
    }
}

/// How many cases are played, and from which seed: a soak run plays more of them.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: soak::cases(3000),
        failure_persistence: None,
        rng_seed: soak::seed().map_or(RngSeed::Random, RngSeed::Fixed),
        ..ProptestConfig::default()
    }
}

/// How long the judge takes for its answers, in turns: mostly none.
fn delays() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![2 => Just(0_u8), 1 => 1..4_u8], 0..9)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_client_sees_what_it_would_see_of_the_server_itself(
        messages in proptest::collection::vec(message(), 0..14),
        turns in proptest::collection::vec(any::<Turn>(), 0..60),
        delays in delays(),
        hurried in any::<bool>(),
    ) {
        check(&messages, &turns, &delays, hurried)?;
    }

    /// Whenever a client leaves, every statement that was admitted ends once, and what was held is withdrawn.
    #[test]
    fn every_admitted_statement_ends_once_when_the_client_leaves(
        messages in proptest::collection::vec(message(), 0..14),
        turns in proptest::collection::vec(any::<Turn>(), 0..60),
        delays in delays(),
    ) {
        let mut between = Between::new(&bytes_of(&messages), &delays);
        for (way, most) in &turns {
            if way & CANCELS != 0 {
                let Play { session, judge, output, .. } = &mut between.play;
                let can = session.can_cancel();
                prop_assert_eq!(session.cancel(judge, output), can);
            }
            between.turn(*way, |all| all.min(1 + usize::from(*most) % all.max(1)));
        }
        between.leave()?;
    }

    /// Nothing that either side sends makes the session panic.
    #[test]
    fn garbage_ends_the_connection_or_does_nothing(
        messages in proptest::collection::vec(message(), 0..6),
        from_client in proptest::collection::vec(any::<u8>(), 0..60),
        from_server in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut play = Play::new();
        let bytes = [&bytes_of(&messages)[..], &from_client].concat();
        let _ = play.session.client_bytes(&bytes, &mut play.judge, &mut play.output);
        let _ = play.session.server_bytes(&from_server, &mut play.judge, &mut play.output);
        play.session.flush_rows(&mut play.judge, &mut play.output);
        let _ = play.session.client_bytes(&from_client, &mut play.judge, &mut play.output);
        while !play.session.close(Departure::ClientLeft, &mut play.judge, &mut play.output) {}
        prop_assert!(play.judge.ledger.borrow().is_balanced());
    }
}
