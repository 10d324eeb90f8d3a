//! What clients send takes memory within limits, and it is given back; what is large is answered on a busy machine.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, Client, error};

use crate::world::World;

const MIB: u64 = 1 << 20;

const SETTINGS: &str =
    "[mask-columns]\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";

fn resident(world: &World) -> Result<u64> {
    world.gateway.process().resident_bytes()
}

fn answered(client: &mut Client, sql: &str) -> Result<()> {
    let messages = client.query(sql)?;
    let shown = sql.get(..sql.len().min(80)).unwrap_or_default();
    ensure!(
        error(&messages).is_none(),
        "{shown}: {:?}",
        error(&messages)
    );
    Ok(())
}

/// A table with this many columns of text.
fn wide(name: &str, columns: usize) -> String {
    let columns: Vec<String> = (1..=columns)
        .map(|at| format!("column_{at} text"))
        .collect();
    format!("CREATE TABLE {name} ({})", columns.join(", "))
}

/// A text of a few hundred bytes whose facts take megabytes: the cache counts those.
#[test]
fn short_texts_with_large_facts_are_kept_within_the_cache() -> Result<()> {
    let world = World::with_policies("memory_facts", &["mask-columns"], SETTINGS)?;
    world.prepare(&wide("wide", 1000))?;
    let mut client = world.client()?;
    let text = |at: usize| {
        let rows: Vec<String> = (0..50).map(|nth| format!("w AS r{at}_{nth}")).collect();
        format!("SELECT {} FROM wide w LIMIT 0", rows.join(", "))
    };
    answered(&mut client, &text(0))?;
    let before = resident(&world)?;
    for at in 1..60 {
        answered(&mut client, &text(at))?;
    }
    let grown = resident(&world)?.saturating_sub(before) / MIB;
    ensure!(grown < 250, "the gateway grew by {grown} MiB");
    Ok(())
}

/// Every change makes a new catalog. What was analysed with the old ones does not keep them.
#[test]
fn catalogs_that_were_replaced_are_given_back() -> Result<()> {
    let world = World::with_policies("memory_catalogs", &["mask-columns"], SETTINGS)?;
    world.prepare(
        "DO $$ BEGIN FOR i IN 1..1500 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text, b text, c text, \
         d text DEFAULT ''x'', e int CHECK (e > 0), f text, g text)', i); END LOOP; END $$",
    )?;
    let mut client = world.client()?;
    let mut change = |at: usize| -> Result<()> {
        answered(
            &mut client,
            &format!("CREATE TABLE more_{at} (id int, name text)"),
        )?;
        answered(&mut client, &format!("SELECT id AS x{at} FROM t{at}"))
    };
    for at in 1..5 {
        change(at)?;
    }
    let before = resident(&world)?;
    for at in 5..65 {
        change(at)?;
    }
    let grown = resident(&world)?.saturating_sub(before) / MIB;
    ensure!(grown < 40, "the gateway grew by {grown} MiB");
    Ok(())
}

/// After long texts, many sessions and many names, the gateway is about as large as before.
#[test]
fn memory_is_given_back() -> Result<()> {
    let world = World::with_policies("memory_back", &["mask-columns", "row-limit"], SETTINGS)?;
    let rows = |count: usize| {
        let rows: Vec<String> = (0..count).map(|at| format!("({at}, 'x{at}')")).collect();
        format!("SELECT count(*) FROM (VALUES {}) v", rows.join(", "))
    };
    let hostile = || -> Result<()> {
        let mut clients = (0..30)
            .map(|_| world.client())
            .collect::<Result<Vec<_>>>()?;
        for (at, client) in clients.iter_mut().enumerate() {
            answered(client, &rows(2000 + at))?;
            for nth in 0..200 {
                let name = format!("s{nth}");
                let text = format!("SELECT {nth} AS x{at}_{nth}");
                client.send(&[raw::parse(&name, &text), raw::sync()].concat())?;
                client.until_ready()?;
            }
        }
        answered(&mut clients[0], &rows(65_536))?;
        let statements = "SELECT 1; ".repeat(5000);
        answered(&mut clients[1], &statements)
    };
    hostile()?;
    let before = resident(&world)?;
    for _ in 0..3 {
        hostile()?;
    }
    let grown = resident(&world)?.saturating_sub(before) / MIB;
    ensure!(grown < 40, "the gateway grew by {grown} MiB");
    Ok(())
}

/// What a session takes that has run something and is idle.
#[test]
fn idle_sessions_take_little() -> Result<()> {
    const SESSIONS: u64 = 300;
    let world = World::with_policies("memory_idle", &["mask-columns", "row-limit"], SETTINGS)?;
    let some = |count: u64| -> Result<Vec<Client>> {
        let client = |_| {
            let mut client = world.client()?;
            answered(&mut client, "SELECT repeat('x', 100000)")?;
            Ok(client)
        };
        (0..count).map(client).collect()
    };
    // What all sessions share is there.
    drop(some(20)?);
    let _first = some(20)?;
    let before = resident(&world)?;
    let _clients = some(SESSIONS)?;
    let each = resident(&world)?.saturating_sub(before) / SESSIONS / 1024;
    ensure!(each < 60, "a session takes {each} KiB");
    Ok(())
}

/// Says that it is over when it is dropped, also by a panic.
struct Done<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// The deadline of a policy counts its own time, not that of a busy machine.
#[test]
fn the_widest_table_and_long_values_are_answered_under_load() -> Result<()> {
    let names = ["mask-columns", "deny-list", "row-limit"];
    let settings = "[mask-columns]\ncolumns = [{ column = \"public.widest.column_7\", method = \"redact\" }]\n";
    let world = World::with_policies("memory_load", &names, settings)?;
    // PostgreSQL's limit.
    world.prepare(&wide("widest", 1600))?;
    world.prepare("CREATE TABLE long (id int, name text)")?;
    world.prepare("INSERT INTO widest (column_7, column_8) VALUES ('secret', 'open')")?;
    let done = std::sync::atomic::AtomicBool::new(false);
    let rows: Vec<String> = (0..20_000)
        .map(|at| format!("({at}, 'name {at}')"))
        .collect();
    let insert = format!("INSERT INTO long VALUES {}", rows.join(", "));
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..4 {
            // Keeps a core busy.
            scope.spawn(|| {
                let mut count = 0_u64;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    count = std::hint::black_box(count + 1);
                }
            });
        }
        // Before the scope waits for them, however this ends.
        let _done = Done(&done);
        let mut client = world.client()?;
        for _ in 0..3 {
            answered(&mut client, "SELECT * FROM widest")?;
            answered(&mut client, &insert)?;
            answered(&mut client, "SELECT count(*), max(name) FROM long")?;
        }
        let seen = client.query("SELECT column_7, column_8 FROM widest")?;
        let row = seen
            .iter()
            .find(|message| message.tag == b'D')
            .context("a row")?;
        let cells = row.cells();
        let [Some(masked), Some(open)] = cells.as_slice() else {
            anyhow::bail!("{cells:?}")
        };
        ensure!(open == "open" && masked != "secret", "{cells:?}");
        Ok(())
    })
}
