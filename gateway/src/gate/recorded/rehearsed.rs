//! What the gate tells the record of rehearsals and of function calls by message.

use std::sync::Arc;

use gatewright_wire::frontend;

use super::{attempted, is_standard, unrecorded, withheld};
use crate::gate::SessionGate;
use crate::gate::permit::Permit;
use crate::recording::{Attempted, Parameter, Rehearsal, RehearsalRecord};
use crate::session::{Answer, Judged, Phase, Refusal};

/// A function call by message: what its permit does not say.
pub(in crate::gate) struct Call {
    function: u32,
    arguments: Vec<Parameter>,
}

impl SessionGate {
    /// This call is judged from now on.
    pub(in crate::gate) fn note_call(&mut self, call: &frontend::FunctionCall<'_>) {
        let literals = self.record.literals();
        let arguments = call.arguments.iter().enumerate();
        let arguments = arguments.map(|(index, value)| Parameter {
            type_oid: 0,
            format: call.formats.of(index).unwrap_or_default(),
            value: value.map(<[u8]>::to_vec),
            withheld: None,
        });
        self.call = self.record.keeps_statements().then(|| Call {
            function: call.function,
            arguments: arguments
                .map(|argument| withheld::parameter(argument, literals))
                .collect(),
        });
    }

    /// An execution with its arguments, if it is a call by message.
    pub(super) fn with_arguments(&mut self, permit: &Permit, attempted: Attempted) -> Attempted {
        let is_call = permit.view.phase == Phase::FunctionCall;
        match self.call.take().filter(|_| is_call) {
            None => attempted,
            Some(call) => Attempted {
                parameters: call.arguments,
                function: Some(call.function),
                ..attempted
            },
        }
    }

    /// It is written down that a statement is about to be rehearsed.
    pub(in crate::gate) fn write_rehearsal(
        &mut self,
        permit: &Arc<Permit>,
        mut rehearsal: Rehearsal,
    ) -> Judged<Result<RehearsalRecord, Refusal>> {
        if !self.record.keeps_statements() {
            return Judged::Ready(Ok(RehearsalRecord::default()));
        }
        let literals = self.record.literals();
        let text = rehearsal.text.take();
        rehearsal.text = text.map(|text| withheld::text(text, literals, is_standard(&permit.view)));
        let attempted = Attempted {
            rehearsal: Some(rehearsal),
            ..attempted(permit, Vec::new(), literals)
        };
        let (attempt, settling) = match self.record.attempted(attempted) {
            Ok(recorded) => recorded,
            Err(failure) => return Judged::Ready(Err(unrecorded(failure))),
        };
        let recorded = RehearsalRecord::new(self.record.clone(), attempt);
        let Some(settling) = settling else {
            return Judged::Ready(Ok(recorded));
        };
        let ticket = self.pend_record(settling, move |settled| {
            Answer::Rehearsal(settled.map(|()| recorded).map_err(unrecorded))
        });
        Judged::Pending(ticket)
    }
}
