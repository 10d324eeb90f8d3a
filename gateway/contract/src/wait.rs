//! How an answer that needs time is waited for: the host hands out a ticket and is asked again with it, never anew.

/// An answer, or the ticket under which it will be given.
#[derive(Debug)]
pub enum Judged<T> {
    /// The answer.
    Ready(T),
    /// The answer needs time. Whoever asked resumes with the ticket, and must not ask again.
    Pending(Ticket),
}

impl<T> Judged<T> {
    /// The answer, if it is there.
    pub fn ready(self) -> Option<T> {
        match self {
            Judged::Ready(answer) => Some(answer),
            Judged::Pending(_) => None,
        }
    }

    /// Applies `change` to an answer that is there.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Judged<U> {
        match self {
            Judged::Ready(answer) => Judged::Ready(change(answer)),
            Judged::Pending(ticket) => Judged::Pending(ticket),
        }
    }
}

/// What an answer is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Work of the gateway's own, such as the analysis of a long statement: it ends by itself.
    Work,
    /// A person's decision: the statement is held, and withdrawn when its client leaves or cancels.
    Decision,
}

/// Stands for one answer that is under way. Not `Clone`: an answer is given once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an answer that nobody waits for must be withdrawn"]
pub struct Ticket {
    id: u64,
    wait: Wait,
}

impl Ticket {
    /// `id` tells the tickets of one judge apart.
    pub fn new(id: u64, wait: Wait) -> Self {
        Ticket { id, wait }
    }

    /// The number the judge gave it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What the answer is waiting for.
    pub fn wait(&self) -> Wait {
        self.wait
    }
}
