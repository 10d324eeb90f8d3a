//! Apache Parquet: one row per execution or refusal, compressed with zstd.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use gatewright_contract::SessionId;
use gatewright_record::directory::Segments;
use gatewright_record::segment::Scan;
use parquet::basic::{
    Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel,
};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::rows::{self, Row};
use crate::cli::record::Record;

/// A group of rows has no more than these.
const GROUP_ROWS: usize = 65_536;
const GROUP_BYTES: usize = 64 << 20;

/// How a column gets its values.
enum Column {
    Text(fn(&Row) -> Option<&str>),
    Number(fn(&Row) -> Option<u64>),
    /// In microseconds since 1970, UTC.
    Time(fn(&Row) -> Option<u64>),
}

const COLUMNS: [(&str, Column); 19] = [
    ("session", Column::Text(|row| Some(&row.session))),
    ("subject", Column::Text(|row| Some(&row.subject))),
    ("agent", Column::Text(|row| row.agent.as_deref())),
    ("database", Column::Text(|row| Some(&row.database))),
    ("role", Column::Text(|row| Some(&row.role))),
    ("at", Column::Time(|row| Some(row.at))),
    ("execution", Column::Number(|row| row.execution)),
    ("outcome", Column::Text(|row| Some(&row.outcome))),
    ("sqlstate", Column::Text(|row| row.sqlstate.as_deref())),
    ("rows", Column::Number(|row| row.rows)),
    ("bytes", Column::Number(|row| row.bytes)),
    ("masked_values", Column::Number(|row| row.masked_values)),
    ("rows_changed", Column::Number(|row| row.rows_changed)),
    ("elapsed_us", Column::Number(|row| row.elapsed_us)),
    ("verb", Column::Text(|row| row.verb.as_deref())),
    ("tables", Column::Text(|row| row.tables.as_deref())),
    ("text", Column::Text(|row| row.text.as_deref())),
    ("ran_as", Column::Text(|row| row.ran_as.as_deref())),
    ("parameters", Column::Text(|row| row.parameters.as_deref())),
];

/// A table that is being written.
pub(super) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: Vec<Row>,
    /// About how much their texts take.
    bytes: usize,
}

pub(super) fn export<W: Write + Send>(
    record: &Record,
    segments: &Segments,
    session: SessionId,
    table: &mut Table<W>,
) -> Result<Vec<(u32, Scan)>> {
    rows::each(record, segments, session, |row| {
        table.append(row).map_err(std::io::Error::other)
    })
}

impl<W: Write + Send> Table<W> {
    pub fn begin(out: W) -> Result<Self, ParquetError> {
        let columns = COLUMNS.iter().map(|(name, column)| column.schema(name));
        let columns = columns.collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("executions").with_fields(columns);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("gatewright ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = Arc::new(schema.build()?);
        Ok(Table {
            writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    fn append(&mut self, row: Row) -> Result<(), ParquetError> {
        let texts = [&row.text, &row.ran_as, &row.parameters];
        self.bytes += texts.into_iter().flatten().map(String::len).sum::<usize>();
        self.rows.push(row);
        match self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            true => self.write_group(),
            false => Ok(()),
        }
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (_, column) in &COLUMNS {
            column.write(&mut group, &rows)?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes what is left, and the end of the file.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.write_group()?;
        self.writer.close()?;
        Ok(())
    }
}

impl Column {
    fn schema(&self, name: &str) -> Result<Arc<Type>, ParquetError> {
        let (physical, logical) = match self {
            Column::Text(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Column::Number(_) => (PhysicalType::INT64, None),
            Column::Time(_) => {
                let time = LogicalType::timestamp(true, TimeUnit::MICROS);
                (PhysicalType::INT64, Some(time))
            }
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        column.build().map(Arc::new)
    }

    fn write<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        rows: &[Row],
    ) -> Result<(), ParquetError> {
        let missing = || ParquetError::General("the schema has fewer columns".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        match self {
            Column::Text(value) => {
                let (values, levels) = column_of(rows, |row| value(row).map(ByteArray::from));
                let typed = column.typed::<ByteArrayType>();
                typed.write_batch(&values, Some(&levels), None)?;
            }
            Column::Number(value) | Column::Time(value) => {
                let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
                let (values, levels) = column_of(rows, |row| value(row).map(number));
                let typed = column.typed::<Int64Type>();
                typed.write_batch(&values, Some(&levels), None)?;
            }
        }
        column.close()
    }
}

/// The values that there are, and for each row whether there is one.
fn column_of<T>(rows: &[Row], value: impl Fn(&Row) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let all: Vec<Option<T>> = rows.iter().map(value).collect();
    let levels = all.iter().map(|value| i16::from(value.is_some())).collect();
    (all.into_iter().flatten().collect(), levels)
}
