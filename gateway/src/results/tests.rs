//! The editor as its callers use it: rows in, rows out.

use bytes::BytesMut;

use super::*;
use gatewright_contract::{Batch, BatchReply, ColumnAction, Denial, Judged, PartialMask};

/// A judge that answers every batch with its function and records the batches.
pub(super) struct Scripted<'a> {
    pub(super) asked: Vec<(usize, Batch)>,
    answer: Box<Answer<'a>>,
}

type Answer<'a> = dyn FnMut(usize, &Batch) -> BatchReply + 'a;

impl<'a> Scripted<'a> {
    pub(super) fn new(answer: impl FnMut(usize, &Batch) -> BatchReply + 'a) -> Self {
        Self {
            asked: Vec::new(),
            answer: Box::new(answer),
        }
    }
}

impl BatchJudge for Scripted<'_> {
    fn on_batch(
        &mut self,
        step: usize,
        batch: &std::sync::Arc<Batch>,
    ) -> Judged<Result<BatchReply, Denial>> {
        self.asked.push((step, Batch::clone(batch)));
        Judged::Ready(Ok((self.answer)(step, batch)))
    }
}

pub(super) fn nobody() -> Scripted<'static> {
    Scripted::new(|_, _| panic!("no step requests a batch"))
}

pub(super) fn key() -> PseudonymKey {
    PseudonymKey::from_bytes([7; 32])
}

pub(super) fn shape(types: &[u32], format: Format) -> RowShape {
    let column = |(at, type_oid): (usize, &u32)| ShapeColumn {
        name: format!("c{at}"),
        type_oid: *type_oid,
        type_modifier: -1,
        format,
    };
    RowShape {
        columns: types.iter().enumerate().map(column).collect(),
    }
}

pub(super) fn editor(types: &[u32], steps: Vec<Vec<ColumnAction>>) -> ResultEditor {
    let steps = steps.into_iter().map(|actions| Step { actions }).collect();
    ResultEditor::new(shape(types, Format::Text), steps, RowCodec::DataRow, &key())
}

