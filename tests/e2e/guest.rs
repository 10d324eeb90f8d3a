//! Hand-written core modules that act as policies in ways that no compiler would emit. Layouts follow the canonical ABI
//! for `gatewright:policy@0.1.0`.

use anyhow::Result;

/// Byte offset of `facts.verb` in the arguments of `on-statement`, after the handle, padding, four u64s and the phase.
const VERB: u32 = 41;
/// The discriminant of `delete` in `verb`.
const DELETE: u32 = 3;

/// What a guest does on a DELETE. It allows everything else.
#[derive(Clone, Copy)]
pub enum OnDelete {
    Trap,
    LoopForever,
    /// Grows its memory until the host refuses, then traps.
    ExhaustMemory,
    /// Returns a verdict with an undefined discriminant.
    InvalidVariant,
    /// Returns a denial whose message lies outside its memory.
    InvalidPointer,
    /// Returns a denial whose message is not UTF-8.
    InvalidUtf8,
    /// Uses a handle it does not own.
    InvalidHandle,
    /// Denies with this code.
    Deny(&'static str),
    /// Replaces the statement with this one.
    Rewrite(&'static str),
}

/// A guest as a core module without component metadata.
pub fn on_delete(name: &str, what: OnDelete) -> Result<Vec<u8>> {
    let body = match what {
        OnDelete::Trap => "unreachable".to_owned(),
        OnDelete::LoopForever => "(loop $again br $again)".to_owned(),
        OnDelete::ExhaustMemory => {
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable".to_owned()
        }
        OnDelete::InvalidVariant => "(i32.store8 (i32.const 4096) (i32.const 200))".to_owned(),
        OnDelete::InvalidPointer => refusal(0x7fff_0000, 4096, name),
        OnDelete::InvalidUtf8 => refusal(8000, 4, name),
        OnDelete::InvalidHandle => "(call $drop (i32.const 4711))".to_owned(),
        OnDelete::Deny(code) => refusal(2048, u32::try_from(code.len())?, code),
        OnDelete::Rewrite(sql) => replacement(sql),
    };
    let condition =
        format!("(i32.eq (i32.load8_u offset={VERB} (local.get $arguments)) (i32.const {DELETE}))");
    module(
        name,
        &format!("(if {condition} (then {body}))"),
        "",
        what_text(what),
    )
}

/// A guest that wants a person's approval for statements of these kinds (discriminants of `verb`), which are held for so many
/// milliseconds at most, and whose approvals last for so many; 0: as the gateway says.
pub fn asking(name: &str, verbs: &[u8], hold_ms: u64, valid_ms: u64) -> Result<Vec<u8>> {
    let is_one = verbs.iter().fold("(i32.const 0)".to_owned(), |any, verb| {
        format!(
            "(i32.or {any} (i32.eq (i32.load8_u offset={VERB} (local.get $arguments)) (i32.const {verb})))"
        )
    });
    // require-approval({ code: "asked", reason: "asked", reviewers: [], hold-ms, valid-ms: 0, dry-run: false })
    let ask = format!(
        "(i32.store8 (i32.const 4096) (i32.const 2))
         (i32.store (i32.const 4104) (i32.const 2048)) (i32.store (i32.const 4108) (i32.const 5))
         (i32.store (i32.const 4112) (i32.const 2048)) (i32.store (i32.const 4116) (i32.const 5))
         (i64.store (i32.const 4128) (i64.const {hold_ms})) (i64.store (i32.const 4136) (i64.const {valid_ms}))"
    );
    module(name, &format!("(if {is_one} (then {ask}))"), "", "asked")
}

/// A guest that denies every statement with this code, or allows every statement.
pub fn always(name: &str, refuse: Option<&'static str>) -> Result<Vec<u8>> {
    let body = refuse
        .map(|code| refusal(2048, u32::try_from(code.len()).unwrap_or(0), code))
        .unwrap_or_default();
    module(name, &body, "", refuse.unwrap_or_default())
}

/// A guest with an import that is not in the contract.
pub fn with_unknown_import(name: &str) -> Result<Vec<u8>> {
    module(
        name,
        "",
        r#"(import "env" "open_file" (func (param i32) (result i32)))"#,
        "",
    )
}

/// A guest whose `init` rejects its settings with this message.
pub fn rejecting_settings(name: &str, text: &str) -> Result<Vec<u8>> {
    let init = format!(
        "(i32.store8 (i32.const 4096) (i32.const 1)) (i32.store (i32.const 4100) (i32.const 2048))
         (i32.store (i32.const 4104) (i32.const {})) (i32.const 4096)",
        text.len()
    );
    assemble(name, &init, "", "", text)
}

fn what_text(what: OnDelete) -> &'static str {
    match what {
        OnDelete::Deny(text) | OnDelete::Rewrite(text) => text,
        _ => "",
    }
}

/// The bytes of deny({ code, message: the bytes at `pointer`, hint: none, sqlstate: none }).
fn refusal(pointer: u32, length: u32, code: &str) -> String {
    let code_length = code.len();
    format!(
        "(i32.store8 (i32.const 4096) (i32.const 1))
         (i32.store (i32.const 4104) (i32.const 2048)) (i32.store (i32.const 4108) (i32.const {code_length}))
         (i32.store (i32.const 4112) (i32.const {pointer})) (i32.store (i32.const 4116) (i32.const {length}))
         (i32.store8 (i32.const 4120) (i32.const 0)) (i32.store8 (i32.const 4132) (i32.const 0))"
    )
}

/// The bytes of rewrite({ sql: the text, reason: the name's first letter }).
fn replacement(sql: &str) -> String {
    let length = sql.len();
    format!(
        "(i32.store8 (i32.const 4096) (i32.const 3))
         (i32.store (i32.const 4104) (i32.const 2048)) (i32.store (i32.const 4108) (i32.const {length}))
         (i32.store (i32.const 4112) (i32.const 1024)) (i32.store (i32.const 4116) (i32.const 1))"
    )
}

fn module(name: &str, on_statement: &str, import: &str, text: &str) -> Result<Vec<u8>> {
    // ok({ name, version: "1", description: name, hooks: statement, settings-schema: none })
    let length = name.len();
    let init = format!(
        "(i32.store8 (i32.const 4096) (i32.const 0))
         (i32.store (i32.const 4100) (i32.const 1024)) (i32.store (i32.const 4104) (i32.const {length}))
         (i32.store (i32.const 4108) (i32.const 1536)) (i32.store (i32.const 4112) (i32.const 1))
         (i32.store (i32.const 4116) (i32.const 1024)) (i32.store (i32.const 4120) (i32.const {length}))
         (i32.store8 (i32.const 4124) (i32.const 1)) (i32.store8 (i32.const 4128) (i32.const 0))
         (i32.const 4096)"
    );
    assemble(name, &init, on_statement, import, text)
}

/// Memory layout: 1024 the name, 1536 the version, 2048 a string, 4096 the result area, 8000 bytes that are not UTF-8;
/// then what the host allocates.
fn assemble(
    name: &str,
    init: &str,
    on_statement: &str,
    import: &str,
    text: &str,
) -> Result<Vec<u8>> {
    let escaped = text.replace('\\', r"\\");
    let wat = format!(
        r#"(module
  (import "gatewright:policy/host@0.1.0" "[resource-drop]statement" (func $drop (param i32)))
  {import}
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 16384))
  (data (i32.const 1024) "{name}")
  (data (i32.const 1536) "1")
  (data (i32.const 2048) "{escaped}")
  (data (i32.const 8000) "\ff\fe\fd\fc")
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $new)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.const 4))))
    (local.get $at))
  (func (export "gatewright:policy/module@0.1.0#init") (param i32 i32) (result i32)
    {init})
  (func (export "gatewright:policy/module@0.1.0#on-statement") (param $arguments i32) (result i32)
    (memory.fill (i32.const 4096) (i32.const 0) (i32.const 128))
    (global.set $free (i32.const 16384))
    {on_statement}
    (call $drop (i32.load (local.get $arguments)))
    (i32.const 4096))
  (func (export "gatewright:policy/module@0.1.0#on-result") (param $statement i32) (param i32 i32) (result i32)
    (call $drop (local.get $statement))
    unreachable)
  (func (export "gatewright:policy/module@0.1.0#on-batch") (param $statement i32) (param i32 i64 i32 i32) (result i32)
    (call $drop (local.get $statement))
    unreachable)
  (func (export "gatewright:policy/module@0.1.0#on-completion") (param i64 i64 i64 i64 i32 i32)))
"#
    );
    Ok(wat::parse_str(wat)?)
}
