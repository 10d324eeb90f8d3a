//! One statement with its parameters and a page of its results, read from the record at the place that the index knows.

use std::io;

use gatewright_contract::SessionId;
use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::event::{Attempted, Decision, Parameter};
use gatewright_record::follow::{Follower, Place, Wants};
use gatewright_wire::ErrorFields;
use gatewright_wire::backend::{CommandComplete, DataRow, RowDescription};
use gatewright_wire::frame::Frame;

use super::frames::Frames;
use super::index::StatementEntry;
use super::masks::Hidden;
use super::values;

/// Rows on a page.
pub const ROWS: usize = 50;

/// So many bytes of events are read for a page at most.
const MOST_READ: u64 = 64 << 20;

/// The characters of a value that are shown.
const LONGEST_VALUE: usize = 2000;

/// The most errors, notices and lines of COPY data that are shown.
const MOST_NOTES: usize = 50;

/// What the record has of a statement besides what the index has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    pub parameters: Vec<ShownParameter>,
    /// What the server was sent, where that is another text: a rehearsal.
    pub sent: Option<String>,
    pub columns: Vec<String>,
    /// Rows from `first` on.
    pub rows: Vec<Vec<Cell>>,
    /// The number of the first of the rows, from 0.
    pub first: u64,
    pub has_more: bool,
    /// Errors, notices, COPY data and what the command has said.
    pub notes: Vec<Note>,
    /// Why something is not shown.
    pub missing: Option<Missing>,
}

/// Something that the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub text: String,
    /// It can quote values.
    has_values: bool,
}

/// A parameter as it was bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownParameter {
    pub type_oid: u32,
    pub value: Cell,
}

/// A value of a parameter or a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(String),
    /// The beginning of a longer one.
    Cut(String),
    /// Its length is recorded only.
    Withheld(u64),
    /// It is there, and the viewer may not see it.
    Masked,
}

/// Why something of a statement is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is encrypted.
    Encrypted,
    /// It lies too far in the file: it can be exported.
    TooFar,
    /// Another gateway, or only the object store, has the files.
    Elsewhere,
    /// What is recorded of the session has no results.
    NotKept,
    /// Blocks are damaged here.
    Damaged,
    /// It runs.
    Running,
}

/// Reads the parameters, and a page of the results.
///
/// # Errors
/// A file cannot be read.
pub(super) fn read(
    directory: &Directory,
    session: SessionId,
    entry: &StatementEntry,
    first: u64,
) -> io::Result<Contents> {
    let mut contents = Contents {
        first,
        ..Contents::default()
    };
    let Some(place) = entry.attempted_in else {
        return Ok(contents);
    };
    let execution = entry.execution.map(u64::try_from).and_then(Result::ok);
    let Some(execution) = execution else {
        read_refusal(directory, session, entry.began_at, place, &mut contents)?;
        return Ok(contents);
    };
    read_attempt(directory, session, execution, place, &mut contents)?;
    match entry.results_in {
        Some(place) => read_results(directory, session, execution, place, &mut contents)?,
        None => contents.miss(Missing::Running),
    }
    Ok(contents)
}

/// `at`: when it was refused.
fn read_refusal(
    directory: &Directory,
    session: SessionId,
    at: i64,
    place: Place,
    contents: &mut Contents,
) -> io::Result<()> {
    let mut follower = Follower::from(directory.clone(), session, place);
    follower.read(&mut |_, event| {
        let Event::Judged(judged) = event else {
            return Wants::More;
        };
        if i64::try_from(judged.at) != Ok(at) || judged.decision != Decision::Refused {
            return Wants::More;
        }
        contents.bound(judged.parameters.as_deref().unwrap_or_default());
        Wants::Nothing
    })?;
    Ok(())
}

fn read_attempt(
    directory: &Directory,
    session: SessionId,
    execution: u64,
    place: Place,
    contents: &mut Contents,
) -> io::Result<()> {
    let mut follower = Follower::from(directory.clone(), session, place);
    let mut found = false;
    // It begins in this block, or ends in one of those behind it.
    let reached = follower.read(&mut |_, event| {
        match event {
            Event::Attempted(event) if event.execution == execution => {
                contents.attempt(event);
                found = true;
            }
            Event::Sealed(event) if event.execution == Some(execution) => {
                contents.miss(Missing::Encrypted);
                found = true;
            }
            _ => {}
        }
        match found {
            true => Wants::Nothing,
            false => Wants::More,
        }
    });
    reached?;
    if !found {
        contents.miss(Missing::Damaged);
    }
    Ok(())
}

fn read_results(
    directory: &Directory,
    session: SessionId,
    execution: u64,
    place: Place,
    contents: &mut Contents,
) -> io::Result<()> {
    let mut follower = Follower::from(directory.clone(), session, place);
    let mut results = Results::new(contents.first);
    let (mut is_over, mut is_sealed, mut read) = (false, false, 0_u64);
    let reached = follower.read(&mut |_, event| {
        match event {
            _ if is_over => {}
            Event::Delivered(event) => {
                read = read.saturating_add(event.bytes.len() as u64);
                results.take(&event.bytes);
            }
            Event::Completed(event) if event.execution == execution => is_over = true,
            // What came before it is that of the one before.
            Event::Completed(_) => {
                results = Results::new(results.first);
                is_sealed = false;
            }
            Event::Sealed(_) => is_sealed = true,
            _ => {}
        }
        match is_over || results.has_more || read > MOST_READ {
            true => Wants::Nothing,
            false => Wants::More,
        }
    });
    reached?;
    if is_sealed {
        contents.miss(Missing::Encrypted);
    } else if follower.damages() > 0 {
        contents.miss(Missing::Damaged);
    } else if read > MOST_READ && !results.has_more {
        contents.miss(Missing::TooFar);
    }
    contents.columns = results.columns();
    contents.rows = results.rows;
    contents.has_more = results.has_more;
    contents.notes = results.notes;
    Ok(())
}

