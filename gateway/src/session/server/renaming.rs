//! Errors about prepared statements on shared connections, which have other names on the server.

use gatewright_wire::ErrorFields;

use crate::session::judge::Judge;
use crate::session::state::name::Name;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::session::Session;

/// SQLSTATE of a prepared statement whose name another has.
const NAME_IN_USE: &str = "42P05";

impl<J: Judge> Session<J> {
    /// The server names a prepared statement as it knows it. True where that is not the client's name.
    pub(in crate::session) fn with_clients_name(&self, fields: &mut ErrorFields) -> bool {
        let renamed = match self.queue.front() {
            Some(Outstanding::Bind {
                renamed: Some(renamed),
                ..
            }) => renamed,
            Some(Outstanding::Parse { name, prepared })
                if prepared.portable.is_some() && fields.sqlstate() == NAME_IN_USE =>
            {
                let message = format!("prepared statement \"{}\" already exists", name.text());
                fields.set(b'M', message);
                return true;
            }
            _ => return false,
        };
        let message = fields.message();
        let own = message.replace(&renamed.on_server, &renamed.clients);
        if renamed.on_server.is_empty() || own == message {
            return false;
        }
        fields.set(b'M', own);
        true
    }

    /// A Parse without a name ends the statement that had none, even where it fails (PostgreSQL's `exec_parse_message`).
    pub(in crate::session) fn forget_unnamed_of_failed_parse(&mut self) {
        let name = match self.queue.front() {
            Some(Outstanding::Parse { name, .. }) => name,
            Some(Outstanding::Unread(unread)) => &unread.name,
            _ => return,
        };
        if self.server.is_shared() && name.is_unnamed() {
            self.names.close_prepared(&Name::unnamed());
        }
    }
}
