//! Who is told what became of statements, besides the record: streams and traces.

use std::sync::Arc;

use gatewright_contract::RequestId;

use super::text::AnalyzedText;
use super::view::View;
use crate::recording::{Completed, Judged as JudgedEvent, Opened};
use crate::streams::{Execution, SessionStream, Statement};
use crate::traces::{SessionTrace, TraceParent};

/// The key of the comment that names the client's span.
const TRACE_PARENT: &str = "traceparent";

/// Those who are told of one session.
#[derive(Clone, Default)]
pub struct Listeners {
    pub session: Arc<Opened>,
    pub stream: SessionStream,
    pub trace: SessionTrace,
}

/// What they are told of a permit whenever it is used.
pub(super) struct Told {
    judged: Arc<JudgedEvent>,
    parent: Option<TraceParent>,
}

impl Listeners {
    /// True where there is somebody to tell.
    pub(super) fn are_there(&self) -> bool {
        self.stream.is_on() || self.trace.is_on()
    }

    /// A statement is permitted.
    pub(super) fn permitted(&self, judged: &JudgedEvent, view: &View) -> Told {
        Told {
            judged: Arc::new(judged.clone()),
            parent: view.client_text().and_then(|text| self.parent(text)),
        }
    }

    /// A statement was refused. `text`: where it stands, if that is known.
    pub(super) fn refused(&self, judged: &JudgedEvent, text: Option<&AnalyzedText>) {
        let parent = text.and_then(|text| self.parent(text));
        let judged = Some(Arc::new(judged.clone()));
        self.tell(parent, judged, None);
    }

    /// An execution has ended.
    pub(super) fn executed(
        &self,
        told: Option<&Told>,
        approvals: Vec<RequestId>,
        completed: &Completed,
    ) {
        let execution = Execution {
            began: completed.at.saturating_sub(completed.elapsed_us),
            approvals,
            completed: completed.clone(),
        };
        let judged = told.map(|told| Arc::clone(&told.judged));
        self.tell(told.and_then(|told| told.parent), judged, Some(execution));
    }

    fn tell(
        &self,
        parent: Option<TraceParent>,
        judged: Option<Arc<JudgedEvent>>,
        execution: Option<Execution>,
    ) {
        let statement = Statement {
            session: Arc::clone(&self.session),
            judged,
            execution,
        };
        self.trace.ended(parent, &statement);
        self.stream.ended(statement);
    }

    /// The span that the client names in a comment.
    fn parent(&self, text: &AnalyzedText) -> Option<TraceParent> {
        let text = text.edited.as_ref().map_or(text, |from| &from.client);
        if !self.trace.is_on() || !text.source.contains(TRACE_PARENT) {
            return None;
        }
        let statement = text.analysis.statements.first()?;
        let named = statement.comment_tag(&text.source, TRACE_PARENT)?;
        TraceParent::parse(&named)
    }
}
