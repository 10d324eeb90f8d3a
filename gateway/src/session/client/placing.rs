//! Prepared statements on shared connections: each is made, under a name of the gateway's own, on the connection that the
//! transaction has got, where that does not have it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gatewright_wire::frontend;

use crate::pool::{Serial, Statements};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_server::{Kept, RunsNothing};
use crate::session::judge::Judge;
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::names::{Description, Portable, Prepared};
use crate::session::state::outstanding::{Audience, CloseTarget, Outstanding};
use crate::session::state::session::Session;

/// Of a text that is sent for the server's error.
const UNREAD: &str = "gatewright_unread";

/// The name of a statement that there is not.
const NOBODY: &str = "gatewright_nobody";

impl<J: Judge> Session<J> {
    /// The statement's name on the server, where it is made if need be.
    pub(in crate::session) fn place<'n>(
        &mut self,
        name: &'n str,
        prepared: &Prepared<J>,
        output: &mut Output,
    ) -> Result<Cow<'n, str>, Refusal> {
        let Some(portable) = prepared.portable.as_ref().map(Rc::clone) else {
            return Ok(Cow::Borrowed(name));
        };
        let serial = portable.serial;
        let Some(statements) = self.statements() else {
            return Ok(Cow::Borrowed(name));
        };
        let found = match name.is_empty() {
            true => statements
                .unnamed()
                .filter(|(unnamed, _)| *unnamed == serial)
                .map(|(_, described)| (String::new(), described)),
            false => statements
                .find(serial)
                .map(|found| (found.on_server.name(), found.described)),
        };
        if let Some((on_server, described)) = found {
            if !described {
                not_described_here(prepared, &portable);
            }
            return Ok(Cow::Owned(on_server));
        }
        if !self
            .reading
            .is_as_with(portable.read_with, portable.kept.text())
        {
            let message = "this statement was prepared with other settings of client_encoding or standard_conforming_strings";
            return Err(Refusal::new("0A000", message).with_hint("Prepare it again."));
        }
        let on_server = self.new_place(name, serial, output);
        output.to_server.prepare_again(&on_server, &portable.kept);
        self.expect(Outstanding::PrepareAgain(serial));
        not_described_here(prepared, &portable);
        Ok(Cow::Owned(on_server))
    }

    /// Another connection has other columns or parameters for the statement than the client was told.
    pub(in crate::session) fn check_agreement(
        &self,
        prepared: &Prepared<J>,
    ) -> Result<(), Refusal> {
        let portable = prepared.portable.as_ref();
        if portable.is_some_and(|portable| portable.changed.get()) {
            // In PostgreSQL's words.
            return Err(Refusal::new(
                "0A000",
                "cached plan must not change result type",
            ));
        }
        Ok(())
    }

    /// True while the server is asked whether the statement has the columns that were told of on the connection before, as it would
    /// know on the same one.
    pub(in crate::session) fn awaits_agreement(
        &mut self,
        on_server: &str,
        prepared: &Rc<Prepared<J>>,
        output: &mut Output,
    ) -> bool {
        let portable = prepared.portable.as_ref();
        if portable.is_none_or(|portable| portable.former.borrow().is_none()) {
            return false;
        }
        if !prepared.describing.get() {
            let permit = prepared.permit.borrow().clone();
            self.describe_prepared(on_server, prepared, permit.as_ref(), output);
        }
        prepared.describing.get()
    }

    /// A Parse on a shared connection.
    pub(in crate::session) fn send_parse_shared(
        &mut self,
        parse: &frontend::Parse<'_>,
        mut held: Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let Some(text) = held.text.clone() else {
            return self.hold(held);
        };
        let name = Name::new(parse.name);
        let mut in_use = None;
        if !name.is_unnamed() && !self.transaction.has_failed() {
            match self.lookup_prepared(&name) {
                Lookup::Unknown => {}
                Lookup::Pending => {
                    self.hold_for_replies(output);
                    return self.hold(held);
                }
                // The server has the last word about the text first, and then says that the name is in use.
                Lookup::Known(known) => match self.place(parse.name, &known, output) {
                    Ok(on_server) => in_use = Some(on_server.into_owned()),
                    Err(refusal) => {
                        self.let_go(held, judge);
                        return self.refuse_parse(parse.name, refusal, judge, output);
                    }
                },
            }
        }
        let permit = held.permits.pop();
        let source = match held.rewritten {
            true => match self.sendable(J::source(&text), held.certain) {
                Ok(source) => source,
                Err(refusal) => return self.refuse_parse(parse.name, refusal, judge, output),
            },
            false => Cow::Borrowed(parse.text),
        };
        let types: Vec<u32> = parse.types.iter().collect();
        let serial = Serial::next();
        let on_server = match in_use {
            Some(on_server) => on_server,
            None => self.new_place(parse.name, serial, output),
        };
        let kept = match (&permit, RunsNothing::in_text::<J>(&text)) {
            (Some(permit), _) => output
                .to_server
                .prepare_as::<J>(&on_server, &source, &types, permit),
            (None, Some(proof)) => output
                .to_server
                .prepare_nothing_as(&on_server, &source, &types, proof),
            (None, None) => {
                let refusal = Refusal::new("42501", "the statement was not judged");
                return self.refuse_parse(parse.name, refusal, judge, output);
            }
        };
        let portable = self.portable(serial, kept);
        let prepared = Rc::new(Prepared {
            portable: Some(Rc::new(portable)),
            ..Prepared::new(text, 0, permit, None)
        });
        self.prepared(parse.name, &on_server, &prepared, judge, output);
        Taken::Yes
    }

    fn portable(&self, serial: Serial, kept: Kept) -> Portable {
        Portable {
            serial,
            kept,
            read_with: self.reading.settings(),
            former: RefCell::new(None),
            changed: Cell::new(false),
        }
    }

    /// The name under which a statement is about to be made.
    fn new_place(&mut self, name: &str, serial: Serial, output: &mut Output) -> String {
        let Some(statements) = self.statements() else {
            return name.to_owned();
        };
        if name.is_empty() {
            statements.set_unnamed(Some(serial));
            return String::new();
        }
        let (on_server, closed) = statements.make(serial);
        if let Some(closed) = closed {
            output.to_server.close_statement(&closed.name());
            self.expect(Outstanding::Close {
                target: CloseTarget::OnServer,
                audience: Audience::Gateway,
            });
        }
        on_server.name()
    }

    /// Close of a statement on a shared connection.
    pub(in crate::session) fn close_shared(&mut self, name: &str, output: &mut Output) -> Taken {
        let on_server = match self.lookup_prepared(&Name::new(name)) {
            Lookup::Pending => return self.hold_for_replies(output),
            Lookup::Known(prepared) => {
                let serial = prepared.portable.as_ref().map(|portable| portable.serial);
                self.statements()
                    .zip(serial)
                    .and_then(|(statements, serial)| {
                        let unnamed = statements
                            .unnamed()
                            .is_some_and(|(unnamed, _)| unnamed == serial);
                        if name.is_empty() && unnamed {
                            statements.set_unnamed(None);
                            return Some(String::new());
                        }
                        statements.close(serial).map(Serial::name)
                    })
            }
            Lookup::Unknown => None,
        };
        let on_server = on_server.as_deref().unwrap_or(NOBODY);
        output.to_server.close_statement(on_server);
        self.expect(Outstanding::Close {
            target: CloseTarget::Statement(Name::new(name)),
            audience: Audience::Client,
        });
        Taken::Yes
    }

    /// A message that names a statement which there is not. The server might know one of that name, of another session.
    pub(in crate::session) fn refuse_unknown_statement(
        &mut self,
        name: &str,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let message = match name.is_empty() {
            true => "unnamed prepared statement does not exist".to_owned(),
            false => format!("prepared statement \"{name}\" does not exist"),
        };
        self.refuse_extended(Refusal::new("26000", message), judge, output)
    }

    /// The name for a Parse that is to fail, or to be closed at once. An unnamed statement is gone after it.
    pub(in crate::session) fn passing_name<'n>(&mut self, name: &'n str) -> &'n str {
        if !self.server.is_shared() {
            return name;
        }
        if name.is_empty() {
            self.forget_unnamed();
            return name;
        }
        UNREAD
    }

    /// Something else was done with the unnamed statement; a Query ends it.
    pub(in crate::session) fn forget_unnamed(&mut self) {
        if let Some(statements) = self.statements() {
            statements.set_unnamed(None);
        }
    }

    /// The server skips what was sent up to the next Sync.
    pub(in crate::session) fn forget_skipped(&mut self) {
        let Some(attached) = self.server.attached() else {
            return;
        };
        let statements = &mut attached.statements;
        for reply in self.queue.oldest_first() {
            match reply {
                Outstanding::Sync | Outstanding::CopySyncProbe(_) => return,
                Outstanding::Parse { prepared, .. } => {
                    if let Some(portable) = &prepared.portable {
                        statements.not_made(portable.serial);
                    }
                }
                Outstanding::PrepareAgain(serial) => statements.not_made(*serial),
                Outstanding::Close { .. } => statements.not_closed(),
                _ => {}
            }
        }
    }

    /// The server has told of a statement's parameters and columns.
    pub(in crate::session) fn told_of(&mut self, prepared: &Prepared<J>) {
        let Some(portable) = &prepared.portable else {
            return;
        };
        let agrees = portable.former.take().is_none_or(|(columns, types)| {
            let same =
                |other: &Rc<[u32]>| prepared.parameter_types.borrow().as_ref() == Some(other);
            columns.same_columns(&prepared.description.borrow()) && types.as_ref().is_none_or(same)
        });
        portable.changed.set(portable.changed.get() || !agrees);
        if let Some(statements) = self.statements() {
            statements.described(portable.serial);
        }
    }

    fn statements(&mut self) -> Option<&mut Statements> {
        if !self.server.is_shared() {
            return None;
        }
        let attached = self.server.attached()?;
        Some(&mut attached.statements)
    }
}

/// What is known of the statement was told by another connection. This one is asked, where somebody needs to know.
fn not_described_here<J: Judge>(prepared: &Prepared<J>, portable: &Portable) {
    if prepared.describing.get() {
        return;
    }
    let columns = prepared.description.replace(Description::Unknown);
    let types = prepared.parameter_types.take();
    if columns != Description::Unknown {
        *portable.former.borrow_mut() = Some((columns, types));
    }
}
