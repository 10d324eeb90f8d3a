//! The sessions that are open at this gateway: whose they are, where they lead, since when, and how one of them is ended. It knows no
//! protocol and no policies.
//! Next: `app` enters each session, and `console` shows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatewright_contract::SessionId;
use tokio::sync::watch;

/// An open session, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    pub id: SessionId,
    pub subject: String,
    pub issuer: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
    pub task: Option<String>,
    /// As the client named it.
    pub database: String,
    /// On the server.
    pub role: String,
    pub application: String,
    pub client_address: String,
    /// In milliseconds since 1970.
    pub started_ms: u64,
}

/// All open sessions.
#[derive(Default)]
pub struct Roster {
    sessions: Mutex<BTreeMap<SessionId, Entry>>,
}

struct Entry {
    session: Arc<OpenSession>,
    /// By whom it is ended.
    ended_by: watch::Sender<Option<String>>,
}

/// A session's place among the others. Dropping it takes the session off the roster.
pub struct Place {
    roster: Arc<Roster>,
    id: SessionId,
    ended_by: watch::Receiver<Option<String>>,
}

impl Roster {
    /// Enters a session, which has just begun.
    pub fn enter(self: &Arc<Self>, session: OpenSession) -> Place {
        let (sender, ended_by) = watch::channel(None);
        let id = session.id;
        let entry = Entry {
            session: Arc::new(session),
            ended_by: sender,
        };
        self.lock().insert(id, entry);
        Place {
            roster: Arc::clone(self),
            id,
            ended_by,
        }
    }

    /// The sessions that are open now, the oldest first.
    pub fn list(&self) -> Vec<Arc<OpenSession>> {
        let sessions = self.lock();
        let sessions = sessions.values();
        let mut open: Vec<_> = sessions.map(|entry| Arc::clone(&entry.session)).collect();
        open.sort_by_key(|session| (session.started_ms, session.id));
        open
    }

    /// One of them.
    pub fn find(&self, id: SessionId) -> Option<Arc<OpenSession>> {
        self.lock().get(&id).map(|entry| Arc::clone(&entry.session))
    }

    /// Ends a session for somebody. False: it is not open any more.
    pub fn end(&self, id: SessionId, by: &str) -> bool {
        let sessions = self.lock();
        let Some(entry) = sessions.get(&id) else {
            return false;
        };
        tracing::warn!(session = %id, subject = %entry.session.subject, %by, "a session is ended by an administrator");
        entry.ended_by.send_replace(Some(by.to_owned()));
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Entry>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What completes when the session is to end.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended_by = self.ended_by.clone();
        async move {
            if ended_by.wait_for(Option::is_some).await.is_err() {
                // It is over.
                std::future::pending().await
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.roster.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(started_ms: u64) -> OpenSession {
        OpenSession {
            id: SessionId::generate(),
            subject: "ada".to_owned(),
            issuer: "https://issuer".to_owned(),
            groups: Vec::new(),
            agent: None,
            task: None,
            database: "shop".to_owned(),
            role: "reader".to_owned(),
            application: String::new(),
            client_address: "127.0.0.1".to_owned(),
            started_ms,
        }
    }

    #[tokio::test]
    async fn a_session_is_listed_while_it_is_open_and_can_be_ended() {
        let roster = Arc::new(Roster::default());
        let newer = roster.enter(session(2));
        let older = roster.enter(session(1));
        let started: Vec<_> = roster.list().iter().map(|open| open.started_ms).collect();
        assert_eq!(started, [1, 2]);
        let ended = older.ended();
        assert!(roster.end(older.id, "grace"));
        ended.await;
        let id = older.id;
        drop(older);
        assert!(!roster.end(id, "grace") && roster.find(id).is_none());
        assert_eq!(roster.list().len(), 1);
        drop(newer);
        assert!(roster.list().is_empty());
    }
}
