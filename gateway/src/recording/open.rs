//! The record of one session, as the session sees it: events are appended to memory, and the thread that writes takes them from there.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use gatewright_contract::{Outcome, SessionId, StatementId};
use gatewright_record::Event;
use gatewright_record::event::{Ended, Transfer, Truncated, Viewed};
use gatewright_record::framing;

use super::recorder::Core;
use super::redaction::ErrorTexts;
use super::{Attempted, Completed, Durability, Failure, Judged, Keep, Literals, Opened, now};

/// A session with more bytes than this that are not written yet takes no more from its server and its client.
const HIGH_WATER: u64 = 1 << 20;

/// With more than this, they are written without waiting for more: a session that has reached [`HIGH_WATER`] stands still until they are.
const URGENT: u64 = HIGH_WATER / 4;

/// The most bytes of a transfer in one event.
const MAX_TRANSFER: usize = 512 * 1024;

/// The record of one session, or of one that is not recorded. Clones are the same record.
#[derive(Clone, Default)]
pub struct SessionRecord(Option<Arc<Open>>);

/// The record of a session while it is open. Dropped without an end, it gets one.
pub struct OpenRecord(SessionRecord);

/// What a session and the thread that writes share.
pub(super) struct Open {
    pub id: SessionId,
    keep: Keep,
    literals: Literals,
    /// With more bytes of events than this, nothing more is recorded of what is delivered and received.
    limit: Option<u64>,
    /// That is so, and the record says it.
    is_truncated: AtomicBool,
    /// What is delivered passes here.
    error_texts: Mutex<ErrorTexts>,
    buffer: Mutex<Buffer>,
    /// So many bytes were ever appended, written to the file, and written to disk.
    appended: AtomicU64,
    written: AtomicU64,
    synced: AtomicU64,
    /// So many must be on disk before anything is sent to the server.
    needed: AtomicU64,
    /// The thread that writes will come.
    queued: AtomicBool,
    /// The session was told to wait for room.
    waits: AtomicBool,
    /// The session, where it waits.
    waker: AtomicWaker,
    core: Arc<Core>,
}

/// Events that are not taken yet.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    events: u64,
    /// How many executions there were.
    executions: u64,
    /// Statements whose judgement could not be recorded.
    unrecorded: Vec<StatementId>,
    /// Nothing will follow.
    has_ended: bool,
}

/// Events on their way to the file.
pub(super) struct Taken {
    pub bytes: Vec<u8>,
    pub events: u64,
    pub has_ended: bool,
    /// How many bytes will have been written in all.
    pub position: u64,
}

impl OpenRecord {
    pub(super) fn begin(
        core: &Arc<Core>,
        opened: Opened,
        limit: Option<u64>,
    ) -> Result<Self, Failure> {
        if let Some(failure) = core.refusal() {
            return Err(failure);
        }
        let open = Arc::new(Open {
            id: opened.session,
            keep: opened.keep,
            literals: opened.literals.unwrap_or_default(),
            limit,
            is_truncated: AtomicBool::new(false),
            error_texts: Mutex::default(),
            buffer: Mutex::default(),
            appended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            needed: AtomicU64::new(0),
            queued: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            core: Arc::clone(core),
        });
        if open.literals == Literals::Redact {
            open.error_texts().withhold();
        }
        open.append(&Event::Opened(Box::new(opened)))?;
        Ok(OpenRecord(SessionRecord(Some(open))))
    }

    /// Where the parts of the session record.
    pub fn session(&self) -> SessionRecord {
        self.0.clone()
    }

    /// The session has ended.
    pub fn end(self, why: &str) {
        self.0.end(why);
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        self.0.end("the connection was dropped");
    }
}

impl SessionRecord {
    /// True where statements are recorded.
    pub fn keeps_statements(&self) -> bool {
        self.kept(Keep::Statements).is_some()
    }

