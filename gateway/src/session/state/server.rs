//! The session's server connection: its own, one lent for the session, or one for each transaction.

use crate::pool::{Attachment, NamesAtStart, Parameters, Residue};

/// Whose the server connection is.
#[derive(Debug, Default)]
pub enum ServerAtStart {
    /// It ends with the session.
    #[default]
    Own,
    /// It goes back to a pool at the end of the session.
    Lent(Attachment),
    /// One is asked for at the beginning of each transaction. What the client was told of the server's settings so far.
    Shared(Parameters),
}

#[derive(Debug)]
pub(in crate::session) struct ServerState {
    lending: Lending,
    /// `None`: the session has no server connection now, or one of its own.
    attached: Option<Attachment>,
    /// What the client was told of the server's settings.
    told: Parameters,
    /// What names meant on the connection before.
    names_before: Option<NamesAtStart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lending {
    Own,
    Lent,
    Shared,
}

impl ServerState {
    pub fn new(start: ServerAtStart) -> Self {
        let (lending, attached, told) = match start {
            ServerAtStart::Own => (Lending::Own, None, Parameters::default()),
            ServerAtStart::Lent(attachment) => {
                (Lending::Lent, Some(attachment), Parameters::default())
            }
            ServerAtStart::Shared(told) => (Lending::Shared, None, told),
        };
        ServerState {
            lending,
            attached,
            told,
            names_before: None,
        }
    }

    /// True when messages can be sent now.
    pub fn is_there(&self) -> bool {
        self.lending != Lending::Shared || self.attached.is_some()
    }

    /// True when the connection is there for one transaction at a time.
    pub fn is_shared(&self) -> bool {
        self.lending == Lending::Shared
    }

    /// True when the connection ends with the session.
    pub fn is_own(&self) -> bool {
        self.lending == Lending::Own
    }

    /// What was sent may leave this behind.
    pub fn leaves(&mut self, residue: impl FnOnce() -> Residue) {
        if let Some(attached) = &mut self.attached
            && attached.residue != Residue::ANYTHING
        {
            attached.residue = attached.residue.with(residue());
        }
    }

    /// The server has reported a setting, of which the client is told.
    pub fn reported(&mut self, name: &str, value: &[u8]) {
        if let Some(attached) = &mut self.attached {
            attached.parameters.set(name, value);
            if self.lending == Lending::Shared {
                self.told.set(name, value);
            }
        }
    }

    /// A connection for the next transaction. Returns the settings that are others than the client was told.
    pub fn attach(&mut self, attachment: Attachment) -> Vec<(String, Vec<u8>)> {
        let mut news = Vec::new();
        for (name, value) in attachment.parameters.iter() {
            if self.told.set(name, value) {
                news.push((name.to_owned(), value.to_vec()));
            }
        }
        if self.names_before != attachment.names {
            self.names_before.clone_from(&attachment.names);
        }
        self.attached = Some(attachment);
        news
    }

    pub fn attached(&mut self) -> Option<&mut Attachment> {
        self.attached.as_mut()
    }

    pub fn names(&self) -> Option<NamesAtStart> {
        self.attached.as_ref()?.names.clone()
    }

    /// What names meant on the connection before this one.
    pub fn names_before(&self) -> Option<&NamesAtStart> {
        self.names_before.as_ref()
    }

    pub fn detach(&mut self) -> Option<Attachment> {
        self.attached.take()
    }
}
