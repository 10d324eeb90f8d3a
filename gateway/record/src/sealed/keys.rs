//! Who can read: recipients, for whom keys of segments are wrapped, and the identities that unwrap them.

use std::fmt;
use std::io::{self, Read, Write};

use age::{Decryptor, Encryptor, Identity, Recipient, x25519};
use thiserror::Error;

use super::cipher::DataKey;

/// A text is no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoKey {
    #[error("{0} is no recipient: age1…, as age-keygen prints it, is needed")]
    Recipient(String),
    #[error("line {0} is no identity: AGE-SECRET-KEY-1…, as age-keygen writes it, is needed")]
    Identity(usize),
    #[error("there is no identity in it")]
    Nothing,
}

/// For whom segments are encrypted. There is at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipients(Vec<String>);

impl Recipients {
    /// `None`: there are none, so nothing is encrypted.
    ///
    /// # Errors
    /// One is none.
    pub fn from_texts(texts: &[String]) -> Result<Option<Self>, NoKey> {
        for text in texts {
            parse(text)?;
        }
        Ok((!texts.is_empty()).then(|| Recipients(texts.to_vec())))
    }

    pub fn texts(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn wrap(&self, key: &DataKey) -> io::Result<Vec<u8>> {
        let recipients: Result<Vec<_>, _> = self.0.iter().map(|text| parse(text)).collect();
        let recipients = recipients.map_err(io::Error::other)?;
        let recipients = recipients.iter().map(|one| one as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let mut wrapped = Vec::new();
        let mut writer = encryptor.wrap_output(&mut wrapped)?;
        writer.write_all(key.bytes())?;
        writer.finish()?;
        Ok(wrapped)
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn parse(text: &str) -> Result<x25519::Recipient, NoKey> {
    let recipient = text.parse();
    recipient.map_err(|_| NoKey::Recipient(text.to_owned()))
}

/// What unwraps keys. With none, what is encrypted stays so.
#[derive(Clone, Default)]
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Reads a file of age-keygen: an identity in each line, and comments.
    ///
    /// # Errors
    /// It is none.
    pub fn from_text(text: &str) -> Result<Self, NoKey> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let identities = lines
            .map(|(number, line)| line.parse().map_err(|_| NoKey::Identity(number)))
            .collect::<Result<Vec<_>, _>>()?;
        match identities.is_empty() {
            true => Err(NoKey::Nothing),
            false => Ok(Identities(identities)),
        }
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, mut others: Self) -> Self {
        self.0.append(&mut others.0);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None`: it is not wrapped for any of them.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Option<DataKey> {
        let identities = self.0.iter().map(|one| one as &dyn Identity);
        let reader = Decryptor::new_buffered(wrapped).ok()?.decrypt(identities);
        let mut key = Vec::new();
        reader.ok()?.take(64).read_to_end(&mut key).ok()?;
        DataKey::from_bytes(&key)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}
