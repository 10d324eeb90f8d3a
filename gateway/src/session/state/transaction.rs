//! Where the connection's transaction stands, and how old what is known of names and columns may be.

/// The transaction as the server told of it, and counters that move on when names may mean something else.
#[derive(Debug)]
pub(in crate::session) struct Transaction {
    /// From the last ReadyForQuery: `I`, `T` or `E`.
    status: u8,
    epoch: u64,
    /// The epoch in which the transaction began.
    begun_in: u64,
    /// A statement of the transaction may tell of protected values; so may what it has deferred to the end.
    pub may_tell_values: bool,
    /// The next ReadyForQuery must find the transaction aborted.
    pub abort_on_ready: bool,
}

impl Transaction {
    pub fn new(status: u8) -> Self {
        Transaction {
            status,
            epoch: 0,
            begun_in: 0,
            may_tell_values: false,
            abort_on_ready: false,
        }
    }

    pub fn status(&self) -> u8 {
        self.status
    }

    pub fn is_open(&self) -> bool {
        self.status != b'I'
    }

    pub fn has_failed(&self) -> bool {
        self.status == b'E'
    }

    /// Descriptions made in another epoch may speak of other columns.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A statement ran that may have changed what names mean.
    pub fn names_changed(&mut self) {
        self.epoch += 1;
    }

    /// BEGIN ran.
    pub fn begun(&mut self) {
        self.begun_in = self.epoch;
    }

    /// Another transaction command ran. In a failed transaction it has ended that, or gone back to where it was well; ReadyForQuery
    /// will tell which. What a transaction has set may be undone with it; one that changed nothing leaves everything as it was.
    pub fn commanded(&mut self) {
        if self.has_failed() {
            self.status = b'T';
            self.epoch += 1;
        } else if self.epoch != self.begun_in {
            self.epoch += 1;
        }
    }

    /// ReadyForQuery. True when no transaction is open any more.
    pub fn ready(&mut self, status: u8) -> bool {
        self.status = status;
        if status != b'I' {
            return false;
        }
        self.may_tell_values = false;
        self.begun_in = self.epoch;
        true
    }
}