    /// True where it is recorded where the values of results come from.
    pub fn has_origins(&self) -> bool {
        let open = self.kept(Keep::Statements);
        open.is_some_and(|open| open.core.has_origins.load(Ordering::Acquire))
    }

    /// What is recorded of values in texts and beside them.
    pub fn literals(&self) -> Literals {
        self.0
            .as_ref()
            .map_or_else(Literals::default, |open| open.literals)
    }

    /// A statement was judged. If that cannot be recorded, it cannot be attempted.
    pub fn judged(&self, judged: Judged) {
        let Some(open) = self.kept(Keep::Statements) else {
            return;
        };
        let statement = judged.statement;
        if let Err(failure) = open.append(&Event::Judged(Box::new(judged))) {
            tracing::error!(session = %open.id, ?failure, "a judgement cannot be recorded");
            open.lock().unrecorded.push(statement);
        }
    }

    /// An execution is about to begin, which is given its number. `Some`: it may begin when that has passed. It is sent when the
    /// [`Barrier`](super::Barrier) is open.
    ///
    /// # Errors
    /// It cannot be recorded, so it must not begin.
    pub fn attempted(
        &self,
        mut attempted: Attempted,
    ) -> Result<(Attempt, Option<Settling>), Failure> {
        let Some(open) = self.kept(Keep::Statements) else {
            return Ok((Attempt::default(), None));
        };
        if let Some(failure) = open.core.refusal() {
            return Err(failure);
        }
        attempted.execution = {
            let mut buffer = open.lock();
            if buffer.unrecorded.contains(&attempted.statement) {
                return Err(Failure::TooLong);
            }
            buffer.executions += 1;
            buffer.executions
        };
        let execution = attempted.execution;
        let position = open.append_first(&Event::Attempted(attempted))?;
        let waits = open.is_full() || open.core.holds_back();
        let settling = waits.then(|| Settling {
            open: Arc::clone(open),
            since: Instant::now(),
        });
        let attempt = Attempt {
            execution,
            position,
        };
        Ok((attempt, settling))
    }

    /// How an execution ends of whose end nobody tells. `is_sent`: as far as its session knows.
    pub fn outcome_if_dropped(&self, is_sent: bool, attempt: Option<Attempt>) -> Outcome {
        let may_be_sent = |attempt| self.may_be_sent(attempt);
        match is_sent && attempt.is_none_or(may_be_sent) {
            true => Outcome::Lost,
            false => Outcome::Skipped,
        }
    }

    /// False if it is certain that the execution was never sent: the barrier has not opened for it.
    pub fn may_be_sent(&self, attempt: Attempt) -> bool {
        self.0
            .as_ref()
            .is_none_or(|open| open.has_passed(attempt.position))
    }

    /// Somebody is about to be shown what was recorded, and may be once [`SessionRecord::settled`] has passed.
    ///
    /// # Errors
    /// It cannot be recorded, so it must not be shown.
    pub fn viewed(&self, viewed: Viewed) -> Result<(), Failure> {
        let Some(open) = &self.0 else {
            return Ok(());
        };
        if let Some(failure) = open.core.failure() {
            return Err(failure);
        }
        open.append_first(&Event::Viewed(viewed)).map(|_| ())
    }

