//! Asking the server for row descriptions before a statement runs, and reading the answers.

use std::rc::Rc;

use gatewright_sql::{SessionEffect, Statement, query_within};
use gatewright_wire::backend;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::Output;
use crate::session::doors::to_client::Delivery;
use crate::session::judge::{Field, Judge};
use crate::session::refusal::Refusal;
use crate::session::state::held::{self, Held};
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::names::{Description, Prepared};
use crate::session::state::outstanding::{Audience, CloseTarget, Described, Outstanding};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

/// The name under which the gateway prepares what it only wants described.
const DESCRIBE_NAME: &str = "gatewright_describe";

impl<J: Judge> Session<J> {
    /// Has the server describe the next statement of the Query in hand.
    pub(in crate::session) fn ask_for_description(
        &mut self,
        held: &Held<J>,
        permit: &J::Permit,
        output: &mut Output,
    ) -> Result<(), Refusal> {
        let Some(text) = &held.text else {
            return Err(must_run_before());
        };
        let index = held.plans.len();
        let Some(statement) = J::analysis(text).statements.get(index) else {
            return Err(must_run_before());
        };
        let own = |statement: &Statement| {
            let own = J::source(text).get(statement.span.clone());
            own.unwrap_or_default().to_owned()
        };
        let source = match statement.facts.copy_out() {
            Some(copy) => copy.describe.clone(),
            None => match made_before::<J>(text, index) {
                // The name is not there before the message runs. What it will stand for has the same columns.
                Some(maker) => {
                    let conforming = self.reading.standard_conforming_strings;
                    query_within(&own(maker), conforming).ok_or_else(must_run_before)?
                }
                None => own(statement),
            },
        };
        let source = self.sendable(&source, held.certain)?;
        self.close_unnamed(output);
        self.describe_text(&source, Described::InHand, permit, output);
        Ok(())
    }

    /// A Query destroys the unnamed statement, whatever becomes of it (protocol: Extended Query). Where the server has to be asked
    /// before it gets the Query, this comes first.
    fn close_unnamed(&mut self, output: &mut Output) {
        if matches!(self.lookup_prepared(&Name::unnamed()), Lookup::Unknown) {
            return;
        }
        output.to_server.close_statement("");
        self.forget_unnamed();
        self.expect(Outstanding::Close {
            target: CloseTarget::Statement(Name::unnamed()),
            audience: Audience::Gateway,
        });
    }

    pub(in crate::session) fn describe_text(
        &mut self,
        source: &[u8],
        target: Described<J>,
        permit: &J::Permit,
        output: &mut Output,
    ) {
        output
            .to_server
            .describe_text::<J>(DESCRIBE_NAME, source, permit);
        self.expect(Outstanding::Describe {
            target,
            audience: Audience::Gateway,
        });
        self.expect(Outstanding::Close {
            target: CloseTarget::Statement(Name::new(DESCRIBE_NAME)),
            audience: Audience::Gateway,
        });
        self.pipeline.flushed = true;
    }

    /// Has the server describe a prepared statement of the client's. A COPY has no description; the query whose rows it copies has,
    /// and is sent for that under the statement's permit.
    pub(in crate::session) fn describe_prepared(
        &mut self,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        permit: Option<&J::Permit>,
        output: &mut Output,
    ) {
        let copy = prepared.copy_out().map(|copy| copy.describe.clone());
        if let Some(source) = copy {
            let Some(permit) = permit else { return };
            let Ok(source) = self.sendable(&source, self.reading.is_certain()) else {
                // Bind will say so.
                return;
            };
            prepared.describing.set(true);
            let target = Described::Statement(Rc::clone(prepared));
            return self.describe_text(&source, target, permit, output);
        }
        prepared.describing.set(true);
        output.to_server.describe_statement(name);
        output.to_server.flush();
        self.expect(Outstanding::Describe {
            target: Described::Statement(Rc::clone(prepared)),
            audience: Audience::Gateway,
        });
        self.pipeline.flushed = true;
    }

    /// ParseComplete and CloseComplete of what the gateway prepared for itself carry no news, so only their Describe is
    /// owed by name; this says whether such a reply is expected now.
    pub(in crate::session) fn describes_for_itself(&self) -> bool {
        matches!(
            self.queue.front(),
            Some(Outstanding::Describe {
                audience: Audience::Gateway,
                ..
            })
        )
    }

