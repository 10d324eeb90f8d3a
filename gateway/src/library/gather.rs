//! What the index has of a session, put together from its events.

use std::collections::{BTreeMap, HashMap};

use gatewright_contract::StatementId;
use gatewright_record::Event;
use gatewright_record::event::{
    Attempted, Completed, Decision, Judged, Keep, Opened, PolicyAnswer, RehearsalWay, Time, Viewed,
};
use gatewright_record::follow::Place;
use gatewright_wire::backend::{DataRow, RowDescription};
use gatewright_wire::frame::Frame;

use super::frames::Frames;
use super::index::{IndexSettings, SessionEntry, StatementEntry, StatementPolicy, ViewingEntry};
use super::masks::{Eyes, Hidden, RecordMask};
use super::values;
use super::words;

/// The bytes of a text that are kept.
const LONGEST: usize = 64 << 10;

/// Judgements that are remembered for executions to come.
const JUDGEMENTS: usize = 10_000;

/// Reads the events of one session.
pub(super) struct Gatherer {
    pub session: SessionEntry,
    /// Those that are new or have changed.
    pub changed: BTreeMap<i64, StatementEntry>,
    /// New ones.
    pub viewings: Vec<ViewingEntry>,
    /// Executions that have not ended.
    running: BTreeMap<u64, StatementEntry>,
    judged: HashMap<StatementId, (u64, Box<Judged>)>,
    events: u64,
    last_number: i64,
    /// Where the results of the next execution begin.
    results: Option<Place>,
    /// Statements are indexed.
    keeps_statements: bool,
    masks: Vec<RecordMask>,
    /// `None`: results are not indexed.
    delivered: Option<Delivered>,
}

/// What is delivered of the execution that runs.
#[derive(Default)]
struct Delivered {
    frames: Frames,
    columns: Vec<(u32, i16)>,
    words: Vec<String>,
}

impl Gatherer {
    pub fn new(session: SessionEntry, settings: &IndexSettings) -> Self {
        let keep = settings.keep;
        Gatherer {
            session,
            changed: BTreeMap::new(),
            viewings: Vec::new(),
            running: BTreeMap::new(),
            judged: HashMap::new(),
            events: 0,
            last_number: 0,
            results: None,
            delivered: (keep == Keep::Rows).then(Delivered::default),
            keeps_statements: keep >= Keep::Statements,
            masks: settings.masks.clone(),
        }
    }

    pub fn take(&mut self, place: Place, event: Event<'_>) {
        self.events += 1;
        match event {
            Event::Opened(event) => {
                self.results = Some(place);
                self.opened(*event);
            }
            Event::Judged(event) => self.judged(place, event),
            Event::Attempted(event) => self.attempted(place, event),
            Event::Delivered(event) => {
                if let Some(delivered) = &mut self.delivered {
                    // Results come in the order of the executions.
                    let running = self.running.first_key_value();
                    let columns = running.and_then(|(_, entry)| entry.columns.as_deref());
                    let hidden = Hidden::from(&self.masks, Eyes::Anybody);
                    delivered.take(&event.bytes, &|index| hidden.column(columns, index));
                }
            }
            Event::Completed(event) => self.completed(place, &event),
            Event::Truncated(_) => {
                // What follows does not go on with the message that has begun.
                if let Some(delivered) = &mut self.delivered {
                    *delivered = Delivered::default();
                }
            }
            Event::Ended(event) => {
                self.session.ended_at = Some(micros(event.at));
                self.session.ended = Some(event.why);
            }
            Event::Sealed(event) => {
                self.session.is_sealed = true;
                if let Some(execution) = event.execution {
                    let entry = StatementEntry::of_execution(execution);
                    self.begin(place, entry);
                }
            }
            Event::Viewed(event) => self.viewed(&event),
            Event::Received(_) | Event::Continued(_) => {}
        }
    }

