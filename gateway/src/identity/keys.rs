use std::sync::Arc;
use std::time::Duration;

use openidconnect::JsonWebKey;
use openidconnect::core::CoreJsonWebKey;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use super::error::TokenError;
use super::fetch::KeyFetcher;
use super::settings::{Algorithm, KeySettings};

/// The keys one issuer published, as of one fetch.
pub(super) struct KeySet {
    /// Changes whenever the keys do, so that what was verified with older keys is verified again.
    pub(super) generation: u64,
    keys: Vec<CoreJsonWebKey>,
    fetched_at: Instant,
}

impl KeySet {
    /// The keys a signature could have been made with: those of that id, or all when the token
    /// names none.
    fn candidates<'k>(&'k self, kid: Option<&'k str>) -> impl Iterator<Item = &'k CoreJsonWebKey> {
        self.keys.iter().filter(move |key| match kid {
            Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
            None => true,
        })
    }

    /// Whether one of the keys made the signature. `verify_signature` refuses keys whose type, use
    /// or algorithm does not fit.
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Outcome {
        let mut outcome = Outcome::NoSuchKey;
        for key in self.candidates(signed.kid) {
            let algorithm = signed.algorithm.core();
            match key.verify_signature(&algorithm, signed.input, signed.signature) {
                Ok(()) => return Outcome::Verified,
                Err(_) if signed.kid.is_some() => outcome = Outcome::BadSignature,
                // Without a key id, a failure may as well mean that the key is new.
                Err(_) => {}
            }
        }
        outcome
    }
}

/// What is to be verified.
pub(super) struct Signed<'t> {
    pub(super) kid: Option<&'t str>,
    pub(super) algorithm: Algorithm,
    pub(super) input: &'t [u8],
    pub(super) signature: &'t [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Verified,
    BadSignature,
    NoSuchKey,
}

/// A handle on one issuer's keys. The task behind it is the only one that fetches, so any number of
/// clients that wait for a key cause one request, and a client that goes away stops none.
pub(super) struct Keys {
    state: watch::Receiver<State>,
    wanted: Arc<Notify>,
    settings: KeySettings,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// Fetches that have ended, well or not.
    attempts: u64,
    /// Whether the last fetch failed.
    failing: bool,
    /// Until then asking again is refused.
    rest_until: Option<Instant>,
}

impl Keys {
    /// Returns the handle and the task to spawn; the task runs until it is aborted.
    pub(super) fn new(
        fetcher: KeyFetcher,
        issuer: String,
        settings: KeySettings,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (publish, state) = watch::channel(State::default());
        let wanted = Arc::new(Notify::new());
        let task = keep_fetched(fetcher, issuer, settings, publish, Arc::clone(&wanted));
        (
            Self {
                state,
                wanted,
                settings,
            },
            task,
        )
    }

    /// The keys in hand, unless they are too old to be believed.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        let keys = self.state.borrow().keys.clone()?;
        (keys.fetched_at.elapsed() <= self.settings.stale).then_some(keys)
    }

    /// The keys in hand, waiting for a fetch when there are none.
    pub(super) async fn available(&self) -> Result<Arc<KeySet>, TokenError> {
        match self.current() {
            Some(keys) => Ok(keys),
            None => self.newer().await.ok_or(TokenError::ProviderUnavailable),
        }
    }

    /// Whether the last fetch failed, so that an unknown key may only be unknown here.
    pub(super) fn provider_is_down(&self) -> bool {
        self.state.borrow().failing
    }

    /// Has the keys fetched again and waits for it; `None` when that is refused for having been
    /// done a moment ago, or failed. Cancel-safe.
    pub(super) async fn newer(&self) -> Option<Arc<KeySet>> {
        let mut state = self.state.clone();
        let (seen, rest_until) = {
            let now = state.borrow_and_update();
            (now.attempts, now.rest_until)
        };
        if rest_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        self.wanted.notify_one();
        let ended = state.wait_for(|state| state.attempts > seen);
        match tokio::time::timeout(self.settings.timeout, ended).await {
            Ok(Ok(_)) => self.current(),
            _ => None,
        }
    }
}

async fn keep_fetched(
    fetcher: KeyFetcher,
    issuer: String,
    settings: KeySettings,
    publish: watch::Sender<State>,
    wanted: Arc<Notify>,
) {
    let mut failures = 0_u32;
    loop {
        let fetched = fetcher.fetch().await;
        let pause = match fetched {
            Ok(keys) => {
                failures = 0;
                publish.send_modify(|state| accept(state, keys, &issuer, &settings));
                Pause {
                    rest: settings.unknown_key_interval,
                    sleep: settings.refresh,
                }
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let wait = back_off(failures, &settings);
                warn!(issuer, %error, retry_in = ?wait, "the issuer's keys cannot be fetched");
                publish.send_modify(|state| {
                    state.attempts += 1;
                    state.failing = true;
                    state.rest_until = Some(Instant::now() + wait);
                });
                Pause {
                    rest: wait,
                    sleep: wait,
                }
            }
        };
        pause.take(&wanted).await;
    }
}

fn accept(state: &mut State, keys: Vec<CoreJsonWebKey>, issuer: &str, settings: &KeySettings) {
    let now = Instant::now();
    let generation = match &state.keys {
        Some(old) if old.keys == keys => old.generation,
        old => {
            info!(issuer, keys = keys.len(), "the issuer's keys are new");
            old.as_ref().map_or(1, |old| old.generation + 1)
        }
    };
    state.keys = Some(Arc::new(KeySet {
        generation,
        keys,
        fetched_at: now,
    }));
    state.attempts += 1;
    state.failing = false;
    state.rest_until = Some(now + settings.unknown_key_interval);
}

fn back_off(failures: u32, settings: &KeySettings) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    settings
        .retry
        .saturating_mul(1 << doublings)
        .min(settings.refresh)
}

/// Between two fetches: never sooner than `rest`, at the latest after `sleep`.
struct Pause {
    rest: Duration,
    sleep: Duration,
}

impl Pause {
    async fn take(self, wanted: &Notify) {
        let start = Instant::now();
        // Who asked while the last fetch went on has been answered by it.
        tokio::select! {
            biased;
            () = wanted.notified() => {}
            () = std::future::ready(()) => {}
        }
        tokio::time::sleep_until(start + self.rest.min(self.sleep)).await;
        tokio::select! {
            () = tokio::time::sleep_until(start + self.sleep) => {}
            () = wanted.notified() => {}
        }
    }
}
