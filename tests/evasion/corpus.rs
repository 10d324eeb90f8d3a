//! The corpus files: one per class, each a list of entries.
//!
//! ```text
//! -- What the class covers.
//!
//! --# id-of-an-entry
//! --! guess 'q%' | 'z%'
//! SELECT count(*) FROM people WHERE email LIKE {guess}
//! --
//! the next step
//! ```
//!
//! `--!` before an entry's first step applies to the entry; `--!` right after a `--` applies to the step that follows. An entry
//! that not every server can run says so: `since 17`, `until 16`, `needs xml`, `needs pgcrypto`.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::play::{MODES, Mode};
use crate::stage::Place;

/// An attack or a harmless statement.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    pub class: String,
    pub id: String,
    /// Runs in a database of its own and outside a transaction.
    pub alone: bool,
    /// Where masking has to prevent it; `None`: wherever it masks.
    pub only: Option<Place>,
    /// The first and the last major version that can run it.
    pub since: Option<u32>,
    pub until: Option<u32>,
    /// Extensions that the server must offer, or `xml`.
    pub needs: Vec<String>,
    /// Runs only in the simple protocol.
    pub simple: bool,
    /// Strings that reveal the value although they do not contain it.
    pub shows: Vec<String>,
    /// A right and a wrong guess for `{guess}`: the attack works if the replies differ.
    pub guess: Option<(String, String)>,
    pub steps: Vec<Step>,
}

impl Entry {
    /// The modes in which to play the entry.
    pub fn modes(&self) -> &'static [Mode] {
        match (self.simple, self.alone) {
            (true, _) => &[Mode::Simple],
            // Creating a database is expensive.
            (false, true) => &[Mode::Simple, Mode::Binary],
            (false, false) => &MODES,
        }
    }

    /// `class/id`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.class, self.id)
    }
}

/// One message to the server, or a few that are sent together.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: Kind,
    pub sql: String,
    /// Text parameters. A step with parameters always uses the extended protocol.
    pub parameters: Vec<String>,
    /// The data to send when the server requests COPY data.
    pub data: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Runs before the rest, as superuser and bypassing the gateway.
    Setup,
    Run,
    /// Runs at its place, as superuser and bypassing the gateway.
    Direct,
    /// Runs on a second connection of the same client.
    Other,
    /// Extended messages of several statements, separated by a line `--&`, before one Sync.
    Pipeline,
    /// One Query message for each text, separated by a line `--&`, sent together.
    Queries,
    /// Parse of a statement with this name.
    Parse(String),
    /// Bind and Execute of the statement with this name.
    Execute(String),
    /// Parse, and Bind of a portal with this name.
    Bind(String),
    /// Close of the statement (`S`) or portal (`P`) with this name.
    Close(u8, String),
    /// Execute of the portal or cursor with this name.
    Portal(String),
    /// FunctionCall; the text is the function's signature.
    Call,
}

/// Every entry of the files in a folder, ordered by class.
pub fn read(folder: &Path) -> Result<Vec<Entry>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut entries: Vec<Entry> = Vec::new();
    for file in files {
        let class = file.file_stem().and_then(|stem| stem.to_str());
        let class = class.context("a file without a name")?;
        let text = std::fs::read_to_string(&file)?;
        entries.extend(parse(class, &text).with_context(|| file.display().to_string())?);
    }
    let mut ids: Vec<String> = entries.iter().map(Entry::name).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two entries are named {}", pair[0]);
    }
    Ok(entries)
}

fn parse(class: &str, text: &str) -> Result<Vec<Entry>> {
    ensure!(
        text.starts_with("-- "),
        "the first lines must describe the class"
    );
    text.split("\n--# ")
        .skip(1)
        .map(|text| {
            let (id, body) = text.split_once('\n').unwrap_or((text, ""));
            entry(class, id.trim(), body).with_context(|| id.to_owned())
        })
        .collect()
}

fn entry(class: &str, id: &str, body: &str) -> Result<Entry> {
    let mut entry = Entry {
        class: class.to_owned(),
        id: id.to_owned(),
        ..Entry::default()
    };
    for block in format!("{body}\n").split("\n--\n") {
        let mut step = Step {
            kind: Kind::Run,
            sql: String::new(),
            parameters: Vec::new(),
            data: String::new(),
        };
        let mut lines = Vec::new();
        for line in block.lines() {
            match line.strip_prefix("--! ") {
                Some(directive) => direct(&mut entry, &mut step, directive)?,
                None => lines.push(line),
            }
        }
        step.sql = lines.join("\n").trim().to_owned();
        ensure!(
            !step.sql.is_empty()
                || matches!(
                    step.kind,
                    Kind::Execute(_) | Kind::Portal(_) | Kind::Close(..)
                ),
            "an empty step"
        );
        entry.alone |= matches!(step.kind, Kind::Setup | Kind::Direct);
        entry.steps.push(step);
    }
    Ok(entry)
}

fn direct(entry: &mut Entry, step: &mut Step, directive: &str) -> Result<()> {
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    let rest = rest.trim();
    match word {
        "alone" => entry.alone = true,
        "simple" => entry.simple = true,
        "only" => {
            entry.only = Some(match rest {
                "query" => Place::Query,
                "result" => Place::Result,
                _ => bail!("only query, or only result"),
            });
        }
        "needs" => entry.needs.push(rest.to_owned()),
        "since" => entry.since = Some(rest.parse()?),
        "until" => entry.until = Some(rest.parse()?),
        "shows" => entry.shows.push(rest.to_owned()),
        "guess" => {
            let (right, wrong) = rest.split_once(" | ").context("guess RIGHT | WRONG")?;
            entry.guess = Some((right.to_owned(), wrong.to_owned()));
        }
        "setup" => step.kind = Kind::Setup,
        "direct" => step.kind = Kind::Direct,
        "other" => step.kind = Kind::Other,
        "pipeline" => step.kind = Kind::Pipeline,
        "queries" => step.kind = Kind::Queries,
        "parse" => step.kind = Kind::Parse(rest.to_owned()),
        "execute" => step.kind = Kind::Execute(rest.to_owned()),
        "bind" => step.kind = Kind::Bind(rest.to_owned()),
        "close-statement" => step.kind = Kind::Close(b'S', rest.to_owned()),
        "close-portal" => step.kind = Kind::Close(b'P', rest.to_owned()),
        "portal" => step.kind = Kind::Portal(rest.to_owned()),
        "call" => step.kind = Kind::Call,
        "with" => step.parameters = rest.split(" | ").map(str::to_owned).collect(),
        "data" => step.data = format!("{}\n", rest.replace("\\n", "\n")),
        other => bail!("`{other}` is not a directive"),
    }
    Ok(())
}
