//! Policies built in memory: core modules without metadata, as a compiler without bindings emits them. Bodies are
//! WebAssembly text; replies are laid out in a data segment as the component model's canonical ABI requires.

use std::fmt::Write;

use gatewright_contract::{
    Allowance, Approval, ColumnAction, ColumnReply, Denial, Edit, Hooks, PackedColumn,
    ReplacementValue,
};

const BASE: u32 = 1024;
/// The size of the largest verdict, an approval of version 0.2.
const VERDICT_WORDS: usize = 46;

/// A module under construction. By default it registers all hooks, allows every statement and leaves rows unchanged.
pub struct Module {
    data: Vec<u8>,
    init: String,
    statement: String,
    result: String,
    batch: String,
    completion: String,
    extra: String,
    version: &'static str,
}

impl Module {
    /// A policy of contract 0.1.
    pub fn new(name: &str) -> Module {
        Module::of_version(name, "0.1.0")
    }

    /// A policy of contract 0.2.
    pub fn v0_2(name: &str) -> Module {
        Module::of_version(name, "0.2.0")
    }

    fn of_version(name: &str, version: &'static str) -> Module {
        let mut module = Module {
            data: Vec::new(),
            init: String::new(),
            statement: String::new(),
            result: String::new(),
            batch: String::new(),
            completion: String::new(),
            extra: String::new(),
            version,
        };
        let hooks = match version {
            "0.1.0" => Hooks::all() - Hooks::NOTIFICATION,
            _ => Hooks::all(),
        };
        module.register(name, hooks);
        let allow = module.allow(&Allowance::default());
        let plan = module.plan(&[]);
        let edit = module.edit(&[ColumnReply::Unchanged], None);
        module
            .statement(&constant(allow))
            .result(&constant(plan))
            .batch(&constant(edit));
        module
    }

    pub fn version(&mut self, version: &'static str) -> &mut Self {
        self.version = version;
        self
    }

    pub fn register(&mut self, name: &str, hooks: Hooks) -> &mut Self {
        let registration = self.registration(name, hooks);
        self.init(&constant(registration))
    }

    pub fn init(&mut self, body: &str) -> &mut Self {
        body.clone_into(&mut self.init);
        self
    }

    /// `$args` points at the statement handle; the facts follow at offset 8.
    pub fn statement(&mut self, body: &str) -> &mut Self {
        body.clone_into(&mut self.statement);
        self
    }

    pub fn result(&mut self, body: &str) -> &mut Self {
        body.clone_into(&mut self.result);
        self
    }

    pub fn batch(&mut self, body: &str) -> &mut Self {
        body.clone_into(&mut self.batch);
        self
    }

    pub fn completion(&mut self, body: &str) -> &mut Self {
        body.clone_into(&mut self.completion);
        self
    }

    /// Adds module fields other than imports.
    pub fn extra(&mut self, fields: &str) -> &mut Self {
        self.extra.push_str(fields);
        self
    }

    pub fn registration(&mut self, name: &str, hooks: Hooks) -> u32 {
        let (name, version, description) = (
            self.text(name),
            self.text("1.2.3"),
            self.text("made in memory"),
        );
        let words = [
            0,
            name.0,
            name.1,
            version.0,
            version.1,
            description.0,
            description.1,
            u32::from(hooks.bits()),
            0,
            0,
            0,
        ];
        self.words(&words)
    }

    pub fn init_error(&mut self, reason: &str) -> u32 {
        let reason = self.text(reason);
        self.words(&[1, reason.0, reason.1])
    }

    pub fn allow(&mut self, allowance: &Allowance) -> u32 {
        let mut words = [0; VERDICT_WORDS];
        words[2..28].copy_from_slice(&self.allowance(allowance));
        self.words(&words)
    }

