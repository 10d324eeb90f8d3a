//! Keeps the keys of an issuer up to date.

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

/// Providers publish two or three keys: those in use, and those before or after a rotation.
const TRIED: usize = 16;

/// The keys of one issuer from one fetch.
pub(super) struct KeySet {
    /// Changes whenever the keys change. Tokens verified with an earlier generation must be verified again.
    pub(super) generation: u64,
    keys: Vec<CoreJsonWebKey>,
    fetched_at: Instant,
}

impl KeySet {
    /// The keys that may have made a signature: those with the given key ID, or all if the token has none.
    fn candidates<'k>(&'k self, kid: Option<&'k str>) -> impl Iterator<Item = &'k CoreJsonWebKey> {
        self.keys.iter().filter(move |key| match kid {
            Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
            None => true,
        })
    }

    /// Verifies a signature. `verify_signature` rejects keys whose type, use or algorithm does not match. Keys behind the first
    /// [`TRIED`] candidates are not tried: whoever sends a token decides whether it has a key ID, and each key costs time.
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Outcome {
        let mut outcome = Outcome::NoSuchKey;
        for key in self.candidates(signed.kid).take(TRIED) {
            let algorithm = signed.algorithm.core();
            match key.verify_signature(&algorithm, signed.input, signed.signature) {
                Ok(()) => return Outcome::Verified,
                Err(_) if signed.kid.is_some() => outcome = Outcome::BadSignature,
                // Without a key ID, the token may be signed with a key that has not been fetched yet.
                Err(_) => {}
            }
        }
        outcome
    }
}

/// A signature to verify.
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

/// A handle to the keys of one issuer. A single task fetches them, so any number of waiting clients cause one request,
/// and a client that disconnects does not abort it.
pub(super) struct Keys {
    state: watch::Receiver<State>,
    wanted: Arc<Notify>,
    settings: KeySettings,
}

#[derive(Clone, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// The number of completed fetches, successful or not.
    attempts: u64,
    /// Whether the last fetch failed.
    failing: bool,
    /// No fetch may be requested before this time.
    rest_until: Option<Instant>,
}

impl Keys {
    /// Returns the handle and the task to spawn. The task runs until it is aborted.
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

    /// The current keys, unless they are stale.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        let keys = self.state.borrow().keys.clone()?;
        (keys.fetched_at.elapsed() <= self.settings.stale).then_some(keys)
    }

    /// The current keys. Waits for a fetch if there are none.
    pub(super) async fn available(&self) -> Result<Arc<KeySet>, TokenError> {
        match self.current() {
            Some(keys) => Ok(keys),
            None => self.newer().await.ok_or(TokenError::ProviderUnavailable),
        }
    }

    /// Whether the last fetch failed. The provider may then have published keys that have not been fetched.
    pub(super) fn provider_is_down(&self) -> bool {
        self.state.borrow().failing
    }

    /// Requests a fetch and waits for it. `None` if the last fetch was too recent, or the fetch failed or timed out.
    /// Cancel-safe.
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
            info!(issuer, keys = keys.len(), "the issuer's keys have changed");
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

/// The pause between two fetches: at least `rest`, and at most `sleep` unless a fetch is requested earlier.
struct Pause {
    rest: Duration,
    sleep: Duration,
}

impl Pause {
    async fn take(self, wanted: &Notify) {
        let start = Instant::now();
        // The last fetch has served the requests made while it was running.
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
