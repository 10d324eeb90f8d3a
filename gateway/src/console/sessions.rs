//! Who is logged in. Sessions live in memory: a restart logs everybody out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngCore;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::identity::Identity;

/// Sessions at one time. The one that was used longest ago makes place.
const MOST: usize = 10_000;

/// Sessions of one person.
const MOST_OF_ONE: usize = 20;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Without a page that the person opened.
    pub idle: Duration,
    pub lifetime: Duration,
}

/// Stands for a session. The id itself is kept by the browser only: its SHA-256 is enough to find it, and finds it without comparing the
/// id piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionKey([u8; 32]);

struct Session {
    identity: Identity,
    csrf: String,
    begun: Instant,
    used: Instant,
}

/// A session that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub key: SessionKey,
    pub identity: Identity,
    /// What every form of this session carries.
    pub csrf: String,
}

/// Whether the person did something, or a page refreshes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Person,
    Page,
}

/// All of them.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<SessionKey, Session>>);

impl SessionKey {
    pub fn of(id: &str) -> Self {
        SessionKey(Sha256::digest(id.as_bytes()).into())
    }
}

impl Sessions {
    /// A new session for somebody who has logged in. Returns the id, which is given to the browser and to nobody else.
    pub fn begin(&self, identity: Identity, limits: Limits, now: Instant) -> String {
        let id = random();
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.lasts(limits, now));
        let theirs = |session: &Session| {
            session.identity.subject == identity.subject
                && session.identity.issuer == identity.issuer
        };
        make_place(&mut sessions, MOST_OF_ONE, theirs);
        make_place(&mut sessions, MOST, |_| true);
        let session = Session {
            identity,
            csrf: random(),
            begun: now,
            used: now,
        };
        sessions.insert(SessionKey::of(&id), session);
        id
    }

    /// The session, unless it is over.
    pub fn find(&self, key: SessionKey, by: Use, limits: Limits, now: Instant) -> Option<Found> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&key)?;
        if !session.lasts(limits, now) {
            sessions.remove(&key);
            return None;
        }
        if by == Use::Person {
            session.used = now;
        }
        Some(Found {
            key,
            identity: session.identity.clone(),
            csrf: session.csrf.clone(),
        })
    }

    pub fn end(&self, key: SessionKey) {
        self.lock().remove(&key);
    }

    /// Logs everybody out.
    pub fn end_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Whether a form is one of this session's pages.
    pub fn made(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

impl Session {
    fn lasts(&self, limits: Limits, now: Instant) -> bool {
        now.duration_since(self.used) < limits.idle
            && now.duration_since(self.begun) < limits.lifetime
    }
}

/// Leaves place for one more of those that `counts`.
fn make_place(
    sessions: &mut HashMap<SessionKey, Session>,
    most: usize,
    counts: impl Fn(&Session) -> bool,
) {
    let counted = sessions.iter().filter(|(_, session)| counts(session));
    let (mut number, mut oldest) = (0, None);
    for (key, session) in counted {
        number += 1;
        if oldest.is_none_or(|(_, used)| session.used < used) {
            oldest = Some((*key, session.used));
        }
    }
    if let Some((key, _)) = oldest.filter(|_| number >= most) {
        sessions.remove(&key);
    }
}

/// 256 random bits in hexadecimal digits.
pub(super) fn random() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        idle: Duration::from_secs(60),
        lifetime: Duration::from_secs(300),
    };

    fn person(subject: &str) -> Identity {
        Identity {
            subject: subject.to_owned(),
            issuer: "https://id.example.com".to_owned(),
            groups: Vec::new(),
            agent: None,
            task: None,
            program: false,
            attributes: Vec::new(),
            expires_at: std::time::SystemTime::now(),
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_in_any_case() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let find = |id: &str, by, seconds| {
            sessions.find(SessionKey::of(id), by, LIMITS, after(start, seconds))
        };
        let id = sessions.begin(person("bob"), LIMITS, start);
        assert_eq!(id.len(), 64);
        assert!(find(&id, Use::Person, 59).is_some());
        // What a page does by itself does not keep it alive.
        assert!(find(&id, Use::Page, 100).is_some());
        assert!(find(&id, Use::Page, 119).is_none());
        assert!(find(&id, Use::Person, 60).is_none(), "it is gone for good");
        let id = sessions.begin(person("bob"), LIMITS, start);
        for seconds in (0..300).step_by(50) {
            assert!(find(&id, Use::Person, seconds).is_some(), "{seconds}");
        }
        assert!(find(&id, Use::Person, 300).is_none());
    }

    #[test]
    fn ids_and_tokens_are_each_sessions_own() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let ids = ["ada", "bob"].map(|name| sessions.begin(person(name), LIMITS, now));
        let found = ids.clone().map(|id| {
            let found = sessions.find(SessionKey::of(&id), Use::Person, LIMITS, now);
            found.expect("a session")
        });
        assert_eq!(found[0].identity.subject, "ada");
        assert_eq!(found[1].identity.subject, "bob");
        assert!(found[0].made(&found[0].csrf.clone()));
        for forged in [found[1].csrf.as_str(), "", &found[0].csrf[1..], &ids[0]] {
            assert!(!found[0].made(forged), "{forged}");
        }
        sessions.end(found[0].key);
        let find = |id: &str| sessions.find(SessionKey::of(id), Use::Person, LIMITS, now);
        assert!(find(&ids[0]).is_none() && find(&ids[1]).is_some());
        for forged in ["", "0", &"0".repeat(64), &ids[1].to_uppercase()] {
            assert!(find(forged).is_none(), "{forged}");
        }
        sessions.end_all();
        assert!(find(&ids[1]).is_none());
    }

    #[test]
    fn one_person_cannot_take_all_places() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let bob = sessions.begin(person("bob"), LIMITS, start);
        let all: Vec<_> = (0..=MOST_OF_ONE)
            .map(|at| {
                let now = start + Duration::from_millis(at as u64);
                sessions.begin(person("ada"), LIMITS, now)
            })
            .collect();
        let now = after(start, 1);
        let lasts = |id: &str| {
            let key = SessionKey::of(id);
            sessions.find(key, Use::Page, LIMITS, now).is_some()
        };
        assert!(lasts(&bob));
        assert!(!lasts(&all[0]), "the oldest makes place");
        assert!(all[1..].iter().all(|id| lasts(id)));
    }
}