    /// Completes when what was recorded so far is as safe as the settings want it. For one that waits at a time.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn settled(&self) -> Result<(), Failure> {
        let Some(open) = &self.0 else {
            return Ok(());
        };
        poll_fn(|context| {
            open.register(context.waker());
            match (open.may_send(), open.core.failure()) {
                (true, _) => Poll::Ready(Ok(())),
                (false, Some(failure)) => Poll::Ready(Err(failure)),
                (false, None) => Poll::Pending,
            }
        })
        .await
    }

    /// An execution has ended.
    pub fn completed(&self, completed: Completed) {
        if let Some(open) = self.kept(Keep::Statements) {
            open.append_or_log(&Event::Completed(completed));
        }
    }

    /// Bytes were handed to the client's connection.
    pub fn delivered(&self, bytes: &[u8]) {
        let Some(open) = self.kept(Keep::Rows) else {
            return;
        };
        let kept = open.error_texts().withheld(bytes);
        open.transfer(&kept, Event::Delivered);
    }

    /// What errors and notices say is not recorded from now on: it may quote what must not be.
    pub fn withhold_error_texts(&self) {
        if let Some(open) = &self.0 {
            open.error_texts().withhold();
        }
    }

    /// The client has sent COPY data.
    pub fn received(&self, bytes: &[u8]) {
        let Some(open) = self.kept(Keep::Rows) else {
            return;
        };
        match open.literals {
            Literals::Keep => open.transfer(bytes, Event::Received),
            Literals::Redact if open.is_within_limit() => {
                open.append_or_log(&Event::Received(Transfer {
                    at: now(),
                    bytes: Cow::Borrowed(&[]),
                    withheld: Some(bytes.len() as u64),
                }));
            }
            Literals::Redact => {}
        }
    }

    /// True while so much waits to be written that the session must take nothing more. [`SessionRecord::poll_room`] tells when it may
    /// again.
    pub fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.is_full())
    }

    /// Ready once after the session was told to wait, when it may go on.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(open) = self.0.as_ref().filter(|open| open.waits()) else {
            return Poll::Pending;
        };
        open.waker.register(context.waker());
        match open.is_full() {
            true => Poll::Pending,
            false => {
                open.waits.store(false, Ordering::Release);
                Poll::Ready(())
            }
        }
    }

    pub(super) fn open(&self) -> Option<&Open> {
        self.0.as_deref()
    }

    fn end(&self, why: &str) {
        if let Some(open) = &self.0 {
            open.end(why);
        }
    }

    fn kept(&self, least: Keep) -> Option<&Arc<Open>> {
        self.0.as_ref().filter(|open| open.keep >= least)
    }
}

impl std::fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let session = self.0.as_ref().map(|open| open.id);
        f.debug_tuple("SessionRecord").field(&session).finish()
    }
}

/// An execution in the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Its number in the session.
    pub execution: u64,
    /// Where the record is with it, in bytes of events.
    position: u64,
}

impl Attempt {
    /// One that is in no record.
    pub fn unrecorded(execution: u64) -> Self {
        Attempt {
            execution,
            position: 0,
        }
    }
}

/// An execution that waits until there is room for it.
pub struct Settling {
    open: Arc<Open>,
    since: Instant,
}

impl Settling {
    /// True while nothing can be recorded: it may take until somebody has made room, and is not for a client that leaves meanwhile.
    pub fn is_held(&self) -> bool {
        self.open.core.holds_back()
    }

    /// Completes when the execution may begin.
    ///
    /// # Errors
    /// It cannot be recorded, so it must not begin.
    pub async fn settled(self) -> Result<(), Failure> {
        let open = &self.open;
        let settled = poll_fn(|context| {
            open.waker.register(context.waker());
            match (
                !open.is_full() && !open.core.holds_back(),
                open.core.refusal(),
            ) {
                (true, _) => Poll::Ready(Ok(())),
                (false, Some(failure)) => Poll::Ready(Err(failure)),
                (false, None) => Poll::Pending,
            }
        })
        .await;
        open.has_waited(self.since);
        settled
    }
}

impl Open {
    /// Returns how many bytes were appended in all.
    fn append(self: &Arc<Self>, event: &Event<'_>) -> Result<u64, Failure> {
        let position = {
            let mut buffer = self.lock();
            if buffer.has_ended {
                return Err(Failure::Io);
            }
            let before = buffer.bytes.len();
            framing::append(&mut buffer.bytes, event).map_err(|error| Failure::from(&error))?;
            buffer.events += 1;
            let length = (buffer.bytes.len() - before) as u64;
            self.appended.fetch_add(length, Ordering::AcqRel) + length
        };
        self.enqueue();
        if position.saturating_sub(self.written.load(Ordering::Acquire)) > URGENT {
            self.core.hurry();
        }
        Ok(position)
    }

