//! The messages that a client was given, as text: results as tables.

use std::io::{self, Write};

use gatewright_wire::ErrorFields;
use gatewright_wire::backend::{CommandComplete, DataRow, NotificationResponse, RowDescription};
use gatewright_wire::frame::Frame;

use crate::cli::sessions::text::value_text;
use crate::gate::printable;
use crate::library::frames::Frames;

/// So many rows are laid out together.
const PAGE: usize = 1000;

/// The stream of messages, and the result in it that is not over.
#[derive(Default)]
pub(super) struct Stream {
    frames: Frames,
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    count: u64,
}

struct Column {
    name: String,
    type_oid: u32,
    format: i16,
}

impl Stream {
    /// Prints the messages that are whole now.
    pub fn take(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut frames = std::mem::take(&mut self.frames);
        let damage = frames.take(bytes, &mut |frame| self.message(frame, out))?;
        self.frames = frames;
        if let Some(error) = damage {
            writeln!(out, "-- what follows cannot be read: {error}")?;
        }
        Ok(())
    }

    fn message(&mut self, frame: Frame<'_>, out: &mut impl Write) -> io::Result<()> {
        match frame.tag {
            b'T' => self.describe(frame),
            b'D' => {
                self.row(frame);
                if self.rows.len() >= PAGE {
                    self.page(out)?;
                }
            }
            b'C' | b's' => {
                self.result(out)?;
                let complete = CommandComplete::decode(frame.body).ok();
                if let Some(complete) = complete.filter(|_| frame.tag == b'C') {
                    writeln!(out, "{}", printable(complete.tag.to_owned()))?;
                }
            }
            b'E' | b'N' => {
                self.result(out)?;
                fields(frame, out)?;
            }
            b'A' => {
                if let Ok(told) = NotificationResponse::decode(frame.body) {
                    let text = format!(
                        "notification on {}: {}",
                        String::from_utf8_lossy(told.channel),
                        String::from_utf8_lossy(told.payload)
                    );
                    writeln!(out, "{}", printable(text))?;
                }
            }
            b'd' => {
                let text = String::from_utf8_lossy(frame.body);
                writeln!(out, "{}", printable(text.trim_end_matches('\n').to_owned()))?;
            }
            b'V' => writeln!(out, "the function's result: {} bytes", frame.body.len())?,
            // The others show nothing.
            _ => {}
        }
        Ok(())
    }

    fn describe(&mut self, frame: Frame<'_>) {
        let Ok(description) = RowDescription::decode(frame.body) else {
            return;
        };
        let columns = description.fields().map(|field| Column {
            name: String::from_utf8_lossy(field.name).into_owned(),
            type_oid: field.type_oid,
            format: field.format,
        });
        self.columns = columns.collect();
    }

    fn row(&mut self, frame: Frame<'_>) {
        let Ok(row) = DataRow::decode(frame.body) else {
            return;
        };
        let mut values = Vec::with_capacity(row.len());
        for (index, cell) in row.cells().enumerate() {
            let column = self.columns.get(index);
            let (type_oid, format) =
                column.map_or((0, 0), |column| (column.type_oid, column.format));
            values.push(match cell {
                Ok(None) => String::new(),
                Err(_) => return,
                Ok(Some(value)) => printable(value_text(type_oid, format, value)),
            });
        }
        self.rows.push(values);
        self.count += 1;
    }

    /// The end of a result.
    fn result(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.page(out)?;
        if self.count > 0 {
            let plural = if self.count == 1 { "" } else { "s" };
            writeln!(out, "({} row{plural})", self.count)?;
            self.count = 0;
        }
        Ok(())
    }

    fn page(&mut self, out: &mut impl Write) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let Some(most) = rows.iter().map(Vec::len).max() else {
            return Ok(());
        };
        let names = (0..most).map(|index| match self.columns.get(index) {
            Some(column) => printable(column.name.clone()),
            None => format!("column {}", index + 1),
        });
        let names: Vec<String> = names.collect();
        let width = |index: usize| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            let lengths = cells
                .chain(names.get(index))
                .map(|cell| cell.chars().count());
            lengths.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..most).map(width).collect();
        line(&names, &widths, out)?;
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(out, "{}", rules.join("+"))?;
        rows.iter().try_for_each(|row| line(row, &widths, out))
    }
}

fn line(cells: &[String], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
    let cells = cells.iter().zip(widths);
    let cells: Vec<String> = cells
        .map(|(cell, width)| format!(" {cell:<width$} ", width = *width))
        .collect();
    writeln!(out, "{}", cells.join("|").trim_end())
}

/// An error or a notice.
fn fields(frame: Frame<'_>, out: &mut impl Write) -> io::Result<()> {
    let Ok(fields) = ErrorFields::decode(frame.body) else {
        return Ok(());
    };
    let (severity, sqlstate) = (fields.severity(), fields.sqlstate());
    let text = format!("{severity}:  {sqlstate}: {}", fields.message());
    writeln!(out, "{}", printable(text))?;
    for (name, text) in [("DETAIL", fields.detail()), ("HINT", fields.hint())] {
        if let Some(text) = text {
            writeln!(out, "{name}:  {}", printable(text.to_owned()))?;
        }
    }
    Ok(())
}
