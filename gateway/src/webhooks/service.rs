//! The tasks that deliver: one for each webhook, so that one whose receiver is down delays no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rand::Rng;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::client::{Receiver, SendError};
use super::settings::{Format, WebhookSettings};
use super::told::{Content, Told};
use super::{slack, told};
use crate::approvals::{Approvals, Due, Fate, Post, Subscription};
use crate::store::StoreError;

/// Messages of one webhook that are sent at one time.
const MOST: usize = 4;

/// How long the store is given to note what became of an attempt. After that another gateway may make it again.
const NOTE: Duration = Duration::from_secs(5);

/// The pause between two looks at the store where nothing happens: with something to deliver, and without.
const POLL: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(30);

/// The pause after the store did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// The pauses between attempts are doubled from the shortest to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What the store may take to begin a subscription before the gateway starts without it.
const BEGIN_LIMIT: Duration = Duration::from_secs(5);

/// How long attempts may take to finish once the gateway stops.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// It is made again.
    Failed,
    /// It was the last one.
    GivenUp,
}

/// Counts what webhooks do.
pub trait WebhookMetrics: Send + Sync {
    /// An attempt was made.
    fn attempted(&self, webhook: &str, outcome: Outcome);

    /// So many messages are not delivered yet.
    fn pending(&self, webhook: &str, count: i64);
}

/// The webhooks of one gateway. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    approvals: Approvals,
    metrics: Arc<dyn WebhookMetrics>,
    running: Arc<Mutex<HashMap<String, Running>>>,
}

struct Running {
    phase: watch::Sender<Phase>,
    task: JoinHandle<()>,
}

/// Until when a task goes on. What it has begun to send it finishes in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Delivers,
    /// The gateway stops: what is due is still sent.
    Ends,
    /// Others have taken its place, with other settings.
    IsReplaced,
}

/// One webhook.
struct Webhook {
    approvals: Approvals,
    metrics: Arc<dyn WebhookMetrics>,
    settings: WebhookSettings,
    subscription: Subscription,
    receiver: Receiver,
    /// The last attempt failed, and the log says so.
    fails: AtomicBool,
    /// Until when its receiver wants nothing.
    silence: ArcSwapOption<Instant>,
}

impl Webhooks {
    /// Begins to deliver what happens from here on, and what was not delivered before. Must be called inside the event loop that then
    /// delivers.
    ///
    /// # Errors
    /// The CAs of a webhook cannot be used.
    pub async fn start(
        approvals: Approvals,
        metrics: Arc<dyn WebhookMetrics>,
        settings: Vec<WebhookSettings>,
    ) -> Result<Self, reqwest::Error> {
        let webhooks = Webhooks {
            approvals,
            metrics,
            running: Arc::default(),
        };
        webhooks.replace(settings).await?;
        Ok(webhooks)
    }

    /// Delivers by these settings from now on. What one that is no longer among them had to deliver waits for its return.
    ///
    /// # Errors
    /// The CAs of a webhook cannot be used; nothing changes.
    pub async fn replace(&self, settings: Vec<WebhookSettings>) -> Result<(), reqwest::Error> {
        let built = settings.into_iter().map(|settings| self.webhook(settings));
        let built: Vec<Webhook> = built.collect::<Result<_, _>>()?;
        let mut running = self.running.lock().await;
        for (name, old) in running.drain() {
            // It finishes its attempts, which nobody else makes meanwhile.
            old.phase.send_replace(Phase::IsReplaced);
            if !built.iter().any(|webhook| webhook.settings.name == name) {
                self.metrics.pending(&name, 0);
            }
        }
        for webhook in built {
            webhook.begin().await;
            let (phase, changes) = watch::channel(Phase::Delivers);
            let name = webhook.settings.name.clone();
            let task = tokio::spawn(Arc::new(webhook).run(changes));
            running.insert(name, Running { phase, task });
        }
        Ok(())
    }