    /// For version 0.2.
    pub fn approval(&mut self, approval: &Approval) -> u32 {
        let mut words = [0; VERDICT_WORDS];
        let (code, reason) = (self.text(&approval.code), self.text(&approval.reason));
        let reviewers: Vec<u32> = approval
            .reviewers
            .iter()
            .flat_map(|reviewer| <[u32; 2]>::from(self.text(reviewer)))
            .collect();
        words[0] = 2;
        words[2..6].copy_from_slice(&[code.0, code.1, reason.0, reason.1]);
        words[6] = self.words(&reviewers);
        words[7] = approval.reviewers.len() as u32;
        words[8] = approval.approvals;
        words[9] = approval.wait as u32;
        words[10] = approval.hold_ms as u32;
        words[12] = approval.valid_ms as u32;
        words[14] = approval.effect as u32;
        words[16] = u32::from(approval.above_rows.is_some());
        words[18] = approval.above_rows.unwrap_or_default() as u32;
        words[20..].copy_from_slice(&self.allowance(&approval.allowance));
        self.words(&words)
    }

    /// Version 0.1 reads no further than the notes.
    fn allowance(&mut self, allowance: &Allowance) -> [u32; 26] {
        let mut words = [0; 26];
        words[0] = allowance.reuse as u32
            | u32::from(allowance.plan_result) << 8
            | (allowance.messages as u32) << 16;
        for (at, limit) in [
            (2, allowance.row_limit),
            (6, allowance.byte_limit),
            (10, allowance.timeout_ms),
            (18, allowance.session_rows),
            (22, allowance.session_bytes),
        ] {
            words[at] = u32::from(limit.is_some());
            words[at + 2] = limit.unwrap_or_default() as u32;
        }
        let notes: Vec<u32> = allowance
            .notes
            .iter()
            .flat_map(|note| [self.text(&note.key), self.text(&note.value)])
            .flat_map(|(at, length)| [at, length])
            .collect();
        words[14] = self.words(&notes);
        words[15] = allowance.notes.len() as u32;
        let edits: Vec<u32> = allowance
            .edits
            .iter()
            .flat_map(|edit| self.statement_edit(edit))
            .collect();
        words[16] = self.words(&edits);
        words[17] = allowance.edits.len() as u32;
        words
    }

    fn statement_edit(&mut self, edit: &Edit) -> [u32; 14] {
        let mut words = [0; 14];
        let names = match edit {
            Edit::FilterRows(filter) => [&filter.schema, &filter.table, &filter.predicate],
            Edit::ReplaceColumn(replaced) => {
                words[0] = 1;
                words[8..12].copy_from_slice(&self.replacement(&replaced.value));
                words[12] = replaced.look_ups;
                [&replaced.schema, &replaced.table, &replaced.column]
            }
            Edit::CapLimit(rows) => {
                words[0] = 2;
                words[2] = *rows as u32;
                return words;
            }
        };
        for (at, name) in names.into_iter().enumerate() {
            (words[2 + 2 * at], words[3 + 2 * at]) = self.text(name);
        }
        words
    }

    fn replacement(&mut self, value: &ReplacementValue) -> [u32; 4] {
        let (case, sql) = match value {
            ReplacementValue::Null => return [0; 4],
            ReplacementValue::Partial(mask) => return [2, mask.first, mask.last, mask.fill as u32],
            ReplacementValue::Fixed(text) => (1, text),
            ReplacementValue::Text(sql) => (3, sql),
            ReplacementValue::Expression(sql) => (4, sql),
        };
        let (at, length) = self.text(sql);
        [case, at, length, 0]
    }

    pub fn deny(&mut self, denial: &Denial) -> u32 {
        let mut words = vec![1, 0];
        words.extend(self.denial(denial));
        words.resize(VERDICT_WORDS, 0);
        self.words(&words)
    }

