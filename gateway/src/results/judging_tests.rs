//! Inspecting and observing steps: what the judge is shown, and what its replies do.

use bytes::BytesMut;
use gatewright_contract::{
    Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Denial, PackedColumn,
};

use super::tests::{INT4, Scripted, TEXT, editor, key, message, messages, partial, row, shape};
use super::*;

type Cells<'a> = [Option<&'a str>];

fn packed(values: &[Option<&str>]) -> PackedColumn {
    let mut column = PackedColumn {
        offsets: vec![0],
        validity: vec![0; values.len().div_ceil(8)],
        values: Vec::new(),
    };
    for (at, value) in values.iter().enumerate() {
        if let Some(value) = value {
            column.values.extend_from_slice(value.as_bytes());
            column.validity[at / 8] |= 1 << (at % 8);
        }
        column.offsets.push(column.values.len() as u32);
    }
    column
}

fn shown(batch: &Batch, column: usize) -> Vec<Option<String>> {
    let data = &batch.columns[column].data;
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("UTF-8");
    (0..batch.rows as usize)
        .map(|row| data.value(row).map(text))
        .collect()
}

fn edit(columns: Vec<ColumnReply>) -> BatchReply {
    BatchReply::Edit(BatchEdit {
        columns,
        keep_rows: None,
    })
}

fn flush(
    editor: &mut ResultEditor,
    rows: &[&Cells],
    judge: &mut Scripted,
) -> Result<(Vec<u8>, Flushed), Stop> {
    for cells in rows {
        editor.push(&row(cells)).expect("a valid row");
    }
    let mut out = BytesMut::new();
    let flushed = editor
        .flush(judge, &mut out)
        .ready()
        .expect("an immediate answer");
    assert!(
        flushed.is_ok() || out.is_empty(),
        "a stopped result returns nothing of its batch"
    );
    flushed.map(|flushed| (out.to_vec(), flushed))
}

#[test]
fn a_judge_sees_only_the_columns_its_step_asked_for() {
    let mut editor = editor(
        &[TEXT, TEXT, INT4],
        vec![vec![
            ColumnAction::Pass,
            ColumnAction::Inspect("mail".to_owned()),
            ColumnAction::Observe("country".to_owned()),
        ]],
    );
    let mut judge =
        Scripted::new(|_, _| edit(vec![ColumnReply::Unchanged, ColumnReply::Unchanged]));
    let rows: [&Cells; 2] = [
        &[Some("a"), Some("b"), Some("1")],
        &[Some("c"), None, Some("2")],
    ];
    let (out, flushed) = flush(&mut editor, &rows, &mut judge).expect("not refused");
    assert_eq!(out, messages(&rows));
    assert_eq!(flushed.masked_cells, 0);
    let (step, batch) = &judge.asked[0];
    assert_eq!(
        (*step, batch.rows, batch.sequence, batch.columns.len()),
        (0, 2, 0, 2)
    );
    assert_eq!(
        batch
            .columns
            .iter()
            .map(|column| (column.index, column.label.as_str()))
            .collect::<Vec<_>>(),
        [(1, "mail"), (2, "country")]
    );
    assert_eq!(shown(batch, 0), [Some("b".to_owned()), None]);
    assert_eq!(
        shown(batch, 1),
        [Some("1".to_owned()), Some("2".to_owned())]
    );
}

#[test]
fn replies_replace_nullify_and_drop() {
    let mut editor = editor(
        &[TEXT; 4],
        vec![vec![ColumnAction::Inspect(String::new()); 4]],
    );
    let mut judge = Scripted::new(|_, _| {
        BatchReply::Edit(BatchEdit {
            columns: vec![
                ColumnReply::Replaced(packed(&[Some("A"), None, Some("c")])),
                ColumnReply::Nullify,
                ColumnReply::NullifyRows(vec![0b001]),
                ColumnReply::Unchanged,
            ],
            keep_rows: Some(vec![0b101]),
        })
    });
    let rows: [&Cells; 3] = [
        &[Some("a"), Some("1"), Some("x"), Some("y")],
        &[Some("b"), Some("2"), Some("x"), Some("y")],
        &[Some("c"), None, Some("x"), Some("y")],
    ];
    let (out, flushed) = flush(&mut editor, &rows, &mut judge).expect("not refused");
    let expected = messages(&[
        &[Some("A"), None, None, Some("y")],
        &[Some("c"), None, Some("x"), Some("y")],
    ]);
    assert_eq!(out, expected);
    assert_eq!(
        (flushed.rows, flushed.dropped_rows, flushed.masked_cells),
        (2, 1, 3)
    );
}