    /// The same for what has to be recorded before anything that follows leaves.
    fn append_first(self: &Arc<Self>, event: &Event<'_>) -> Result<u64, Failure> {
        let position = self.append(event)?;
        if self.core.durability == Durability::Statement {
            self.needed.store(position, Ordering::Release);
        }
        Ok(position)
    }

    fn transfer<'a>(self: &Arc<Self>, bytes: &'a [u8], event: fn(Transfer<'a>) -> Event<'a>) {
        let at = now();
        for piece in bytes.chunks(MAX_TRANSFER) {
            if !self.is_within_limit() {
                return;
            }
            self.append_or_log(&event(Transfer {
                at,
                bytes: Cow::Borrowed(piece),
                withheld: None,
            }));
        }
    }

    /// False from the time on that the session has used up its limit, which is recorded once.
    fn is_within_limit(self: &Arc<Self>) -> bool {
        let Some(limit) = self.limit else {
            return true;
        };
        if self.appended.load(Ordering::Acquire) < limit {
            return true;
        }
        if !self.is_truncated.swap(true, Ordering::AcqRel) {
            self.core.metrics.truncated();
            self.append_or_log(&Event::Truncated(Truncated {
                at: now(),
                why: format!("session_limit: {limit} bytes of events are recorded"),
                keep: Some(Keep::Statements),
            }));
        }
        false
    }

    /// The same for what has happened already.
    fn append_or_log(self: &Arc<Self>, event: &Event<'_>) {
        if let Err(failure) = self.append(event) {
            tracing::error!(session = %self.id, ?failure, "what a session did cannot be recorded");
        }
    }

    fn end(self: &Arc<Self>, why: &str) {
        let ended = Event::Ended(Ended {
            at: now(),
            why: why.to_owned(),
        });
        if self.append(&ended).is_ok() {
            self.lock().has_ended = true;
            self.enqueue();
        }
    }

    fn enqueue(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.core.enqueue(Arc::clone(self));
        }
    }

    /// Takes what is to be written.
    pub fn take(&self) -> Taken {
        self.queued.store(false, Ordering::Release);
        let mut buffer = self.lock();
        let taken = Taken {
            bytes: std::mem::take(&mut buffer.bytes),
            events: std::mem::take(&mut buffer.events),
            has_ended: buffer.has_ended,
            position: self.appended.load(Ordering::Acquire),
        };
        drop(buffer);
        taken
    }

    pub fn set_written(&self, position: u64) {
        self.written.store(position, Ordering::Release);
        self.waker.wake();
    }

    pub fn set_synced(&self, position: u64) {
        self.synced.store(position, Ordering::Release);
        self.waker.wake();
    }

    /// Whether all that was attempted may leave for the server.
    pub fn may_send(&self) -> bool {
        self.has_passed(self.needed.load(Ordering::Acquire))
    }

    /// Whether what was attempted up to there may leave.
    fn has_passed(&self, position: u64) -> bool {
        self.core.durability != Durability::Statement
            || self.synced.load(Ordering::Acquire) >= position
    }

    /// Whether nothing can be recorded, and statements wait.
    pub fn is_held_back(&self) -> bool {
        self.core.holds_back()
    }

    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub fn has_waited(&self, since: Instant) {
        self.core.metrics.waited(since.elapsed().as_secs_f64());
    }

    /// Something has changed for whoever waits.
    pub fn wake(&self) {
        self.waker.wake();
    }

    fn is_full(&self) -> bool {
        let appended = self.appended.load(Ordering::Acquire);
        let is_full = appended.saturating_sub(self.written.load(Ordering::Acquire)) > HIGH_WATER;
        if is_full {
            self.waits.store(true, Ordering::Release);
        }
        is_full
    }

    fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    fn error_texts(&self) -> MutexGuard<'_, ErrorTexts> {
        let texts = self.error_texts.lock();
        texts.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
