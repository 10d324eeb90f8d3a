//! The rows that a rehearsal returned, on their way to people.

use std::rc::Rc;

use bytes::BytesMut;
use gatewright_wire::backend::DataRow;
use gatewright_wire::frame::{Side, next_frame};

use crate::results::ResultEditor;
use crate::session::effect::{DigestOfRows, RowsDigest};
use crate::session::judge::{Field, Judge, Showing};

/// The bytes of rows that are kept for people, at most.
const MOST_BYTES: usize = 256 << 10;

/// The form in which the message in hand is tried.
pub(in crate::session) enum Form<J: Judge> {
    NotAsked,
    /// The judge is being asked.
    Asked,
    /// It returns its rows.
    Showing(Rc<Showing<J>>),
    /// It is tried as it is. Why nobody is shown its rows; `None`: nobody wants to see them.
    Plain(Option<String>),
}

/// The rows of one run.
pub(in crate::session) struct Returned {
    pub fields: Vec<Field>,
    /// The bodies of the first of them.
    pub kept: Vec<Box<[u8]>>,
    most: u64,
    bytes: usize,
    digest: Option<DigestOfRows>,
}

impl Returned {
    /// For a run in this form, of which so many rows are kept.
    pub fn new<J: Judge>(showing: &Showing<J>, most: usize) -> Self {
        let allowed = J::limits(&showing.permit).rows.unwrap_or(u64::MAX);
        Returned {
            fields: Vec::new(),
            kept: Vec::new(),
            most: allowed.min(most as u64),
            bytes: 0,
            digest: showing.comparing(),
        }
    }

    pub fn row(&mut self, body: &[u8]) {
        note_row(self.digest.as_mut(), body);
        let bytes = self.bytes.saturating_add(body.len());
        if (self.kept.len() as u64) < self.most && bytes <= MOST_BYTES {
            self.bytes = bytes;
            self.kept.push(body.into());
        } else {
            // What comes behind one that is left out is left out, too.
            self.most = 0;
        }
    }

    /// A row that is too long to be looked at.
    pub fn passed_over(&mut self) {
        self.most = 0;
        if let Some(digest) = &mut self.digest {
            digest.passed_over();
        }
    }

    pub fn take_digest(&mut self) -> Option<RowsDigest> {
        self.digest.take().and_then(DigestOfRows::finish)
    }
}

/// A DataRow of rows that are compared.
pub(in crate::session) fn note_row(digest: Option<&mut DigestOfRows>, body: &[u8]) {
    let Some(digest) = digest else { return };
    let cells = DataRow::decode(body).and_then(|row| row.cells().collect::<Result<Vec<_>, _>>());
    match cells {
        Ok(cells) => digest.push(&cells),
        Err(_) => digest.passed_over(),
    }
}

/// Rows that are edited before people see them.
pub(in crate::session) struct Editing {
    pub returned: Returned,
    /// Whether policies were asked about the columns.
    pub is_planned: bool,
    pub editor: Option<ResultEditor>,
    /// DataRow messages.
    pub out: BytesMut,
}

impl Editing {
    pub fn new(returned: Returned) -> Self {
        Editing {
            returned,
            is_planned: false,
            editor: None,
            out: BytesMut::new(),
        }
    }

    /// The values of the rows, once they are edited. `None`: they are no text in UTF-8.
    pub fn values(&self) -> Option<Vec<Vec<Option<String>>>> {
        match &self.editor {
            None => self.returned.kept.iter().map(|body| values(body)).collect(),
            Some(_) => bodies(&self.out)?.into_iter().map(values).collect(),
        }
    }
}

fn bodies(mut messages: &[u8]) -> Option<Vec<&[u8]>> {
    let mut bodies = Vec::new();
    while !messages.is_empty() {
        let frame = next_frame(messages, Side::Backend, usize::MAX).ok()??;
        bodies.push(frame.body);
        messages = messages.get(frame.bytes.len()..)?;
    }
    Some(bodies)
}

fn values(body: &[u8]) -> Option<Vec<Option<String>>> {
    let row = DataRow::decode(body).ok()?;
    let text = |cell: Option<&[u8]>| match cell {
        None => Some(None),
        Some(cell) => Some(Some(std::str::from_utf8(cell).ok()?.to_owned())),
    };
    row.cells().map(|cell| text(cell.ok()?)).collect()
}
