//! The tour: statements through one psql connection, with a check of each result.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use gatewright_harness::{Psql, PsqlSession};

use super::{Stage, find};
use crate::screen;

/// The policy added to the directory during the tour.
const NEWCOMER: &str = "guard-table";

/// Runs all scenes and returns the failed checks.
pub fn play(stage: &Stage) -> Result<Vec<String>> {
    let mut tour = Tour {
        stage,
        direct: Psql::new(&stage.direct)?,
        session: Psql::new(&stage.shop()?)?
            .argument("--pset=null=(null)")
            .argument("--set=QUIET=off")
            .session()?,
        failures: Vec::new(),
    };
    let connection = tour.value("SELECT pg_backend_pid()")?;
    tour.masked_columns()?;
    tour.no_way_around_the_mask()?;
    tour.refused_drop()?;
    tour.refused_in_a_transaction()?;
    tour.approved_delete()?;
    tour.newcomer()?;
    let still = tour.value("SELECT pg_backend_pid()")?;
    tour.check(
        "everything ran on one connection to one server process",
        connection == still,
    );
    tour.record()?;
    Ok(tour.failures)
}

struct Tour<'a> {
    stage: &'a Stage,
    direct: Psql,
    session: PsqlSession,
    failures: Vec<String>,
}

impl Tour<'_> {
    fn masked_columns(&mut self) -> Result<()> {
        self.scene(
            "Masked columns",
            "PostgreSQL receives a statement that reads masks in place of four columns.",
        );
        let sql =
            "SELECT id, name, email, phone, birth_date, card FROM customers ORDER BY id LIMIT 3;";
        let seen = self.show(sql)?;
        let real = self
            .direct
            .query("SELECT email, phone, birth_date, card FROM customers ORDER BY id LIMIT 3")?;
        let hidden = real
            .split(['|', '\n'])
            .filter(|value| !value.is_empty())
            .all(|value| !seen.contains(value));
        let name = self
            .direct
            .query("SELECT name FROM customers WHERE id = 1")?;
        self.check(
            "no email, phone, birth date or card number was returned",
            hidden && seen.contains("(3 rows)"),
        );
        self.check(
            "the other columns were returned unchanged",
            seen.contains(&name),
        );
        Ok(())
    }

    fn no_way_around_the_mask(&mut self) -> Result<()> {
        self.scene(
            "No way around the mask",
            "Whatever a statement computes, it computes from the mask.",
        );
        let seen = self.show(
            "SELECT upper(email), email LIKE '%@example.com' AS matches FROM customers WHERE id = 1;",
        )?;
        let real = self
            .direct
            .query("SELECT upper(email) FROM customers WHERE id = 1")?;
        self.check(
            "the expression sees the mask, not the value",
            seen.contains("***@EXAMPLE.COM") && seen.contains("(1 row)") && !seen.contains(&real),
        );
        let seen = self.show(
            "SELECT email AS just_a_name FROM (SELECT * FROM customers) AS c WHERE id = 1;",
        )?;
        let real = self
            .direct
            .query("SELECT email FROM customers WHERE id = 1")?;
        self.check(
            "an alias and a subquery do not hide the column",
            seen.contains("(1 row)") && !seen.contains(&real),
        );
        Ok(())
    }

    fn refused_drop(&mut self) -> Result<()> {
        self.scene(
            "A refused DROP",
            "The client receives an ordinary PostgreSQL error, and the session continues.",
        );
        let seen = self.show("DROP TABLE customers;")?;
        self.check_refused(&seen)?;
        let arrived = self.stage.postgres.log()?.contains("DROP TABLE customers");
        self.check(
            "PostgreSQL never received it, according to its log",
            !arrived,
        );
        let seen = self.show("SELECT count(*) FROM products;")?;
        self.check(
            "the connection answers the next statement",
            seen.contains("40"),
        );
        Ok(())
    }

    fn refused_in_a_transaction(&mut self) -> Result<()> {
        self.scene(
            "An UPDATE without WHERE, in a transaction",
            "It is refused, and the transaction is aborted as after any other error.",
        );
        let before = self
            .direct
            .query("SELECT md5(string_agg(status, ',' ORDER BY id)) FROM orders")?;
        self.show("BEGIN;")?;
        self.show("UPDATE orders SET status = 'sent' WHERE id = 1;")?;
        let seen = self.show("UPDATE orders SET status = 'lost';")?;
        self.check_refused(&seen)?;
        let seen = self.show("SELECT 1;")?;
        self.check(
            "the transaction is aborted",
            seen.contains("current transaction is aborted"),
        );
        self.show("ROLLBACK;")?;
        let after = self
            .direct
            .query("SELECT md5(string_agg(status, ',' ORDER BY id)) FROM orders")?;
        self.check("no order has changed", before == after);
        Ok(())
    }

    fn approved_delete(&mut self) -> Result<()> {
        self.scene(
            "A DELETE that somebody else approves",
            "It waits on its connection. Once it is approved, it goes on in the same transaction.",
        );
        self.show("BEGIN;")?;
        let reviewer = self.stage.reviewer.clone();
        let reason = "the customer asked for it";
        let deciding = std::thread::spawn(move || reviewer.approve("DELETE FROM orders", reason));
        let sql = "DELETE FROM orders WHERE id = 7;";
        let answer = self.session.run(sql)?;
        let decided = deciding
            .join()
            .map_err(|_| anyhow!("the reviewer panicked"))?;
        let held = answer
            .lines()
            .take_while(|line| !line.starts_with("DELETE"));
        let held: Vec<&str> = held.collect();
        print_exchange(sql, &held.join("\n"));
        let (id, printed) = decided?;
        self.say(&format!(
            "gatewright approvals approve {id} --reason '{reason}'"
        ));
        println!("   {printed}");
        let ran: Vec<&str> = answer.lines().skip(held.len()).collect();
        println!("\n   {}", ran.join("\n   "));
        self.check(
            "the client was told that the statement waits",
            answer.contains("held for approval") && answer.contains(&id),
        );
        self.check("it ran once it was approved", ran == ["DELETE 1"]);
        self.show("COMMIT;")?;
        let left = self
            .direct
            .query("SELECT count(*) FROM orders WHERE id = 7")?;
        self.check("the order is gone", left == "0");
        let state = self.stage.reviewer.state(&id)?;
        self.check(
            &format!("{} sees that it was executed", self.stage.reviewer.subject),
            state == "executed",
        );
        Ok(())
    }

    fn newcomer(&mut self) -> Result<()> {
        self.scene(
            "A new policy, while connected",
            "A .wasm file added to the directory applies to the next statement until it is removed.",
        );
        let sql = "SELECT id, name, price FROM products ORDER BY id LIMIT 2;";
        let seen = self.show(sql)?;
        self.check("products can be read", seen.contains("(2 rows)"));

        let file = self.stage.policies.path().join(format!("{NEWCOMER}.wasm"));
        self.say(&format!(
            "cp target/policies/{NEWCOMER}.wasm {}",
            self.stage.policies.path().display()
        ));
        std::fs::copy(find(&self.stage.built, NEWCOMER)?, &file)?;
        let seen = self.show_once(sql, |seen| seen.contains("ERROR"))?;
        self.check_refused(&seen)?;

        self.say(&format!("rm {}", file.display()));
        std::fs::remove_file(&file)?;
        let seen = self.show_once(sql, |seen| !seen.contains("ERROR"))?;
        self.check("products can be read again", seen.contains("(2 rows)"));
        Ok(())
    }

    /// The connection ends; what it did is played again.
    fn record(&mut self) -> Result<()> {
        self.scene(
            "The record",
            "What was asked and given is in a file, behind the masks, and verified against a signed log.",
        );
        self.session.run("\\connect")?;
        let start = Instant::now();
        let mut list = String::new();
        while !list.contains("client_left") && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
            list = self.stage.read_record(&["sessions", "list"])?.0;
        }
        let session = list.split_whitespace().next().unwrap_or_default();
        self.say(&format!("gatewright replay {session} --at-once"));
        let (played, _) = self.stage.read_record(&["replay", session, "--at-once"])?;
        for line in played.lines().take(16) {
            screen::note(line);
        }
        let raw = self
            .direct
            .query("SELECT email FROM customers WHERE id = 1")?;
        self.check(
            "the session can be played again, and nothing that was masked is in it",
            played.contains("***@example.com") && !played.contains(&raw),
        );
        self.say("gatewright record verify");
        let (report, is_good) = self.stage.read_record(&["record", "verify"])?;
        screen::note(report.trim_end());
        self.check("the record is what was written", is_good);
        Ok(())
    }

    fn scene(&self, title: &str, about: &str) {
        screen::stage(title);
        screen::note(&screen::dim(about));
    }

    fn say(&self, command: &str) {
        println!("\n   {} {}", screen::dim("$"), screen::bold(command));
    }

    /// Runs a statement and prints it with its output.
    fn show(&mut self, sql: &str) -> Result<String> {
        let answer = self.session.run(sql)?;
        print_exchange(sql, &answer);
        Ok(answer)
    }

    /// Repeats a statement for at most ten seconds until `wanted` holds, then prints it with its last output.
    fn show_once(&mut self, sql: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let start = Instant::now();
        loop {
            let answer = self.session.run(sql)?;
            if wanted(&answer) || start.elapsed() > Duration::from_secs(10) {
                screen::note(&screen::dim(&format!(
                    "({} ms later, same connection)",
                    start.elapsed().as_millis()
                )));
                print_exchange(sql, &answer);
                return Ok(answer);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A single value, not printed.
    fn value(&mut self, sql: &str) -> Result<String> {
        self.session
            .run(&format!("{sql} AS value \\gset\n\\echo :value"))
    }

    fn check_refused(&mut self, answer: &str) -> Result<()> {
        let sqlstate = self.session.run("\\echo :LAST_ERROR_SQLSTATE")?;
        let complete =
            answer.contains("ERROR:") && answer.contains("DETAIL:") && answer.contains("HINT:");
        self.check(
            "refused with SQLSTATE 42501, a reason and a hint",
            sqlstate == "42501" && complete,
        );
        Ok(())
    }

    fn check(&mut self, what: &str, holds: bool) {
        if holds {
            println!("   {} {what}", screen::green("✓"));
        } else {
            println!("   {} {what}", screen::red("✗"));
            self.failures.push(what.to_owned());
        }
    }
}

fn print_exchange(sql: &str, answer: &str) {
    println!("\n   {} {}", screen::dim("shop=>"), screen::bold(sql));
    for line in answer.trim_end().lines() {
        let line = if line.starts_with("ERROR") {
            screen::red(line)
        } else {
            line.to_owned()
        };
        println!("   {line}");
    }
}