    /// ParameterDescription.
    pub(in crate::session) fn parameter_description(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let Some(Outstanding::Describe { target, audience }) = self.queue.front() else {
            return Err(Violation::Unexpected('t'));
        };
        if let Described::Statement(prepared) = target {
            let described = backend::ParameterDescription::decode(frame.body)
                .map_err(|error| Violation::unreadable("ParameterDescription", &error))?;
            *prepared.parameter_types.borrow_mut() = Some(described.types.iter().collect());
        }
        if *audience == Audience::Client {
            output.to_client.deliver(Delivery::Message(frame));
        }
        Ok(())
    }

    /// RowDescription (`Some`) or NoData as the answer to a Describe.
    pub(in crate::session) fn described(
        &mut self,
        frame: Frame<'_>,
        columns: Option<&backend::RowDescription<'_>>,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let tag = char::from(frame.tag);
        let Some(Outstanding::Describe { target, audience }) = self.queue.pop() else {
            return Err(Violation::Unexpected(tag));
        };
        match target {
            Described::Statement(prepared) => {
                self.statement_described(&prepared, columns.map(fields_of), audience);
            }
            Described::Portal(portal) => {
                if let (Some(plan), Some(columns)) = (&portal.plan, columns)
                    && plan.fields != fields_of(columns)
                {
                    return Err(Violation::ShapeChanged);
                }
            }
            Described::InHand => {
                if let Some(held) = &mut self.held {
                    held.description = held::Description::Told(columns.map(fields_of));
                }
            }
            // A statement that nobody has judged must not be bound.
            Described::Unknown if audience == Audience::Gateway => {
                return Err(Violation::Unexpected(tag));
            }
            Described::Unknown => {}
        }
        if audience == Audience::Client {
            output.to_client.deliver(Delivery::Message(frame));
        }
        Ok(())
    }

    fn statement_described(
        &mut self,
        prepared: &Prepared<J>,
        fields: Option<Vec<Field>>,
        audience: Audience,
    ) {
        if audience == Audience::Gateway {
            prepared.describing.set(false);
        } else if prepared.copy_out().is_some() {
            // The client asked about the COPY itself, which has no columns; the gateway knows those of its rows.
            return;
        }
        let epoch = self.transaction.epoch();
        let news = match fields {
            None => Description::None { epoch },
            Some(fields) => Description::Rows {
                epoch,
                fields: fields.into(),
            },
        };
        if !news.same_columns(&prepared.description.borrow()) {
            *prepared.plan.borrow_mut() = None;
        }
        *prepared.description.borrow_mut() = news;
        self.told_of(prepared);
    }
}

/// The statement of the same message that makes what the one at `index` executes or fetches from.
fn made_before<J: Judge>(text: &J::Text, index: usize) -> Option<&Statement> {
    let statements = &J::analysis(text).statements;
    let makes =
        |maker: &Statement| match (&maker.facts.session, &statements.get(index)?.facts.session) {
            (SessionEffect::Prepare { name: made, .. }, SessionEffect::Execute { name })
            | (SessionEffect::DeclareCursor { name: made }, SessionEffect::Fetch { name }) => {
                Some(Name::new(made) == Name::new(name))
            }
            _ => None,
        };
    let mut before = statements.get(..index)?.iter().rev();
    before.find(|maker| makes(maker) == Some(true))
}

/// Why a statement cannot be described.
pub(in crate::session) fn must_run_before() -> Refusal {
    let message = "the statement cannot be described before those in front of it have run";
    Refusal::new("0A000", message).with_hint("Send each statement in a message of its own.")
}

/// The columns of a RowDescription.
pub(in crate::session) fn fields_of(description: &backend::RowDescription<'_>) -> Vec<Field> {
    description
        .fields()
        .map(|field| Field {
            name: String::from_utf8_lossy(field.name).into_owned(),
            table_oid: field.table_oid,
            attribute: field.attribute,
            type_oid: field.type_oid,
            type_modifier: field.type_modifier,
        })
        .collect()
}
