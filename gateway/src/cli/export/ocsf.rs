//! OCSF: what a stream has sent, or would have.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Result;
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::segment::Scan;

use super::executions::{Executions, Over};
use crate::cli::record::Record;
use crate::recording::Opened;
use crate::streams::{Execution, Statement, Texts, ocsf};

pub(super) fn export(
    record: &Record,
    segments: &Segments,
    out: &mut impl Write,
) -> Result<Vec<(u32, Scan)>> {
    let mut session = Arc::new(Opened::default());
    let mut executions = Executions::default();
    let mut written = Ok(());
    let scans = record.read(segments, &mut |event| {
        if let Event::Opened(event) = &event {
            session = Arc::new((**event).clone());
        }
        if written.is_ok() {
            written = executions.take(&event, |over| line(out, &session, &over));
        }
    })?;
    written?;
    Ok(scans)
}

fn line(out: &mut impl Write, session: &Arc<Opened>, over: &Over<'_>) -> io::Result<()> {
    let (judged, execution) = match over {
        Over::Refused(judged) => (Some(*judged), None),
        Over::Executed {
            attempted: Some(attempted),
            ..
        } if attempted.rehearsal.is_some() => return Ok(()),
        Over::Executed {
            judged,
            attempted,
            completed,
        } => {
            let began = completed.at.saturating_sub(completed.elapsed_us);
            let execution = Execution {
                began,
                approvals: attempted.map_or_else(Vec::new, |event| event.approvals.clone()),
                completed: (*completed).clone(),
            };
            (*judged, Some(execution))
        }
    };
    let statement = Statement {
        session: Arc::clone(session),
        judged: judged.map(|judged| Arc::new(judged.clone())),
        execution,
    };
    writeln!(out, "{}", ocsf::event(&statement, None, Texts::Recorded))
}
