//! The workloads: the rows of the table.

use super::Effort;

/// How many columns of a table are masked, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    Nothing,
    /// One of five columns, by the edited statement.
    OneInQuery,
    /// One of five, by the gateway on the way back.
    OneInResult,
    AllInQuery,
    AllInResult,
}

impl Masked {
    pub const EVERY: [Self; 5] = [
        Self::Nothing,
        Self::OneInQuery,
        Self::OneInResult,
        Self::AllInQuery,
        Self::AllInResult,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none masked",
            Self::OneInQuery => "one column masked by the query",
            Self::OneInResult => "one column masked in the result",
            Self::AllInQuery => "all columns masked by the query",
            Self::AllInResult => "all columns masked in the result",
        }
    }

    pub fn table(self) -> &'static str {
        match self {
            Self::Nothing => "people",
            Self::OneInQuery => "people_masked",
            Self::OneInResult => "people_masked_in_result",
            Self::AllInQuery => "people_all_masked",
            Self::AllInResult => "people_all_masked_in_result",
        }
    }

    /// The share of the throughput of a direct connection that is aimed at.
    pub fn target(self) -> f64 {
        match self {
            Self::Nothing => 0.95,
            Self::OneInQuery | Self::OneInResult => 0.8,
            Self::AllInQuery | Self::AllInResult => 0.6,
        }
    }
}

/// How rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    Select,
    SelectBinary,
    Copy,
    CopyBinary,
}

impl Fetch {
    fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::SelectBinary => "SELECT in binary",
            Self::Copy => "COPY",
            Self::CopyBinary => "COPY in binary",
        }
    }

    /// COPY of a table is masked in the result wherever the mask is asked for.
    fn takes(self, masked: Masked) -> bool {
        matches!(self, Self::Select | Self::SelectBinary)
            || !matches!(masked, Masked::OneInQuery | Masked::AllInQuery)
    }
}

/// What other sessions do while one is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    Nothing,
    /// Six sessions that read rows whose text is inspected by `mask-content` behind the gateway with policies.
    Rows,
    /// Long expressions, each of which is new.
    Expressions,
    /// Ten thousand statements in one message.
    Statements,
    /// Pipelines of two thousand statements.
    Pipelines,
    /// Four clients that connect, one time after the other.
    Logins,
}

impl Disturbance {
    const EVERY: [Self; 6] = [
        Self::Nothing,
        Self::Rows,
        Self::Expressions,
        Self::Statements,
        Self::Pipelines,
        Self::Logins,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "undisturbed",
            Self::Rows => "beside six readers of inspected rows",
            Self::Expressions => "beside long new expressions",
            Self::Statements => "beside 10,000 statements in a message",
            Self::Pipelines => "beside pipelines of 2,000 statements",
            Self::Logins => "beside four clients that keep connecting",
        }
    }

    /// As the bench client calls it.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Rows => "rows",
            Self::Expressions => "expressions",
            Self::Statements => "statements",
            Self::Pipelines => "pipelines",
            Self::Logins => "logins",
        }
    }
}

/// The policies behind the gateway that has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    Three,
    /// With two more that are asked about statements.
    Five,
    /// With one that inspects text.
    Inspecting,
}

