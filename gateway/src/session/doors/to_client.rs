//! The one door to the client: rows, errors, notices, notifications and everything else that the client gets passes here, so
//! what is recorded as delivered is what passes. `relay` writes the bytes.

use bytes::{Buf, BytesMut};
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::frame::Frame;
use gatewright_wire::{ErrorFields, FatalError, build};

use crate::pool::encode_status;
use crate::recording::SessionRecord;
use crate::results::Edited;
use crate::session::doors::outgoing::{HIGH_WATER, Outgoing, shrink};
use gatewright_contract::Judged;

/// What goes to the client.
pub(in crate::session) enum Delivery<'a> {
    /// A message of the server that carries no row.
    Message(Frame<'a>),
    /// Whole row messages, as the server sent them.
    Rows {
        bytes: &'a [u8],
        count: u64,
    },
    /// The beginning of a row message of this length, or more of it.
    RowPiece {
        bytes: &'a [u8],
        begins: Option<u64>,
    },
    /// Bytes of the server that were kept: a ReadyForQuery.
    Kept(&'a [u8]),
    /// A setting of the server that is another than the client was told.
    Setting {
        name: &'a str,
        value: &'a [u8],
    },
    /// ReadyForQuery of a session without a transaction, which has no server connection.
    Ready,
    Error(&'a ErrorFields),
    Notice(&'a ErrorFields),
}

/// Rows that went through the door since the count was last taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::session) struct Delivered {
    pub rows: u64,
    /// Of the rows' messages.
    pub bytes: u64,
    pub masked_cells: u64,
}

/// Bytes on their way to the client.
#[derive(Debug, Default)]
pub struct ToClient {
    bytes: BytesMut,
    delivered: Delivered,
    record: SessionRecord,
    /// So many of the bytes are recorded.
    recorded: usize,
}

impl ToClient {
    /// Begins with what the client gets of its login, which has a secret and is not recorded.
    pub(crate) fn greeting(bytes: BytesMut) -> Self {
        ToClient {
            recorded: bytes.len(),
            bytes,
            ..ToClient::default()
        }
    }

    /// What passes is recorded here.
    pub(crate) fn set_record(&mut self, record: SessionRecord) {
        self.record = record;
    }

    /// Where what passes is recorded.
    pub(in crate::session) fn record(&self) -> &SessionRecord {
        &self.record
    }

    /// True while nothing more must be put in: the client does not read, or the record is not written, as fast as rows come.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= HIGH_WATER || self.record.is_full()
    }

    /// The last message of a connection.
    pub(crate) fn fatal(&mut self, error: &FatalError) {
        error.encode(&mut self.bytes);
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(in crate::session) fn deliver(&mut self, delivery: Delivery<'_>) {
        match delivery {
            Delivery::Message(frame) => self.bytes.extend_from_slice(frame.bytes),
            Delivery::Kept(bytes) => self.bytes.extend_from_slice(bytes),
            Delivery::Rows { bytes, count } => {
                self.bytes.extend_from_slice(bytes);
                self.delivered.rows += count;
                self.delivered.bytes += bytes.len() as u64;
            }
            Delivery::RowPiece { bytes, begins } => {
                self.bytes.extend_from_slice(bytes);
                if let Some(length) = begins {
                    self.delivered.rows += 1;
                    self.delivered.bytes += length;
                }
            }
            Delivery::Setting { name, value } => encode_status(&mut self.bytes, name, value),
            Delivery::Ready => build::ready_for_query(&mut self.bytes, TransactionStatus::Idle),
            Delivery::Error(fields) => build::error_response(&mut self.bytes, fields),
            Delivery::Notice(fields) => build::notice_response(&mut self.bytes, fields),
        }
    }

    /// Rows that an editor writes. It writes nothing where it fails, or needs time.
    pub(in crate::session) fn deliver_edited(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> Edited,
    ) -> Edited {
        let edited = write(&mut self.bytes);
        if let Judged::Ready(Ok(flushed)) = &edited {
            self.delivered.rows += flushed.rows;
            self.delivered.bytes += flushed.bytes;
            self.delivered.masked_cells += flushed.masked_cells;
        }
        edited
    }

    /// What was delivered of the statement that ends now.
    pub(in crate::session) fn take_delivered(&mut self) -> Delivered {
        // In front of the statement's end.
        self.record_up_to(self.bytes.len());
        std::mem::take(&mut self.delivered)
    }

    fn record_up_to(&mut self, end: usize) {
        if let Some(new) = self.bytes.get(self.recorded..end) {
            self.record.delivered(new);
            self.recorded = end;
        }
    }
}

impl Buf for ToClient {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.record_up_to(count);
        self.bytes.advance(count);
        self.recorded -= count;
    }
}

impl Outgoing for ToClient {
    fn shrink(&mut self) {
        shrink(&mut self.bytes);
    }
}