/// A DataRow body.
pub(super) fn row(cells: &[Option<&str>]) -> Vec<u8> {
    let mut body = (cells.len() as u16).to_be_bytes().to_vec();
    for cell in cells {
        match cell {
            Some(text) => {
                body.extend_from_slice(&(text.len() as i32).to_be_bytes());
                body.extend_from_slice(text.as_bytes());
            }
            None => body.extend_from_slice(&(-1i32).to_be_bytes()),
        }
    }
    body
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

pub(super) fn messages(rows: &[&[Option<&str>]]) -> Vec<u8> {
    rows.iter()
        .flat_map(|cells| message(b'D', &row(cells)))
        .collect()
}

pub(super) fn run(editor: &mut ResultEditor, rows: &[&[Option<&str>]]) -> (Vec<u8>, Flushed) {
    for cells in rows {
        editor.push(&row(cells)).expect("a valid row");
    }
    let mut out = BytesMut::new();
    let flushed = editor
        .flush(&mut nobody(), &mut out)
        .ready()
        .expect("an immediate answer")
        .expect("not refused");
    (out.to_vec(), flushed)
}

pub(super) fn partial(first: u32, last: u32) -> ColumnAction {
    ColumnAction::Partial(PartialMask {
        first,
        last,
        fill: '*',
    })
}

pub(super) const TEXT: u32 = 25;
pub(super) const INT4: u32 = 23;

#[test]
fn rows_without_masks_are_unchanged() {
    let mut editor = editor(
        &[TEXT, TEXT],
        vec![vec![ColumnAction::Pass, ColumnAction::Pass]],
    );
    assert!(editor.untouched());
    let rows: [&[_]; 2] = [&[Some("a"), None], &[Some(""), Some("b")]];
    let (out, flushed) = run(&mut editor, &rows);
    assert_eq!(out, messages(&rows));
    assert_eq!(
        flushed,
        Flushed {
            rows: 2,
            bytes: out.len() as u64,
            masked_cells: 0,
            dropped_rows: 0
        }
    );
}

#[test]
fn built_in_masks_change_only_their_cells() {
    let actions = vec![
        ColumnAction::Pass,
        ColumnAction::Nullify,
        ColumnAction::Fixed("gone".to_owned()),
        partial(1, 2),
        ColumnAction::Pass,
    ];
    let mut editor = editor(&[TEXT; 5], vec![actions]);
    let (out, flushed) = run(
        &mut editor,
        &[
            &[
                Some("a"),
                Some("b"),
                Some("c"),
                Some("0123456789"),
                Some("e"),
            ],
            &[None, None, None, None, None],
            &[Some("ü"), Some(""), Some(""), Some("äöü€z"), Some("x")],
        ],
    );
    let expected = messages(&[
        &[Some("a"), None, Some("gone"), Some("0*******89"), Some("e")],
        &[None, None, None, None, None],
        &[Some("ü"), None, Some("gone"), Some("ä**€z"), Some("x")],
    ]);
    assert_eq!(out, expected);
    assert_eq!((flushed.rows, flushed.masked_cells), (3, 6));
}

#[test]
fn short_values_are_masked_completely() {
    let mut editor = editor(&[TEXT], vec![vec![partial(2, 2)]]);
    let (out, _) = run(
        &mut editor,
        &[&[Some("abcd")], &[Some("abcde")], &[Some("ß")], &[Some("")]],
    );
    assert_eq!(
        out,
        messages(&[&[Some("****")], &[Some("ab*de")], &[Some("*")], &[Some("")]])
    );
}

#[test]
fn masks_of_several_steps_compose_and_null_wins() {
    let steps = vec![
        vec![
            partial(2, 0),
            ColumnAction::Nullify,
            ColumnAction::Fixed("abc".to_owned()),
        ],
        vec![
            partial(0, 1),
            ColumnAction::Fixed("never".to_owned()),
            partial(1, 0),
        ],
    ];
    let mut editor = editor(&[TEXT; 3], steps);
    let (out, _) = run(&mut editor, &[&[Some("hello"), Some("x"), Some("y")]]);
    assert_eq!(out, messages(&[&[Some("*****"), None, Some("a**")]]));
}

#[test]
fn pseudonyms_are_stable_per_label_and_valid_for_their_type() {
    let pseudonym = |label: &str| ColumnAction::Pseudonym(label.to_owned());
    let steps = vec![vec![
        pseudonym("mail"),
        pseudonym("mail"),
        pseudonym("phone"),
        pseudonym("n"),
        pseudonym("n"),
    ]];
    let mut editor = editor(&[TEXT, TEXT, TEXT, INT4, 1082], steps);
    editor
        .push(&row(&[
            Some("a"),
            Some("a"),
            Some("a"),
            Some("-5"),
            Some("2020-01-01"),
        ]))
        .expect("a valid row");
    let mut out = BytesMut::new();
    editor
        .flush(&mut nobody(), &mut out)
        .ready()
        .expect("an immediate answer")
        .expect("not refused");
    let cells = cells(&out[5..]);
    let texts: Vec<Option<String>> = cells
        .iter()
        .map(|cell| {
            cell.as_ref()
                .map(|bytes| String::from_utf8(bytes.clone()).expect("text"))
        })
        .collect();
    assert_eq!(texts[0], texts[1]);
    assert_ne!(texts[0], texts[2]);
    assert_eq!(texts[0].as_ref().map(String::len), Some(32));
    assert!(
        texts[3]
            .as_ref()
            .expect("a number")
            .parse::<i32>()
            .expect("a number")
            >= 0
    );
    assert_eq!(texts[4], None, "a date has no pseudonym");
}

#[test]
fn an_invalid_constant_becomes_null() {
    let steps = vec![vec![
        ColumnAction::Fixed("seven".to_owned()),
        ColumnAction::Fixed("7".to_owned()),
        partial(1, 0),
    ]];
    let mut editor = editor(&[INT4; 3], steps);
    let (out, _) = run(&mut editor, &[&[Some("1"), Some("2"), Some("345")]]);
    assert_eq!(out, messages(&[&[None, Some("7"), None]]));
}

#[test]
fn rows_that_do_not_match_their_description_are_rejected() {
    let mut wrong_count = editor(&[TEXT, TEXT], vec![vec![partial(0, 0), ColumnAction::Pass]]);
    assert_eq!(
        wrong_count.push(&row(&[Some("a")])),
        Err(ResultError::ColumnCount {
            expected: 2,
            found: 1
        })
    );
    let good = row(&[Some("abc")]);
    for end in 0..good.len() {
        let mut editor = editor(&[TEXT], vec![vec![partial(0, 0)]]);
        assert!(editor.push(&good[..end]).is_err(), "cut at {end}");
        assert!(
            editor
                .flush(&mut nobody(), &mut BytesMut::new())
                .ready()
                .expect("an immediate answer")
                .is_err(),
            "an editor that failed must keep failing"
        );
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(
        editor(&[TEXT], vec![vec![partial(0, 0)]])
            .push(&longer)
            .is_err()
    );
}

#[test]
fn held_rows_are_bounded() {
    let limits = Limits {
        pending_bytes: 10,
        text_bytes: 10,
        batch_rows: 2,
        ..Limits::default()
    };
    let steps = vec![Step {
        actions: vec![ColumnAction::Inspect(String::new())],
    }];
    let mut copy = ResultEditor::new(
        shape(&[TEXT], Format::Text),
        steps.clone(),
        RowCodec::CopyText(TextOptions::default()),
        &key(),
    )
    .with_limits(limits.clone());
    copy.push(b"123456789").expect("within the limit");
    assert_eq!(copy.push(b"01"), Err(ResultError::RowTooLong { limit: 10 }));
    let mut rows = ResultEditor::new(
        shape(&[TEXT], Format::Text),
        steps,
        RowCodec::DataRow,
        &key(),
    )
    .with_limits(limits);
    rows.push(&row(&[Some("12345678901")]))
        .expect("a valid row");
    assert!(!rows.wants_flush());
    rows.push(&row(&[Some("1")])).expect("a valid row");
    assert!(rows.wants_flush());
    assert_eq!(
        rows.flush(&mut nobody(), &mut BytesMut::new())
            .ready()
            .expect("an immediate answer"),
        Err(Stop::TooLarge {
            column: 0,
            limit: 10
        })
    );
}

/// Whoever reads a large result row by row does not wait for a whole batch of it.
#[test]
fn batches_begin_small_and_grow() {
    let mut editor = editor(&[TEXT], vec![vec![ColumnAction::Nullify]]);
    let mut batches = Vec::new();
    for _ in 0..20 {
        let mut rows = 0;
        while !editor.wants_flush() {
            editor.push(&row(&[Some("1")])).expect("a valid row");
            rows += 1;
        }
        let flushed = editor.flush(&mut nobody(), &mut BytesMut::new());
        let flushed = flushed.ready().expect("an immediate answer");
        assert_eq!(flushed.expect("not refused").rows, rows);
        batches.push(rows);
    }
    assert_eq!(batches[..8], [32, 64, 128, 256, 512, 1024, 2048, 4096]);
    assert!(batches[8..].iter().all(|rows| *rows == 4096));
    for _ in 0..4 {
        editor
            .push(&row(&[Some(&"x".repeat(100 << 10))]))
            .expect("a valid row");
    }
    assert!(editor.wants_flush());
}

#[test]
fn a_truncated_binary_copy_is_rejected() {
    let steps = vec![Step {
        actions: vec![ColumnAction::Nullify],
    }];
    let mut editor = ResultEditor::new(
        shape(&[TEXT], Format::Text),
        steps,
        RowCodec::CopyBinary,
        &key(),
    );
    editor
        .push(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01")
        .expect("a valid start");
    assert_eq!(editor.finish(), Err(ResultError::Truncated));
}

/// The cells of a DataRow body.
pub(super) fn cells(mut body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut cells = Vec::new();
    body = &body[2..];
    while let Some((length, rest)) = body.split_first_chunk::<4>() {
        let length = i32::from_be_bytes(*length);
        let (value, rest) = rest.split_at(length.max(0) as usize);
        cells.push((length >= 0).then(|| value.to_vec()));
        body = rest;
    }
    cells
}