/// A workload: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// pgbench -S in a query mode.
    Select { mode: &'static str, clients: u32 },
    /// The same, with five policies in force behind the gateway with policies.
    Five { mode: &'static str, clients: u32 },
    /// The same with three policies, and clients that use TLS.
    SelectOverTls { mode: &'static str, clients: u32 },
    /// Fifty prepared SELECTs of pgbench in one pipeline.
    Pipeline { clients: u32 },
    /// pgbench's TPC-B-like transaction, prepared.
    Write { clients: u32 },
    /// All rows of a table with five columns.
    Rows { fetch: Fetch, masked: Masked },
    /// Until the first row of such a result is there.
    FirstRow,
    /// The time that one of a hundred statements of a session takes at least.
    Neighbour(Disturbance),
    /// pgbench -S with a new connection per statement.
    Connect { clients: u32 },
    /// The same with TLS.
    ConnectOverTls { clients: u32 },
    /// Memory use with idle connections.
    Idle { connections: u32 },
}

impl Workload {
    /// All workloads, in table order.
    pub fn all(effort: &Effort) -> Vec<Self> {
        let mut all = Vec::new();
        for mode in ["simple", "extended", "prepared"] {
            all.extend([1, 8, 64].map(|clients| Self::Select { mode, clients }));
        }
        all.extend(["simple", "prepared"].map(|mode| Self::Five { mode, clients: 8 }));
        all.extend(["simple", "prepared"].map(|mode| Self::SelectOverTls { mode, clients: 8 }));
        all.extend([1, 8].map(|clients| Self::Pipeline { clients }));
        all.push(Self::Write { clients: 8 });
        for fetch in [
            Fetch::Select,
            Fetch::SelectBinary,
            Fetch::Copy,
            Fetch::CopyBinary,
        ] {
            let masks = Masked::EVERY.into_iter();
            let masks = masks.filter(|masked| fetch.takes(*masked));
            all.extend(masks.map(|masked| Self::Rows { fetch, masked }));
        }
        all.push(Self::FirstRow);
        all.extend(Disturbance::EVERY.map(Self::Neighbour));
        all.extend([1, 8].map(|clients| Self::Connect { clients }));
        all.extend([1, 8].map(|clients| Self::ConnectOverTls { clients }));
        let idle = effort.idle.iter();
        all.extend(idle.map(|connections| Self::Idle {
            connections: *connections,
        }));
        all
    }

    /// Those that show what recording costs.
    pub fn recorded() -> Vec<Self> {
        let mut all: Vec<Self> = ["simple", "extended", "prepared"]
            .into_iter()
            .flat_map(|mode| [1, 8, 64].map(|clients| Self::Select { mode, clients }))
            .collect();
        all.extend([1, 8].map(|clients| Self::Pipeline { clients }));
        all.push(Self::Write { clients: 8 });
        all.extend([Fetch::Select, Fetch::Copy].map(|fetch| Self::Rows {
            fetch,
            masked: Masked::Nothing,
        }));
        all
    }

    pub fn name(self) -> String {
        match self {
            Self::Select { mode, .. } => format!("pgbench -S -M {mode}"),
            Self::Five { mode, .. } => format!("pgbench -S -M {mode}, five policies"),
            Self::SelectOverTls { mode, .. } => format!("pgbench -S -M {mode}, TLS"),
            Self::Pipeline { .. } => "50 prepared SELECTs in a pipeline".to_owned(),
            Self::Write { .. } => "pgbench -M prepared, TPC-B-like".to_owned(),
            Self::Rows { fetch, masked } => {
                format!("1,000,000 rows by {}, {}", fetch.name(), masked.name())
            }
            Self::FirstRow => "first of 1,000,000 rows".to_owned(),
            Self::Neighbour(disturbance) => format!("p99 of SELECT 1, {}", disturbance.name()),
            Self::Connect { .. } => "connections per second".to_owned(),
            Self::ConnectOverTls { .. } => "connections per second, TLS".to_owned(),
            Self::Idle { .. } => "memory with idle connections".to_owned(),
        }
    }

    pub fn clients(self) -> u32 {
        match self {
            Self::Select { clients, .. }
            | Self::Five { clients, .. }
            | Self::SelectOverTls { clients, .. }
            | Self::Connect { clients }
            | Self::ConnectOverTls { clients }
            | Self::Pipeline { clients }
            | Self::Write { clients } => clients,
            Self::Rows { .. } | Self::FirstRow | Self::Neighbour(_) => 1,
            Self::Idle { connections } => connections,
        }
    }

    /// What is in force behind the gateway with policies.
    pub fn policies(self) -> Policies {
        match self {
            Self::Five { .. } => Policies::Five,
            Self::Neighbour(_) => Policies::Inspecting,
            Self::Select { .. }
            | Self::SelectOverTls { .. }
            | Self::Pipeline { .. }
            | Self::Write { .. }
            | Self::Rows { .. }
            | Self::FirstRow
            | Self::Connect { .. }
            | Self::ConnectOverTls { .. }
            | Self::Idle { .. } => Policies::Three,
        }
    }

    /// Whether clients use TLS.
    pub fn tls(self) -> bool {
        matches!(
            self,
            Self::SelectOverTls { .. } | Self::ConnectOverTls { .. }
        )
    }

    /// Whether it is about more connections than gateways take that are not told to.
    pub fn is_crowded(self) -> bool {
        matches!(self, Self::Idle { .. })
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Select { .. }
            | Self::Five { .. }
            | Self::SelectOverTls { .. }
            | Self::Pipeline { .. }
            | Self::Write { .. } => "transactions/s",
            Self::Rows { .. } => "rows/s",
            Self::FirstRow => "ms",
            Self::Neighbour(_) => "µs",
            Self::Connect { .. } | Self::ConnectOverTls { .. } => "connections/s",
            Self::Idle { .. } => "MiB resident",
        }
    }

    pub fn higher_is_better(self) -> bool {
        !matches!(
            self,
            Self::Idle { .. } | Self::FirstRow | Self::Neighbour(_)
        )
    }
}