    fn opened(&mut self, opened: Opened) {
        let session = &mut self.session;
        session.opened_at = micros(opened.at);
        session.gateway = opened.gateway;
        session.issuer = opened.issuer;
        session.subject = opened.subject;
        session.groups = opened.groups;
        session.agent = opened.agent;
        session.task = opened.task;
        session.database = opened.database;
        session.role = opened.role;
        session.client_address = opened.client_address;
        session.application = opened.application;
        session.keep = values::keep(opened.keep).to_owned();
        session.literals = values::literals(opened.literals.unwrap_or_default()).to_owned();
    }

    fn viewed(&mut self, viewed: &Viewed) {
        self.session.viewings += 1;
        let number = self.session.viewings;
        let statement = viewed.statement;
        let statement = statement.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        self.viewings.push(ViewingEntry {
            number,
            at: micros(viewed.at),
            sessions: viewed.sessions.iter().map(ToString::to_string).collect(),
            statement,
        });
    }

    fn judged(&mut self, place: Place, judged: Box<Judged>) {
        if judged.decision == Decision::Refused {
            self.session.refusals += 1;
            self.last_number += 1;
            let mut entry = StatementEntry {
                number: self.last_number,
                began_at: micros(judged.at),
                attempted_in: Some(place),
                ..StatementEntry::default()
            };
            entry.judge(&judged);
            self.note(entry);
            return;
        }
        if self.judged.len() >= JUDGEMENTS {
            let mut ages: Vec<u64> = self.judged.values().map(|(age, _)| *age).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or_default();
            self.judged.retain(|_, (age, _)| *age > middle);
        }
        self.judged.insert(judged.statement, (self.events, judged));
    }

    fn attempted(&mut self, place: Place, attempted: Attempted) {
        let mut entry = StatementEntry {
            began_at: micros(attempted.at),
            approvals: attempted
                .approvals
                .iter()
                .map(ToString::to_string)
                .collect(),
            rehearsal: attempted.rehearsal.map(|rehearsal| {
                let way = match rehearsal.way {
                    RehearsalWay::Estimate => "estimate",
                    RehearsalWay::Run => "run",
                };
                way.to_owned()
            }),
            ..StatementEntry::of_execution(attempted.execution)
        };
        if let Some((age, judged)) = self.judged.get_mut(&attempted.statement) {
            *age = self.events;
            entry.judge(judged);
        }
        self.begin(place, entry);
    }

    fn begin(&mut self, place: Place, mut entry: StatementEntry) {
        self.last_number += 1;
        self.session.executions += 1;
        entry.number = self.last_number;
        entry.attempted_in = Some(place);
        let execution = entry.execution.unwrap_or_default();
        let execution = u64::try_from(execution).unwrap_or_default();
        self.note(entry.clone());
        self.running.insert(execution, entry);
    }

    fn completed(&mut self, place: Place, completed: &Completed) {
        let results = self.results.replace(place);
        let words = self.delivered.as_mut().map(|delivered| {
            delivered.columns = Vec::new();
            std::mem::take(&mut delivered.words)
        });
        let rows = i64::try_from(completed.rows).unwrap_or(i64::MAX);
        self.session.rows = self.session.rows.saturating_add(rows);
        let Some(mut entry) = self.running.remove(&completed.execution) else {
            return;
        };
        let elapsed = i64::try_from(completed.elapsed_us).unwrap_or(i64::MAX);
        if entry.began_at == 0 {
            entry.began_at = micros(completed.at).saturating_sub(elapsed);
        }
        entry.elapsed_us = Some(elapsed);
        entry.outcome = Some(completed.outcome.name().to_owned());
        entry.sqlstate = Some(completed.sqlstate.clone()).filter(|code| !code.is_empty());
        entry.rows = rows;
        entry.masked_values = i64::try_from(completed.masked_cells).unwrap_or(i64::MAX);
        entry.changed = completed
            .changed
            .map(|changed| i64::try_from(changed).unwrap_or(i64::MAX));
        entry.results_in = results;
        entry.result_words = words.unwrap_or_default();
        self.note(entry);
    }