    /// Waits until what is being sent is delivered, but not for long. What is left is delivered after the next start.
    pub async fn stop(&self) {
        let mut running = self.running.lock().await;
        let mut tasks = Vec::new();
        for (_, webhook) in running.drain() {
            webhook.phase.send_replace(Phase::Ends);
            tasks.push(webhook.task);
        }
        let ended = async {
            for task in tasks {
                // A task that panicked has ended, too.
                let _ = task.await;
            }
        };
        if timeout(STOP_LIMIT, ended).await.is_err() {
            tracing::warn!(
                "some webhooks did not answer in time; they are told after the next start"
            );
        }
    }

    fn webhook(&self, settings: WebhookSettings) -> Result<Webhook, reqwest::Error> {
        Ok(Webhook {
            approvals: self.approvals.clone(),
            metrics: Arc::clone(&self.metrics),
            subscription: settings.subscription(),
            receiver: Receiver::new(&settings)?,
            settings,
            fails: AtomicBool::new(false),
            silence: ArcSwapOption::empty(),
        })
    }
}

impl Webhook {
    fn name(&self) -> &str {
        &self.settings.name
    }

    /// Nothing that happens after this is missed.
    async fn begin(&self) {
        let begun = timeout(BEGIN_LIMIT, self.approvals.subscribe(&self.subscription)).await;
        match begun {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(webhook = self.name(), %error, "the store does not answer; a new webhook is told what happens once it does");
            }
            Err(_) => {
                tracing::warn!(
                    webhook = self.name(),
                    "the store does not answer in time; a new webhook is told what happens once it does"
                );
            }
        }
    }

    async fn run(self: Arc<Self>, mut phases: watch::Receiver<Phase>) {
        let mut events = self.approvals.last_event();
        let mut sending = JoinSet::new();
        loop {
            // What happens from here on is looked for again.
            events.borrow_and_update();
            let phase = *phases.borrow_and_update();
            if phase == Phase::IsReplaced {
                break;
            }
            let pause = match self.send_due(&mut sending).await {
                Ok(0) => IDLE,
                Ok(_) => POLL,
                Err(error) => {
                    // It is logged as a warning elsewhere.
                    tracing::debug!(webhook = self.name(), %error, "what to deliver could not be read");
                    POLL
                }
            };
            if phase == Phase::Ends {
                // What is delivered now may have held the next of its request back.
                match sending.join_next().await {
                    Some(_) => continue,
                    None => break,
                }
            }
            tokio::select! {
                // The sender lives as long as `approvals`.
                _ = events.changed() => {}
                Some(_) = sending.join_next() => {}
                changed = phases.changed() => if changed.is_err() { break },
                () = sleep(pause) => {}
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Begins to send what is due. Returns how much is not delivered yet.
    async fn send_due(self: &Arc<Self>, sending: &mut JoinSet<()>) -> Result<i64, StoreError> {
        while sending.try_join_next().is_some() {}
        let most = match self.is_silent() {
            true => 0,
            false => MOST.saturating_sub(sending.len()),
        };
        // A chat may be asked twice: to change a message, and for a new one.
        let hold = self.settings.timeout * 2 + NOTE;
        let approvals = &self.approvals;
        let found = approvals.outbox(&self.subscription, most, hold, told::read);
        let found = found.await?;
        for due in found.due {
            let own = Arc::clone(self);
            sending.spawn(async move { own.deliver(due).await });
        }
        self.metrics.pending(self.name(), found.pending);
        Ok(found.pending)
    }

    /// Makes one attempt, and has the store note what became of it.
    async fn deliver(&self, due: Due<Told>) {
        let base = self.approvals.settings().url.clone();
        let content = due.told.content(self.settings.statement, &base);
        let error = match self.send(&content, due.post.as_ref()).await {
            Ok(post) => {
                self.metrics.attempted(self.name(), Outcome::Delivered);
                if self.fails.swap(false, Ordering::Relaxed) {
                    tracing::info!(webhook = self.name(), "the webhook is delivered again");
                }
                let note = || {
                    let approvals = &self.approvals;
                    approvals.delivered(self.name(), due.sequence, post.clone())
                };
                return self.check_noted(noted(note).await);
            }
            Err(error) => error,
        };
        self.failed(&due, content.kind(), &error).await;
    }

    /// `before`: the message of a chat that shows what it is about. Returns the one that does now.
    async fn send(
        &self,
        content: &Content<'_>,
        before: Option<&Post>,
    ) -> Result<Option<Post>, SendError> {
        let (receiver, settings) = (&self.receiver, &self.settings);
        let body = match &settings.format {
            Format::Json => content.json(),
            Format::Slack => content.slack(slack::Form::News).to_string().into_bytes(),
            Format::SlackApi(bot) => {
                let card = content.slack(slack::Form::Card);
                let shown = slack::show(receiver, settings, bot, before, card).await;
                return shown.map(Some);
            }
        };
        receiver.send(settings, content.id(), body).await?;
        Ok(None)
    }

    async fn failed(&self, due: &Due<Told>, kind: &str, error: &SendError) {
        if !self.fails.swap(true, Ordering::Relaxed) {
            tracing::warn!(webhook = self.name(), %error, "the webhook could not be delivered; it is tried again");
        }
        let (id, attempts) = (due.told.id(), due.attempts + 1);
        tracing::debug!(webhook = self.name(), about = %id, %error, attempts, "an attempt failed");
        if let Some(silence) = error.silence() {
            let until = Instant::now() + silence;
            self.silence.store(Some(Arc::new(until)));
        }
        let pause = pause(due.attempts, error);
        let note = || {
            let approvals = &self.approvals;
            approvals.not_delivered(&self.subscription, due.sequence, pause)
        };
        let noted = noted(note).await;
        let outcome = match noted {
            Ok(Fate::GivenUp) => {
                tracing::error!(webhook = self.name(), about = %id, event = kind, %error, attempts, "a message was given up: it could not be delivered in time");
                Outcome::GivenUp
            }
            Ok(Fate::TriedAgain) | Err(_) => Outcome::Failed,
        };
        self.metrics.attempted(self.name(), outcome);
        self.check_noted(noted.map(|_| ()));
    }

    /// Whether its receiver wants nothing more for now.
    fn is_silent(&self) -> bool {
        let until = self.silence.load();
        until.as_ref().is_some_and(|until| Instant::now() < **until)
    }

    fn check_noted(&self, noted: Result<(), StoreError>) {
        if let Err(error) = noted {
            tracing::warn!(webhook = self.name(), %error, "what became of a message could not be stored; it may be sent again");
        }
    }
}

/// Has the store note something, again if it does not answer.
async fn noted<T, F>(mut note: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let end = Instant::now() + NOTE;
    loop {
        match note().await {
            Err(error) if error.is_passing() && Instant::now() + PAUSE < end => {
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// How long to wait after so many failures and this one: as the receiver says, or twice as long as the last time. Half of it is chance, so
/// that what failed together is not sent together.
fn pause(attempts: u32, error: &SendError) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts);
    let longest = SHORTEST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    let own = longest.mul_f64(rand::rng().random_range(0.5..=1.0));
    match error {
        SendError::Status {
            pause: Some(asked), ..
        } => own.max(*asked),
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_receivers_can_ask_for_longer_ones() {
        let lost = SendError::Request(String::new());
        for (attempts, least, most) in [
            (0, 250, 500),
            (1, 500, 1000),
            (5, 8000, 16_000),
            (40, 30_000, 60_000),
        ] {
            let pause = pause(attempts, &lost).as_millis();
            assert!((least..=most).contains(&pause), "{attempts}: {pause}");
        }
        let busy = SendError::Status {
            status: 429,
            pause: Some(Duration::from_secs(600)),
        };
        assert_eq!(pause(0, &busy), Duration::from_secs(600));
    }
}
