//! The randomized searches, and the command that runs each.

use clap::ValueEnum;
use gatewright_harness::soak;

/// Tests whose input depends on a seed or whose outcome depends on timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Search {
    /// Messages in any order and fragmentation, against the session alone
    Sessions,
    /// Random bytes and mutated corpus entries, into the decoders and the session
    Fuzz,
    /// Random queries on a real server, over values that identify their origin
    Lineage,
    /// Statements of every kind, compared with the server's own analysis
    Oracle,
    /// Long message scripts, with and without the gateway
    Scripts,
    /// Random DDL: a catalog that is kept up to date, compared with one that is read anew
    Catalog,
    /// Requests for approval on both stores, compared with a model
    Approvals,
    /// Conversations of many clients on few server connections, compared with connections of their own
    Pools,
    /// The evasion corpus; only its timing varies
    Evasion,
}

impl Search {
    pub const ALL: [Self; 9] = [
        Self::Sessions,
        Self::Fuzz,
        Self::Lineage,
        Self::Oracle,
        Self::Scripts,
        Self::Catalog,
        Self::Approvals,
        Self::Pools,
        Self::Evasion,
    ];

    /// The name that `--only` accepts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Fuzz => "fuzz",
            Self::Lineage => "lineage",
            Self::Oracle => "oracle",
            Self::Scripts => "scripts",
            Self::Catalog => "catalog",
            Self::Approvals => "approvals",
            Self::Pools => "pools",
            Self::Evasion => "evasion",
        }
    }

    /// The number of cases per run: enough for a minute or two.
    pub fn cases(self) -> u32 {
        match self {
            Self::Sessions => 20_000,
            Self::Fuzz => 50_000,
            Self::Lineage => 5_000,
            Self::Oracle => 20_000,
            Self::Scripts => 20,
            Self::Catalog => 1_000,
            Self::Approvals => 500,
            Self::Pools => 5,
            Self::Evasion => 1,
        }
    }

    /// The arguments of cargo. All packages are selected, as in the preceding build, so that nothing is rebuilt.
    pub fn arguments(self) -> Vec<&'static str> {
        let rest: &[&str] = match self {
            Self::Sessions => &["--lib", "session::tests::properties"],
            Self::Fuzz => &["--lib", "--", "random_frames_pass", "random_sessions_pass"],
            Self::Lineage => &[
                "--test",
                "lineage",
                "every_value_comes_from_a_reported_source",
            ],
            Self::Oracle => &[
                "--test",
                "oracle",
                "generated_statements_are_read_as_the_server_reads_them",
            ],
            Self::Scripts => &["--test", "e2e", "differential::random"],
            Self::Catalog => &["--lib", "catalog::tests::random"],
            Self::Approvals => &["--lib", "approvals::tests::model"],
            Self::Pools => &["--test", "e2e", "pooling::model"],
            Self::Evasion => &["--test", "evasion"],
        };
        [&["test", "--workspace"], rest].concat()
    }
}

/// One search with one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub search: Search,
    pub seed: u64,
}

impl Run {
    pub fn environment(self) -> [(&'static str, String); 2] {
        [
            (soak::SEED, self.seed.to_string()),
            (soak::CASES, self.search.cases().to_string()),
        ]
    }

    /// The shell command that repeats this run.
    pub fn command_line(self) -> String {
        let variables = self
            .environment()
            .map(|(name, value)| format!("{name}={value}"));
        format!(
            "{} cargo {}",
            variables.join(" "),
            self.search.arguments().join(" ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_replays_a_run() {
        let run = Run {
            search: Search::Fuzz,
            seed: 7,
        };
        assert_eq!(
            run.command_line(),
            "GATEWRIGHT_SOAK_SEED=7 GATEWRIGHT_SOAK_CASES=50000 cargo test --workspace --lib -- random_frames_pass random_sessions_pass"
        );
    }

    #[test]
    fn names_match_the_command_line() {
        for search in Search::ALL {
            assert_eq!(Search::from_str(search.name(), false), Ok(search));
        }
        assert_eq!(Search::value_variants(), Search::ALL);
    }
}
