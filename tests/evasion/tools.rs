//! psql prints the same through the gateway as without it.

use anyhow::{Result, ensure};
use gatewright_harness::{Dsn, Psql};

use crate::stage::{Place, Stage, on_each_version};

/// psql's backslash commands. With `-E` the queries behind them are compared, too.
const COMMANDS: &[&str] = &[
    r"\d",
    r"\dt",
    r"\dt+",
    r"\dt *.*",
    r"\d people",
    r"\d+ people",
    r"\d orders",
    r"\d+ ledger",
    r"\d ledger_odd",
    r"\d+ birds",
    r"\d contacts",
    r"\d+ contacts",
    r"\d+ people_kept",
    r"\d notes",
    r"\di",
    r"\di+",
    r"\ds",
    r"\dv",
    r"\dv+",
    r"\dm",
    r"\dm+",
    r"\df",
    r"\df+ plus",
    r"\df *.*max*",
    r"\da",
    r"\da glue",
    r"\dn",
    r"\dn+",
    r"\du",
    r"\du+",
    r"\dg",
    r"\dp",
    r"\dp people",
    r"\z orders",
    r"\ddp",
    r"\dT",
    r"\dT+",
    r"\dD",
    r"\dD+",
    r"\do ~~>",
    r"\dc",
    r"\dC",
    r"\dd",
    r"\dE",
    r"\des",
    r"\det",
    r"\dew",
    r"\deu",
    r"\dF",
    r"\dFd",
    r"\dFp",
    r"\dFt",
    r"\dL",
    r"\dO",
    r"\dP",
    r"\dP+",
    r"\dRp",
    r"\dRs",
    r"\drds",
    r"\dx",
    r"\dX",
    r"\dy",
    r"\dA",
    r"\dAc",
    r"\dAo btree",
    r"\dconfig work_mem",
    r"\l template*",
    r"\l+ postgres",
    r"\db",
    r"\sf plus",
    r"\sf+ twice",
    r"\sv contacts",
    r"\sv headcount",
    r"\dl",
];

#[test]
fn psql_commands_print_the_same() -> Result<()> {
    on_each_version(Place::Query, commands_print_the_same)
}

fn commands_print_the_same(stage: &Stage) -> Result<()> {
    stage.in_own_database(|direct| {
        let through = stage.through(direct)?;
        let script: String = COMMANDS
            .iter()
            .map(|command| format!("\\echo ==== end\n{command}\n"))
            .collect();
        let print = |dsn: &Dsn| -> Result<String> {
            let output = Psql::new(dsn)?.argument("-E").script(&script)?;
            Ok(format!("{}{}", output.stdout, output.stderr))
        };
        let (expected, got) = (print(direct)?, print(&through)?);
        let split =
            |text: &str| -> Vec<String> { text.split("==== end\n").map(str::to_owned).collect() };
        let (expected, got) = (split(&expected), split(&got));
        ensure!(
            expected.len() >= COMMANDS.len(),
            "{} outputs",
            expected.len()
        );
        let differ: Vec<String> = expected
            .iter()
            .zip(&got)
            .filter(|(expected, got)| expected != got)
            .map(|(expected, got)| format!("{expected}\nthrough the gateway\n{got}"))
            .collect();
        println!(
            "{} of {} psql commands print the same",
            expected.len() - differ.len(),
            expected.len()
        );
        ensure!(
            differ.is_empty() && expected.len() == got.len(),
            "{} of psql's commands differ:\n{}",
            differ.len(),
            differ.join("\n")
        );
        Ok(())
    })
}
