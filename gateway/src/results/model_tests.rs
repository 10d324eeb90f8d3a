//! The editor against a model that works cell by cell: random rows, plans, replies and batch boundaries.

use bytes::BytesMut;
use gatewright_contract::{BatchEdit, BatchReply, ColumnAction, ColumnReply, PackedColumn};
use proptest::prelude::*;

use super::tests::{Scripted, TEXT, editor, key, message, partial, row, shape};
use super::*;

type Cell = Option<String>;
type Row = Vec<Cell>;

const WIDTH: usize = 3;

/// What the tests' judge answers for a value: a pure function, so that the model can use it, too.
fn opinion(step: usize, value: &Cell) -> Cell {
    match value {
        Some(text) if text.contains('n') => None,
        Some(text) if text.contains('r') => Some(format!("{text}{step}")),
        None if step == 1 => Some("born".to_owned()),
        other => other.clone(),
    }
}

/// A row goes if a cell that the step inspects or observes says so.
fn stays(step: usize, cells: &[Cell]) -> bool {
    let mark = if step == 0 { "d" } else { "dd" };
    !cells.iter().flatten().any(|text| text.contains(mark))
}

fn judge() -> Scripted<'static> {
    Scripted::new(|step, batch| {
        let rows = batch.rows as usize;
        let value = |column: usize, row: usize| -> Cell {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
            batch.columns[column].data.value(row).map(text)
        };
        let mut keep = vec![0; rows.div_ceil(8)];
        for row in 0..rows {
            let cells: Row = (0..batch.columns.len())
                .map(|column| value(column, row))
                .collect();
            keep[row / 8] |= u8::from(stays(step, &cells)) << (row % 8);
        }
        let columns = (0..batch.columns.len()).map(|column| {
            // The last column is observed by every plan of these tests that asks for it.
            if batch.columns[column].index as usize == WIDTH - 1 {
                return ColumnReply::Unchanged;
            }
            let mut packed = PackedColumn {
                offsets: vec![0],
                validity: vec![0; rows.div_ceil(8)],
                values: Vec::new(),
            };
            for row in 0..rows {
                if let Some(text) = opinion(step, &value(column, row)) {
                    packed.values.extend_from_slice(text.as_bytes());
                    packed.validity[row / 8] |= 1 << (row % 8);
                }
                packed.offsets.push(packed.values.len() as u32);
            }
            ColumnReply::Replaced(packed)
        });
        BatchReply::Edit(BatchEdit {
            columns: columns.collect(),
            keep_rows: Some(keep),
        })
    })
}

/// The model: one row through all steps; `None` if it is dropped.
fn expected(cells: &Row, steps: &[Vec<ColumnAction>]) -> Option<Row> {
    let mut cells = cells.clone();
    let mut nullified = [false; WIDTH];
    for (step, actions) in steps.iter().enumerate() {
        let mut seen = Vec::new();
        for (at, action) in actions.iter().enumerate() {
            let present = cells[at].clone();
            match action {
                ColumnAction::Nullify => {
                    cells[at] = None;
                    nullified[at] = true;
                }
                ColumnAction::Fixed(text) => cells[at] = present.map(|_| text.clone()),
                ColumnAction::Partial(mask) => {
                    cells[at] =
                        present.map(|text| masked(&text, mask.first as usize, mask.last as usize))
                }
                ColumnAction::Inspect(_) => {
                    seen.push(present.clone());
                    if !nullified[at] {
                        cells[at] = opinion(step, &present);
                    }
                }
                ColumnAction::Observe(_) => seen.push(present),
                ColumnAction::Pass | ColumnAction::Pseudonym(_) => {}
            }
        }
        if !seen.is_empty() && !stays(step, &seen) {
            return None;
        }
    }
    // A nullified column stays NULL whatever follows.
    for (at, nullified) in nullified.iter().enumerate() {
        if *nullified {
            cells[at] = None;
        }
    }
    Some(cells)
}

fn masked(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    let kept = |at: usize| first + last < length && (at < first || at >= length - last);
    text.chars()
        .enumerate()
        .map(|(at, character)| if kept(at) { character } else { '*' })
        .collect()
}

fn action(last: bool) -> impl Strategy<Value = ColumnAction> {
    let seen = if last {
        ColumnAction::Observe(String::new())
    } else {
        ColumnAction::Inspect(String::new())
    };
    prop_oneof![
        3 => Just(seen),
        3 => Just(ColumnAction::Pass),
        1 => Just(ColumnAction::Nullify),
        1 => Just(ColumnAction::Fixed("fixed".to_owned())),
        2 => (0u32..3, 0u32..3).prop_map(|(first, last)| partial(first, last)),
    ]
}