    pub fn plan(&mut self, actions: &[ColumnAction]) -> u32 {
        let words: Vec<u32> = actions
            .iter()
            .flat_map(|action| self.action(action))
            .collect();
        let at = self.words(&words);
        self.words(&[0, at, actions.len() as u32, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    pub fn edit(&mut self, columns: &[ColumnReply], keep_rows: Option<&[u8]>) -> u32 {
        let words: Vec<u32> = columns
            .iter()
            .flat_map(|column| self.column_reply(column))
            .collect();
        let at = self.words(&words);
        let keep = keep_rows.map(|bits| (self.bytes(bits), bits.len() as u32));
        let (keep_at, keep_length) = keep.unwrap_or_default();
        self.words(&[
            0,
            at,
            columns.len() as u32,
            u32::from(keep.is_some()),
            keep_at,
            keep_length,
            0,
            0,
            0,
            0,
            0,
        ])
    }

    /// Address and length of the string.
    pub fn text(&mut self, text: &str) -> (u32, u32) {
        (self.bytes(text.as_bytes()), text.len() as u32)
    }

    pub fn words(&mut self, words: &[u32]) -> u32 {
        self.bytes(
            &words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<u8>>(),
        )
    }

    fn bytes(&mut self, bytes: &[u8]) -> u32 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let at = BASE + self.data.len() as u32;
        self.data.extend_from_slice(bytes);
        at
    }

    fn denial(&mut self, denial: &Denial) -> [u32; 10] {
        let (code, message) = (self.text(&denial.code), self.text(&denial.message));
        let [hint, sqlstate] = [&denial.hint, &denial.sqlstate]
            .map(|text| text.as_deref().map(|text| self.text(text)));
        let (hint_at, hint_length) = hint.unwrap_or_default();
        let (state_at, state_length) = sqlstate.unwrap_or_default();
        [
            code.0,
            code.1,
            message.0,
            message.1,
            hint.is_some().into(),
            hint_at,
            hint_length,
            sqlstate.is_some().into(),
            state_at,
            state_length,
        ]
    }

    fn action(&mut self, action: &ColumnAction) -> [u32; 4] {
        match action {
            ColumnAction::Pass => [0, 0, 0, 0],
            ColumnAction::Nullify => [1, 0, 0, 0],
            ColumnAction::Fixed(value) => {
                let (at, length) = self.text(value);
                [2, at, length, 0]
            }
            ColumnAction::Partial(mask) => [3, mask.first, mask.last, mask.fill.into()],
            ColumnAction::Pseudonym(prefix) => {
                let (at, length) = self.text(prefix);
                [4, at, length, 0]
            }
            ColumnAction::Inspect(label) => {
                let (at, length) = self.text(label);
                [5, at, length, 0]
            }
            ColumnAction::Observe(label) => {
                let (at, length) = self.text(label);
                [6, at, length, 0]
            }
        }
    }

    fn column_reply(&mut self, reply: &ColumnReply) -> [u32; 7] {
        match reply {
            ColumnReply::Unchanged => [0; 7],
            ColumnReply::Replaced(PackedColumn {
                offsets,
                validity,
                values,
            }) => {
                let (at, bits, bytes) = (
                    self.words(offsets),
                    self.bytes(validity),
                    self.bytes(values),
                );
                [
                    1,
                    at,
                    offsets.len() as u32,
                    bits,
                    validity.len() as u32,
                    bytes,
                    values.len() as u32,
                ]
            }
            ColumnReply::Nullify => [2, 0, 0, 0, 0, 0, 0],
            ColumnReply::NullifyRows(bits) => [3, self.bytes(bits), bits.len() as u32, 0, 0, 0, 0],
        }
    }

    pub fn wasm(&self) -> Vec<u8> {
        wat::parse_str(self.text_form()).expect("a module that parses")
    }

    fn text_form(&self) -> String {
        let Module {
            version,
            init,
            statement,
            result,
            batch,
            completion,
            extra,
            ..
        } = self;
        let data = self.data.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:02x}").expect("a string takes it");
            text
        });
        let heap = (BASE + self.data.len() as u32).next_multiple_of(65_536);
        let pages = heap / 65_536 + 1;
        let host = format!("gatewright:policy/host@{version}");
        let module = format!("gatewright:policy/module@{version}");
        let (imports, completion_head, completion_drop) = if version.starts_with("0.1") {
            (
                String::new(),
                "(param $id i64) (param $rows i64) (param $bytes i64)",
                "",
            )
        } else {
            (
                format!(
                    r#"(import "{host}" "[method]statement.original-sql" (func $original_sql (param i32 i32)))
  (import "{host}" "[method]statement.id-text" (func $id_text (param i32 i32)))
  (import "{host}" "[method]statement.access-grants" (func $access_grants (param i32 i32)))"#
                ),
                "(param $stmt i32) (param $high i64) (param $id i64) (param $outcome i32) (param $rows i64) (param $bytes i64) (param $masked i64)",
                "(call $drop (local.get $stmt))",
            )
        };
        // Notifications of channel "d…" are dropped.
        let notification = match self.version.starts_with("0.1") {
            true => String::new(),
            false => format!(
                r#"(func (export "{module}#on-notification") (param $args i32) (result i32)
    (i32.eq (i32.load8_u (i32.load (i32.add (local.get $args) (i32.const 24)))) (i32.const 100)))"#
            ),
        };
        format!(
            r#"(module
  (import "{host}" "[resource-drop]statement" (func $drop (param i32)))
  (import "{host}" "[method]statement.sql" (func $sql (param i32 i32)))
  (import "{host}" "[method]statement.normalized" (func $normalized (param i32 i32)))
  (import "{host}" "[method]statement.ast-json" (func $ast_json (param i32 i32)))
  (import "{host}" "log" (func $log (param i32 i32 i32)))
  (import "{host}" "counter-add" (func $counter_add (param i32 i32 i32 i64 i64) (result i64)))
  (import "{host}" "distinct-add" (func $distinct_add (param i32 i32 i32 i32 i32 i64) (result i64)))
  (import "{host}" "value-set" (func $value_set (param i32 i32 i32 i32 i32 i64)))
  (import "{host}" "value-get" (func $value_get (param i32 i32 i32 i32)))
  (import "{host}" "metric-add" (func $metric_add (param i32 i32 f64)))
  {imports}
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const {heap}))
  (data (i32.const {BASE}) "{data}")
  (func $reset (global.set $heap (i32.const {heap})))
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get $new) (i32.const 16)) (i32.const 1))) (i32.const -1)) (then (unreachable)))))
    (local.get $at))
  (func (export "{module}#init") (param $settings i32) (param $length i32) (result i32) {init})
  (func (export "cabi_post_{module}#init") (param i32) (call $reset))
  (func (export "{module}#on-statement") (param $args i32) (result i32) (local $reply i32)
    (local.set $reply (block (result i32) {statement}))
    (call $drop (i32.load (local.get $args)))
    (local.get $reply))
  (func (export "cabi_post_{module}#on-statement") (param i32) (call $reset))
  (func (export "{module}#on-result") (param $stmt i32) (param $columns i32) (param $count i32) (result i32)
    (call $drop (local.get $stmt))
    {result})
  (func (export "cabi_post_{module}#on-result") (param i32) (call $reset))
  (func (export "{module}#on-batch") (param $stmt i32) (param $rows i32) (param $sequence i64) (param $columns i32) (param $count i32) (result i32)
    (call $drop (local.get $stmt))
    {batch})
  (func (export "cabi_post_{module}#on-batch") (param i32) (call $reset))
  (func (export "{module}#on-completion") {completion_head} (param $elapsed i64) (param $state i32) (param $length i32)
    {completion_drop}
    {completion}
    (call $reset))
  {notification}
  {extra})"#
        )
    }
}

/// A body that returns the reply at this address.
pub fn constant(at: u32) -> String {
    format!("(i32.const {at})")
}