impl Contents {
    /// Masks what the viewer may not see.
    pub(super) fn mask(&mut self, hidden: &Hidden<'_>, entry: &StatementEntry) {
        let columns = entry.columns.as_deref();
        for row in &mut self.rows {
            for (index, cell) in row.iter_mut().enumerate() {
                if *cell != Cell::Null && hidden.column(columns, index) {
                    *cell = Cell::Masked;
                }
            }
        }
        if hidden.texts() {
            self.notes.retain(|note| !note.has_values);
        }
    }

    pub(super) fn miss(&mut self, missing: Missing) {
        self.missing.get_or_insert(missing);
    }

    fn attempt(&mut self, attempted: Attempted) {
        self.bound(&attempted.parameters);
        self.sent = attempted.rehearsal.and_then(|rehearsal| rehearsal.text);
    }

    fn bound(&mut self, parameters: &[Parameter]) {
        let parameters = parameters.iter().map(|parameter| ShownParameter {
            type_oid: parameter.type_oid,
            value: match (values::parameter(parameter), parameter.withheld) {
                (Some(text), _) => cell(text),
                (None, Some(length)) => Cell::Withheld(length),
                (None, None) => Cell::Null,
            },
        });
        self.parameters = parameters.collect();
    }
}

fn cell(mut text: String) -> Cell {
    match text.char_indices().nth(LONGEST_VALUE) {
        None => Cell::Text(text),
        Some((end, _)) => {
            text.truncate(end);
            Cell::Cut(text)
        }
    }
}

/// The messages of one execution as far as a page shows them.
struct Results {
    frames: Frames,
    described: Vec<(String, u32, i16)>,
    first: u64,
    count: u64,
    rows: Vec<Vec<Cell>>,
    has_more: bool,
    notes: Vec<Note>,
}

impl Results {
    fn new(first: u64) -> Self {
        Results {
            frames: Frames::default(),
            described: Vec::new(),
            first,
            count: 0,
            rows: Vec::new(),
            has_more: false,
            notes: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut frames = std::mem::take(&mut self.frames);
        let read = frames.take(bytes, &mut |frame| {
            self.message(frame);
            Ok(())
        });
        match read {
            Ok(None) => self.frames = frames,
            Ok(Some(error)) => self.note(format!("what follows cannot be read: {error}"), false),
            // Nothing is written.
            Err(_) => {}
        }
    }

    fn message(&mut self, frame: Frame<'_>) {
        match frame.tag {
            b'T' => {
                let Ok(description) = RowDescription::decode(frame.body) else {
                    return;
                };
                let fields = description.fields().map(|field| {
                    let name = String::from_utf8_lossy(field.name).into_owned();
                    (name, field.type_oid, field.format)
                });
                self.described = fields.collect();
            }
            b'D' => self.row(frame),
            b'C' => {
                if let Ok(complete) = CommandComplete::decode(frame.body) {
                    self.note(complete.tag.to_owned(), false);
                }
            }
            b'E' | b'N' => {
                if let Ok(fields) = ErrorFields::decode(frame.body) {
                    let (severity, sqlstate) = (fields.severity(), fields.sqlstate());
                    self.note(
                        format!("{severity}: {sqlstate}: {}", fields.message()),
                        true,
                    );
                }
            }
            b'd' => {
                let text = String::from_utf8_lossy(frame.body);
                self.note(text.trim_end_matches('\n').to_owned(), true);
            }
            // The others show nothing.
            _ => {}
        }
    }

    fn note(&mut self, text: String, has_values: bool) {
        if self.notes.len() < MOST_NOTES {
            let text = text.chars().take(LONGEST_VALUE).collect();
            self.notes.push(Note { text, has_values });
        }
    }

    fn row(&mut self, frame: Frame<'_>) {
        let number = self.count;
        self.count += 1;
        if number < self.first {
            return;
        }
        if self.rows.len() >= ROWS {
            self.has_more = true;
            return;
        }
        let Ok(row) = DataRow::decode(frame.body) else {
            return;
        };
        let cells = row.cells().enumerate().map(|(index, value)| match value {
            Ok(Some(value)) => {
                let described = self.described.get(index);
                let (type_oid, format) =
                    described.map_or((0, 0), |(_, oid, format)| (*oid, *format));
                cell(values::value_text(type_oid, format, value))
            }
            Ok(None) => Cell::Null,
            Err(_) => Cell::Cut(String::new()),
        });
        let cells = cells.collect();
        self.rows.push(cells);
    }

    /// Their names, or numbers where the row description came earlier.
    fn columns(&self) -> Vec<String> {
        let most = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let most = most.max(self.described.len());
        let names = (0..most).map(|index| match self.described.get(index) {
            Some((name, ..)) => name.clone(),
            None => format!("column {}", index + 1),
        });
        names.collect()
    }
}