fn plan() -> impl Strategy<Value = Vec<ColumnAction>> {
    (action(false), action(false), action(true)).prop_map(|(a, b, c)| vec![a, b, c])
}

fn table() -> impl Strategy<Value = Vec<Row>> {
    let cell = prop::option::weighted(0.8, "[adnrü]{0,5}");
    prop::collection::vec(prop::collection::vec(cell, WIDTH), 0..24)
}

fn body(cells: &Row) -> Vec<u8> {
    row(&cells.iter().map(Option::as_deref).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn rows_match_the_model(
        table in table(),
        steps in prop::collection::vec(plan(), 0..4),
        border in 1usize..30,
    ) {
        let mut editor = editor(&[TEXT; WIDTH], steps.clone());
        let mut out = BytesMut::new();
        let mut total = Flushed::default();
        for batch in table.chunks(border) {
            for cells in batch {
                editor.push(&body(cells)).expect("a valid row");
            }
            let flushed = editor.flush(&mut judge(), &mut out).ready().expect("an immediate answer").expect("not refused");
            total.rows += flushed.rows;
            total.dropped_rows += flushed.dropped_rows;
            total.bytes += flushed.bytes;
        }
        let rows: Vec<Row> = table.iter().filter_map(|cells| expected(cells, &steps)).collect();
        let messages: Vec<u8> = rows.iter().flat_map(|cells| message(b'D', &body(cells))).collect();
        prop_assert_eq!(&out[..], &messages[..]);
        prop_assert_eq!(total.rows, rows.len() as u64);
        prop_assert_eq!(total.rows + total.dropped_rows, table.len() as u64);
        prop_assert_eq!(total.bytes, out.len() as u64);
    }

    /// The editor rejects arbitrary input or returns well-formed messages; it never panics.
    #[test]
    fn arbitrary_bodies_are_refused_or_edited(
        bodies in prop::collection::vec(arbitrary_body(), 0..6),
        codec in prop_oneof![
            Just(RowCodec::DataRow),
            Just(RowCodec::CopyText(TextOptions::default())),
            Just(RowCodec::CopyCsv(CsvOptions::default())),
            Just(RowCodec::CopyBinary),
        ],
        types in prop::collection::vec(prop_oneof![Just(TEXT), Just(23u32), Just(1700), Just(1009), Just(3802), Just(99_999)], WIDTH),
        steps in prop::collection::vec(plan(), 1..4),
    ) {
        let steps = steps.into_iter().map(|actions| Step { actions }).collect();
        let mut editor = ResultEditor::new(shape(&types, Format::Binary), steps, codec, &key());
        let mut out = BytesMut::new();
        let refused = bodies.iter().any(|body| editor.push(body).is_err()) || editor.finish().is_err();
        let flushed = editor.flush(&mut judge(), &mut out).ready().expect("an immediate answer");
        prop_assert_eq!(flushed.is_err(), refused);
        let mut rest = &out[..];
        while let Some((header, after)) = rest.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            prop_assert!(matches!(header[0], b'd' | b'D') && length >= 4 && length - 4 <= after.len());
            rest = &after[length - 4..];
        }
        prop_assert!(rest.is_empty());
    }
}

/// Noise, or a framed row of noise, with or without the header of binary COPY data.
fn arbitrary_body() -> impl Strategy<Value = Vec<u8>> {
    let noise = |length| prop::collection::vec(arbitrary_byte(), 0..length);
    let cells = prop::collection::vec(prop::option::of(noise(14)), WIDTH);
    let framed = (any::<bool>(), cells).prop_map(|(header, cells)| {
        let mut body = if header {
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec()
        } else {
            Vec::new()
        };
        body.extend_from_slice(&(WIDTH as u16).to_be_bytes());
        for cell in cells {
            let length = cell.as_ref().map_or(-1, |cell| cell.len() as i32);
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(&cell.unwrap_or_default());
        }
        body
    });
    prop_oneof![noise(60), framed]
}

/// Bytes that are special to codecs, more often than others.
fn arbitrary_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        Just(0u8),
        Just(0xff),
        Just(3),
        Just(4),
        Just(b'\n'),
        Just(b'\t'),
        Just(b','),
        Just(b'"'),
        Just(b'\\'),
        any::<u8>()
    ]
}

/// A session may move between threads, and its editor with it.
#[test]
fn editors_are_sent_between_threads() {
    fn sent<T: Send>(_: T) {}
    sent(editor(
        &[TEXT],
        vec![vec![ColumnAction::Pseudonym("label".to_owned())]],
    ));
}