    fn note(&mut self, entry: StatementEntry) {
        if self.keeps_statements {
            self.changed.insert(entry.number, entry);
        }
    }
}

impl StatementEntry {
    fn of_execution(execution: u64) -> Self {
        StatementEntry {
            execution: Some(i64::try_from(execution).unwrap_or(i64::MAX)),
            ..StatementEntry::default()
        }
    }

    fn judge(&mut self, judged: &Judged) {
        let (text, is_cut) = cut(values::text(judged));
        self.text = Some(text);
        self.is_cut = is_cut;
        self.instead = judged.instead.clone().map(|instead| cut(instead).0);
        self.decision = Some(
            match judged.decision {
                Decision::Permitted => "permitted",
                Decision::NeedsApproval => "needs-approval",
                Decision::Refused => "refused",
            }
            .to_owned(),
        );
        self.sqlstate.clone_from(&judged.sqlstate);
        self.message = judged.message.clone().map(|message| cut(message).0);
        self.columns.clone_from(&judged.columns);
        self.verb.clone_from(&judged.verb);
        self.tables.clone_from(&judged.tables);
        let policies = judged.policies.iter().map(|policy| StatementPolicy {
            name: policy.name.clone(),
            version: policy.version.clone(),
            answer: answer(policy.answer).to_owned(),
            shadow: policy.shadow.map(|shadow| answer(shadow).to_owned()),
        });
        self.policies = policies.collect();
    }
}

fn answer(answer: PolicyAnswer) -> &'static str {
    match answer {
        PolicyAnswer::Allowed => "allowed",
        PolicyAnswer::Denied => "denied",
        PolicyAnswer::RequiresApproval => "requires-approval",
        PolicyAnswer::Rewrote => "rewrote",
        PolicyAnswer::NotAsked => "not-asked",
    }
}

/// The beginning of a text, and whether it is not all of it.
fn cut(mut text: String) -> (String, bool) {
    if text.len() <= LONGEST {
        return (text, false);
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (text, true)
}

fn micros(at: Time) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

impl Delivered {
    /// `is_hidden`: columns whose values are not indexed.
    fn take(&mut self, bytes: &[u8], is_hidden: &dyn Fn(usize) -> bool) {
        let mut frames = std::mem::take(&mut self.frames);
        // What cannot be read as messages is not indexed.
        let read = frames.take(bytes, &mut |frame| {
            self.message(frame, is_hidden);
            Ok(())
        });
        if matches!(read, Ok(None)) {
            self.frames = frames;
        }
    }

    fn message(&mut self, frame: Frame<'_>, is_hidden: &dyn Fn(usize) -> bool) {
        match frame.tag {
            b'T' => {
                let columns = RowDescription::decode(frame.body).map(|description| {
                    let fields = description.fields();
                    fields.map(|field| (field.type_oid, field.format)).collect()
                });
                self.columns = columns.unwrap_or_default();
            }
            b'D' => self.row(frame, is_hidden),
            // The others have no cells.
            _ => {}
        }
    }

    fn row(&mut self, frame: Frame<'_>, is_hidden: &dyn Fn(usize) -> bool) {
        let Ok(row) = DataRow::decode(frame.body) else {
            return;
        };
        for (index, cell) in row.cells().enumerate() {
            let (type_oid, format) = self.columns.get(index).copied().unwrap_or_default();
            let Ok(Some(value)) = cell else { continue };
            if is_hidden(index) {
                continue;
            }
            if self.words.len() >= words::MOST {
                return;
            }
            let text = values::value_text(type_oid, format, value);
            self.words.extend(words::words(&text));
            // A phrase does not go on in the next cell.
            self.words.push(String::new());
        }
    }
}