#[test]
fn later_steps_see_the_results_of_earlier_ones() {
    let steps = vec![
        vec![
            ColumnAction::Inspect(String::new()),
            partial(1, 0),
            ColumnAction::Nullify,
            ColumnAction::Fixed("f".to_owned()),
        ],
        vec![
            ColumnAction::Observe(String::new()),
            ColumnAction::Inspect(String::new()),
            ColumnAction::Inspect(String::new()),
            ColumnAction::Observe(String::new()),
        ],
        vec![
            partial(0, 1),
            ColumnAction::Pass,
            ColumnAction::Fixed("never".to_owned()),
            ColumnAction::Pass,
        ],
    ];
    let mut editor = editor(&[TEXT; 4], steps);
    let mut judge = Scripted::new(|step, batch| match step {
        0 => BatchReply::Edit(BatchEdit {
            columns: vec![ColumnReply::Replaced(packed(&[
                Some("one"),
                Some("two"),
                Some("three"),
            ]))],
            keep_rows: Some(vec![0b110]),
        }),
        _ => {
            assert_eq!(batch.rows, 2);
            assert_eq!(
                shown(batch, 0),
                [Some("two".to_owned()), Some("three".to_owned())]
            );
            assert_eq!(
                shown(batch, 1),
                [Some("b**".to_owned()), Some("c**".to_owned())]
            );
            assert_eq!(shown(batch, 2), [None, None]);
            assert_eq!(shown(batch, 3), [Some("f".to_owned()), None]);
            let brought_back = ColumnReply::Replaced(packed(&[Some("no"), Some("no")]));
            let second = ColumnReply::Replaced(packed(&[Some("b**"), Some("changed")]));
            edit(vec![
                ColumnReply::Unchanged,
                second,
                brought_back,
                ColumnReply::Unchanged,
            ])
        }
    });
    let rows: [&Cells; 3] = [
        &[Some("u"), Some("aaa"), Some("n"), Some("q")],
        &[Some("v"), Some("bbb"), Some("n"), Some("q")],
        &[Some("w"), Some("ccc"), Some("n"), None],
    ];
    let (out, _) = flush(&mut editor, &rows, &mut judge).expect("not refused");
    let expected = messages(&[
        &[Some("**o"), Some("b**"), None, Some("f")],
        &[Some("****e"), Some("changed"), None, None],
    ]);
    assert_eq!(out, expected);
}

#[test]
fn invalid_replacements_become_null() {
    let mut editor = editor(
        &[INT4, 99_999, TEXT],
        vec![vec![ColumnAction::Inspect(String::new()); 3]],
    );
    let mut judge = Scripted::new(|_, _| {
        let mut not_utf8 = packed(&[Some("a"), Some("b")]);
        not_utf8.values[0] = 0xff;
        edit(vec![
            ColumnReply::Replaced(packed(&[Some("7"), Some("seven")])),
            ColumnReply::Replaced(packed(&[Some("same"), Some("other")])),
            ColumnReply::Replaced(not_utf8),
        ])
    });
    let rows: [&Cells; 2] = [
        &[Some("1"), Some("same"), Some("x")],
        &[Some("2"), Some("same"), Some("y")],
    ];
    let (out, flushed) = flush(&mut editor, &rows, &mut judge).expect("not refused");
    assert_eq!(
        out,
        messages(&[&[Some("7"), Some("same"), None], &[None, None, Some("b")]])
    );
    assert_eq!(flushed.masked_cells, 5);
}

#[test]
fn replies_that_do_not_fit_the_batch_stop_the_result() {
    let short = |rows: usize| packed(&vec![Some("x"); rows]);
    let mut backwards = short(2);
    backwards.offsets = vec![0, 2, 1];
    let mut outside = short(2);
    outside.offsets = vec![0, 1, 9];
    let mut blind = short(2);
    blind.validity.clear();
    let mut replies = vec![
        edit(vec![]),
        edit(vec![
            ColumnReply::NullifyRows(vec![]),
            ColumnReply::Unchanged,
        ]),
        edit(vec![ColumnReply::Unchanged, ColumnReply::Nullify]),
        BatchReply::Edit(BatchEdit {
            columns: vec![ColumnReply::Unchanged; 2],
            keep_rows: Some(vec![]),
        }),
    ];
    for column in [short(1), short(3), backwards, outside, blind] {
        replies.push(edit(vec![
            ColumnReply::Replaced(column),
            ColumnReply::Unchanged,
        ]));
    }
    for reply in replies {
        let mut editor = editor(
            &[TEXT, TEXT],
            vec![vec![
                ColumnAction::Inspect(String::new()),
                ColumnAction::Observe(String::new()),
            ]],
        );
        let mut judge = Scripted::new(|_, _| reply.clone());
        let rows: [&Cells; 2] = [&[Some("a"), Some("b")], &[Some("c"), Some("d")]];
        let stop = flush(&mut editor, &rows, &mut judge).expect_err("an invalid reply");
        assert!(
            matches!(stop, Stop::Illegal { step: 0, .. }),
            "{reply:?}: {stop}"
        );
    }
}

