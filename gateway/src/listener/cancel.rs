//! Cancel keys. The gateway issues its own secret key for every session, so the server's key never reaches a client and
//! the gateway can route a CancelRequest to the right server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use gatewright_wire::build;
use gatewright_wire::startup::CancelRequest;
use rand::RngCore;
use subtle::ConstantTimeEq;

/// The cancel key that a client receives in BackendKeyData.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Process ID of the server's backend.
    pub pid: i32,
    /// Random bytes: 4 in protocol 3.0 and 3.1, 32 from 3.2.
    pub secret: Vec<u8>,
}

// Omits the secret key.
impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKey")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl ClientKey {
    /// Appends BackendKeyData.
    pub fn encode(&self, out: &mut BytesMut) {
        let sent = build::backend_key_data(out, self.pid, &self.secret);
        debug_assert!(sent.is_ok(), "4 and 32 bytes are valid key lengths");
    }
}

/// Maps cancel keys to sessions. `S` is what the caller needs to cancel a session's statement on the server.
#[derive(Debug)]
pub struct CancelRegistry<S> {
    sessions: Arc<Mutex<HashMap<i32, Vec<Registered<S>>>>>,
}

#[derive(Debug)]
struct Registered<S> {
    key: ClientKey,
    session: S,
}

impl<S> Default for CancelRegistry<S> {
    fn default() -> Self {
        Self {
            sessions: Arc::default(),
        }
    }
}

impl<S: Clone> CancelRegistry<S> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Issues a key for a session with this protocol version. The key is valid until the returned guard is dropped.
    pub fn register(
        &self,
        pid: i32,
        session: S,
        protocol: (u16, u16),
    ) -> (ClientKey, Registration<S>) {
        let mut secret = vec![0; if protocol >= (3, 2) { 32 } else { 4 }];
        rand::rng().fill_bytes(&mut secret);
        let key = ClientKey { pid, secret };
        lock(&self.sessions)
            .entry(pid)
            .or_default()
            .push(Registered {
                key: key.clone(),
                session,
            });
        (
            key.clone(),
            Registration {
                sessions: Arc::clone(&self.sessions),
                key,
            },
        )
    }

    /// The session with the request's key. Secrets are compared in constant time.
    pub fn lookup(&self, request: &CancelRequest) -> Option<S> {
        let sessions = lock(&self.sessions);
        // Backends on different servers may have the same process ID.
        let mut found = None;
        for registered in sessions.get(&request.pid)? {
            if bool::from(registered.key.secret.as_slice().ct_eq(&request.key)) {
                found = Some(registered.session.clone());
            }
        }
        found
    }

    /// The number of valid keys.
    pub fn len(&self) -> usize {
        lock(&self.sessions).values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Keeps a key valid; dropping it revokes the key.
#[derive(Debug)]
#[must_use = "the key is revoked when this is dropped"]
pub struct Registration<S> {
    sessions: Arc<Mutex<HashMap<i32, Vec<Registered<S>>>>>,
    key: ClientKey,
}

impl<S> Drop for Registration<S> {
    fn drop(&mut self) {
        let mut sessions = lock(&self.sessions);
        if let Some(same_pid) = sessions.get_mut(&self.key.pid) {
            if let Some(index) = same_pid
                .iter()
                .position(|registered| registered.key == self.key)
            {
                same_pid.swap_remove(index);
            }
            if same_pid.is_empty() {
                sessions.remove(&self.key.pid);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing can panic halfway through a change of the map, so a poisoned lock is still consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
