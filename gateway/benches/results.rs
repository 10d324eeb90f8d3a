//! What editing costs per row: 4,096 DataRows (and COPY lines) of five text columns of about 19 bytes, 5 % NULL.
//! A counter of 4,096 items per iteration makes divan print rows per second.

use std::sync::Arc;

use bytes::BytesMut;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gatewright::results::{
    BatchJudge, CsvOptions, Format, PseudonymKey, ResultEditor, RowCodec, RowShape, ShapeColumn,
    Step, TextOptions,
};
use gatewright_contract::{
    Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Denial, Judged, PartialMask,
};

const ROWS: usize = 4096;
const COLUMNS: usize = 5;
const MASKED: usize = 2;

fn main() {
    divan::main();
}

/// A policy that looks and changes nothing.
struct Onlooker;

impl BatchJudge for Onlooker {
    fn on_batch(&mut self, _: usize, batch: &Arc<Batch>) -> Judged<Result<BatchReply, Denial>> {
        let columns = batch
            .columns
            .iter()
            .map(|_| ColumnReply::Unchanged)
            .collect();
        Judged::Ready(Ok(BatchReply::Edit(BatchEdit {
            columns,
            keep_rows: None,
        })))
    }
}

fn cell(row: usize, column: usize) -> Option<String> {
    (!(row * 31 + column).is_multiple_of(20)).then(|| format!("value {row:06} of {column:04}"))
}

fn data_rows() -> Vec<Vec<u8>> {
    let row = |row: usize| {
        let mut body = (COLUMNS as u16).to_be_bytes().to_vec();
        for column in 0..COLUMNS {
            match cell(row, column) {
                Some(text) => {
                    body.extend_from_slice(&(text.len() as i32).to_be_bytes());
                    body.extend_from_slice(text.as_bytes());
                }
                None => body.extend_from_slice(&(-1i32).to_be_bytes()),
            }
        }
        body
    };
    (0..ROWS).map(row).collect()
}

fn lines(delimiter: &str, null: &str) -> Vec<Vec<u8>> {
    let line = |row: usize| {
        let cells: Vec<String> = (0..COLUMNS)
            .map(|column| cell(row, column).unwrap_or_else(|| null.to_owned()))
            .collect();
        format!("{}\n", cells.join(delimiter)).into_bytes()
    };
    (0..ROWS).map(line).collect()
}

fn editor(action: ColumnAction, codec: RowCodec) -> ResultEditor {
    let column = |at| ShapeColumn {
        name: format!("c{at}"),
        type_oid: 25,
        type_modifier: -1,
        format: Format::Text,
    };
    let shape = RowShape {
        columns: (0..COLUMNS).map(column).collect(),
    };
    let actions = (0..COLUMNS).map(|at| {
        if at == MASKED {
            action.clone()
        } else {
            ColumnAction::Pass
        }
    });
    ResultEditor::new(
        shape,
        vec![Step {
            actions: actions.collect(),
        }],
        codec,
        &PseudonymKey::from_bytes([1; 32]),
    )
}

fn run(bencher: Bencher, action: ColumnAction, codec: RowCodec, bodies: &[Vec<u8>]) {
    let mut editor = editor(action, codec);
    let mut out = BytesMut::new();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for body in bodies {
            editor.push(black_box(body)).expect("good rows");
            if editor.wants_flush() {
                out.clear();
                editor
                    .flush(&mut Onlooker, &mut out)
                    .ready()
                    .expect("an answer at once")
                    .expect("no refusal");
            }
        }
        out.clear();
        editor
            .flush(&mut Onlooker, &mut out)
            .ready()
            .expect("an answer at once")
            .expect("no refusal")
    });
}

fn partial() -> ColumnAction {
    ColumnAction::Partial(PartialMask {
        first: 2,
        last: 4,
        fill: '*',
    })
}

#[divan::bench]
fn data_row_pass(bencher: Bencher) {
    run(bencher, ColumnAction::Pass, RowCodec::DataRow, &data_rows());
}

#[divan::bench]
fn data_row_nullify(bencher: Bencher) {
    run(
        bencher,
        ColumnAction::Nullify,
        RowCodec::DataRow,
        &data_rows(),
    );
}

#[divan::bench]
fn data_row_fixed(bencher: Bencher) {
    run(
        bencher,
        ColumnAction::Fixed("redacted".to_owned()),
        RowCodec::DataRow,
        &data_rows(),
    );
}

#[divan::bench]
fn data_row_partial(bencher: Bencher) {
    run(bencher, partial(), RowCodec::DataRow, &data_rows());
}

#[divan::bench]
fn data_row_pseudonym(bencher: Bencher) {
    run(
        bencher,
        ColumnAction::Pseudonym("mail".to_owned()),
        RowCodec::DataRow,
        &data_rows(),
    );
}

#[divan::bench]
fn data_row_inspect(bencher: Bencher) {
    run(
        bencher,
        ColumnAction::Inspect(String::new()),
        RowCodec::DataRow,
        &data_rows(),
    );
}

#[divan::bench]
fn copy_text_fixed(bencher: Bencher) {
    run(
        bencher,
        ColumnAction::Fixed("redacted".to_owned()),
        RowCodec::CopyText(TextOptions::default()),
        &lines("\t", "\\N"),
    );
}

#[divan::bench]
fn copy_text_partial(bencher: Bencher) {
    run(
        bencher,
        partial(),
        RowCodec::CopyText(TextOptions::default()),
        &lines("\t", "\\N"),
    );
}

#[divan::bench]
fn copy_csv_partial(bencher: Bencher) {
    run(
        bencher,
        partial(),
        RowCodec::CopyCsv(CsvOptions::default()),
        &lines(",", ""),
    );
}