#[test]
fn a_denial_ends_the_result() {
    let denial = Denial {
        code: "enough".to_owned(),
        message: "no".to_owned(),
        hint: None,
        sqlstate: None,
    };
    let mut editor = editor(&[TEXT], vec![vec![ColumnAction::Observe(String::new())]]);
    let mut judge = Scripted::new(|_, _| BatchReply::Stop(denial.clone()));
    let stop = flush(&mut editor, &[&[Some("a")]], &mut judge).expect_err("a denial");
    assert_eq!(
        stop,
        Stop::Denied {
            step: 0,
            denial: denial.clone()
        }
    );
}

/// Values that cannot be read are hidden from the judge, and from the client unless every step merely looks on.
#[test]
fn what_cannot_be_read_does_not_get_through_a_mask() {
    let body = row(&[Some("\u{1}\u{2}\u{3}")]);
    for (type_oid, action, passes) in [
        (INT4, ColumnAction::Inspect(String::new()), false),
        (INT4, ColumnAction::Observe(String::new()), true),
        (INT4, partial(9, 9), false),
        (INT4, ColumnAction::Pseudonym("n".to_owned()), false),
        (99_999, ColumnAction::Inspect(String::new()), false),
        (99_999, ColumnAction::Fixed("f".to_owned()), false),
        (99_999, partial(0, 0), false),
        (99_999, ColumnAction::Pass, true),
    ] {
        let steps = vec![Step {
            actions: vec![action.clone()],
        }];
        let mut editor = ResultEditor::new(
            shape(&[type_oid], Format::Binary),
            steps,
            RowCodec::DataRow,
            &key(),
        );
        editor.push(&body).expect("a valid row");
        let mut judge = Scripted::new(|_, batch| {
            assert_eq!(shown(batch, 0), [None]);
            edit(vec![ColumnReply::Unchanged])
        });
        let mut out = BytesMut::new();
        editor
            .flush(&mut judge, &mut out)
            .ready()
            .expect("an immediate answer")
            .expect("not refused");
        let expected = if passes { body.clone() } else { row(&[None]) };
        assert_eq!(&out[..], message(b'D', &expected), "{type_oid} {action:?}");
    }
}

#[test]
fn binary_cells_are_judged_as_text_and_leave_as_binary() {
    let steps = vec![Step {
        actions: vec![
            ColumnAction::Inspect(String::new()),
            ColumnAction::Fixed("00:00:01".to_owned()),
        ],
    }];
    let mut editor = ResultEditor::new(
        shape(&[INT4, 1083], Format::Binary),
        steps,
        RowCodec::DataRow,
        &key(),
    );
    let body = |number: i32, time: i64| {
        let mut body = vec![0, 2, 0, 0, 0, 4];
        body.extend_from_slice(&number.to_be_bytes());
        body.extend_from_slice(&[0, 0, 0, 8]);
        body.extend_from_slice(&time.to_be_bytes());
        body
    };
    editor.push(&body(-41, 5)).expect("a valid row");
    let mut judge = Scripted::new(|_, batch| {
        assert_eq!(shown(batch, 0), [Some("-41".to_owned())]);
        edit(vec![ColumnReply::Replaced(packed(&[Some("42")]))])
    });
    let mut out = BytesMut::new();
    editor
        .flush(&mut judge, &mut out)
        .ready()
        .expect("an immediate answer")
        .expect("not refused");
    assert_eq!(&out[..], message(b'D', &body(42, 1_000_000)));
}

#[test]
fn dropping_the_first_row_of_a_binary_copy_keeps_its_header() {
    let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    let tuple = |text: &str| row(&[Some(text)]);
    let steps = vec![Step {
        actions: vec![ColumnAction::Observe(String::new())],
    }];
    let mut editor = ResultEditor::new(
        shape(&[TEXT], Format::Text),
        steps,
        RowCodec::CopyBinary,
        &key(),
    );
    editor
        .push(&[&header[..], &tuple("a")].concat())
        .expect("a valid message");
    editor.push(&tuple("b")).expect("a valid message");
    editor.push(&[0xff, 0xff]).expect("a valid message");
    editor.finish().expect("a complete stream");
    let mut judge = Scripted::new(|_, _| {
        BatchReply::Edit(BatchEdit {
            columns: vec![ColumnReply::Unchanged],
            keep_rows: Some(vec![0b10]),
        })
    });
    let mut out = BytesMut::new();
    editor
        .flush(&mut judge, &mut out)
        .ready()
        .expect("an immediate answer")
        .expect("not refused");
    let expected = [
        message(b'd', header),
        message(b'd', &tuple("b")),
        message(b'd', &[0xff, 0xff]),
    ]
    .concat();
    assert_eq!(&out[..], expected);
}
