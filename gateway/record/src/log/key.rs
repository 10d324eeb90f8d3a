//! The log's key: Ed25519, in the text forms of signed notes (<https://c2sp.org/signed-note>).

use std::fmt;

use rand_core::OsRng;
use signed_note::{Note, Signer, StandardSigner, StandardVerifier, Verifier, VerifierList};

use super::{Checkpoint, LogError};

/// Signs checkpoints.
#[derive(Clone)]
pub struct SigningKey {
    text: String,
    signer: StandardSigner,
    public: PublicKey,
}

/// Checks their signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    text: String,
    name: String,
    id: u32,
}

impl SigningKey {
    /// A new key for a log of this name, which is part of every checkpoint.
    ///
    /// # Errors
    /// The name has spaces or a plus sign, or is empty.
    pub fn generate(name: &str) -> Result<Self, LogError> {
        let (private, public) = signed_note::generate_key(&mut OsRng, name);
        Self::from_text(&format!("{private}\n{public}\n"))
    }

    /// Reads what [`SigningKey::text`] has given.
    ///
    /// # Errors
    /// It is no key.
    pub fn from_text(text: &str) -> Result<Self, LogError> {
        let (private, public) = text.trim().split_once('\n').ok_or(LogError::Key)?;
        let signer = StandardSigner::new(private.trim()).map_err(|_| LogError::Key)?;
        let public = PublicKey::from_text(public)?;
        // The id is a hash of the name and the public key.
        let is_pair = signer.name() == public.name && signer.key_id() == public.id;
        is_pair
            .then(|| SigningKey {
                text: text.to_owned(),
                signer,
                public,
            })
            .ok_or(LogError::Key)
    }

    /// The private key, and the public key in the next line, to be stored where nobody but the gateway reads it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn name(&self) -> &str {
        self.signer.name()
    }

    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    pub(super) fn sign(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, LogError> {
        let failed = |_| LogError::Checkpoint;
        let mut note = Note::new(&checkpoint.to_text()?, &[]).map_err(failed)?;
        note.add_sigs(&[&self.signer]).map_err(failed)?;
        Ok(note.to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

impl PublicKey {
    /// Reads what [`PublicKey::text`] has given.
    ///
    /// # Errors
    /// It is no key.
    pub fn from_text(text: &str) -> Result<Self, LogError> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text).map_err(|_| LogError::Key)?;
        Ok(PublicKey {
            text: text.to_owned(),
            name: verifier.name().to_owned(),
            id: verifier.key_id(),
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads a checkpoint that this key has signed.
    ///
    /// # Errors
    /// It has not, or it is of another log.
    pub fn open(&self, note: &[u8]) -> Result<Checkpoint, LogError> {
        let verifier = StandardVerifier::new(&self.text).map_err(|_| LogError::Key)?;
        let failed = |_| LogError::Checkpoint;
        let note = Note::from_bytes(note).map_err(failed)?;
        note.verify(&VerifierList::new(vec![Box::new(verifier)]))
            .map_err(failed)?;
        let checkpoint = Checkpoint::from_text(note.text())?;
        match checkpoint.origin() == self.name {
            true => Ok(checkpoint),
            false => Err(LogError::Checkpoint),
        }
    }
}
