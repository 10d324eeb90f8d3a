//! Tests of mask-columns: decisions, plans and settings.

use gatewright_policy::testing::{
    self, StatementDouble, column, facts, result_column, select, source,
};
use gatewright_policy::{
    Access, BatchReply, ColumnAction, ColumnReply, DataFlow, Denial, Edit, Editing, Facts, Hooks,
    Messages, Notification, NotificationReply, Plan, Policy, ReplacementValue, ResultColumn,
    Transform, Usage, Verb, Verdict,
};

use crate::MaskColumns;

const SETTINGS: &str = r#"{"columns": ["public.people.ssn",
    {"column": "public.people.mail", "method": "email"},
    {"column": "public.people.card", "method": "partial", "last": 4},
    {"column": "public.people.token", "method": "hash"},
    {"column": "shop.public.people.born", "method": "null"}], "exempt_groups": ["auditors"]}"#;

fn policy(settings: &str) -> MaskColumns {
    testing::policy(settings).expect("valid settings")
}

/// The denial's code, or whether the result is to be planned.
fn judge(facts: &Facts) -> Result<bool, String> {
    judge_with(SETTINGS, facts)
}

fn judge_with(settings: &str, facts: &Facts) -> Result<bool, String> {
    judge_equated(settings, facts, &[])
}

/// `equated`: indexes of column uses that only test for equality.
fn judge_equated(settings: &str, facts: &Facts, equated: &[u32]) -> Result<bool, String> {
    let mut statement = not_editable();
    statement.equated = equated.to_vec();
    verdict(settings, &statement, facts)
}

/// A statement that the gateway cannot edit, so that it is judged as it stands.
fn not_editable() -> StatementDouble {
    let mut statement = StatementDouble::new("");
    statement.editing = Editing::Impossible("a test".to_owned());
    statement
}

/// Judges a statement with one flow into `target`; `None` is a flow of unknown origin.
fn judge_flow(facts: &Facts, target: &str, sources: Option<&[&str]>) -> Result<bool, String> {
    let mut statement = not_editable();
    statement.flows = vec![DataFlow {
        target: source(target),
        exact: sources.is_some(),
        sources: sources
            .unwrap_or_default()
            .iter()
            .map(|name| source(name))
            .collect(),
    }];
    verdict(SETTINGS, &statement, facts)
}

fn verdict(settings: &str, statement: &StatementDouble, facts: &Facts) -> Result<bool, String> {
    match policy(settings).on_statement(&statement.view(), facts) {
        Verdict::Allow(allowance) => Ok(allowance.plan_result),
        Verdict::Deny(denial) => Err(checked(denial)),
        other => panic!("{other:?}"),
    }
}

fn checked(denial: Denial) -> String {
    assert!(
        !denial.message.is_empty() && denial.hint.is_some(),
        "{denial:?}"
    );
    denial.code
}

fn plan(columns: &[ResultColumn]) -> Result<Vec<ColumnAction>, String> {
    match policy(SETTINGS).on_result(&StatementDouble::new("").view(), columns) {
        Plan::Columns(actions) => Ok(actions),
        Plan::Deny(denial) => Err(checked(denial)),
    }
}

fn refused(code: &str) -> Result<bool, String> {
    Err(code.to_owned())
}

#[test]
fn reads_of_protected_tables_are_planned() {
    assert_eq!(judge(&select(&["public.people"])), Ok(true));
    assert_eq!(judge(&select(&["people"])), Ok(true));
    assert_eq!(judge(&select(&["crm.people", "public.orders"])), Ok(false));
}

/// The columns whose edits the policy asks for, with what they become.
fn edits(settings: &str, facts: &Facts, editing: Editing) -> Vec<(String, ReplacementValue, u32)> {
    let mut statement = StatementDouble::new("");
    statement.editing = editing;
    let Verdict::Allow(allowance) = policy(settings).on_statement(&statement.view(), facts) else {
        return Vec::new();
    };
    let edits = allowance.edits.into_iter().map(|edit| match edit {
        Edit::ReplaceColumn(replaced) => (replaced.column, replaced.value, replaced.look_ups),
        other => panic!("{other:?}"),
    });
    edits.collect()
}

#[test]
fn statements_that_read_protected_tables_are_edited_once() {
    let reads = select(&["public.people"]);
    let asked = edits(SETTINGS, &reads, Editing::None);
    let columns: Vec<&str> = asked.iter().map(|(column, ..)| column.as_str()).collect();
    // The key of a hash stays in the gateway.
    assert_eq!(columns, ["ssn", "mail", "card", "born"]);
    assert_eq!(asked[0].1, ReplacementValue::Fixed("***".to_owned()));
    assert!(asked.iter().all(|(.., look_ups)| *look_ups == 1));
    for editing in [Editing::Applied, Editing::Impossible("a test".to_owned())] {
        assert_eq!(edits(SETTINGS, &reads, editing), []);
    }
    assert_eq!(
        edits(SETTINGS, &select(&["public.orders"]), Editing::None),
        []
    );
    let writes = facts(
        Verb::Insert,
        &["INSERT"],
        &[("public.people", Access::INSERT)],
    );
    assert_eq!(edits(SETTINGS, &writes, Editing::None), []);
}

#[test]
fn where_says_whether_statements_are_edited() {
    let reads = select(&["public.people"]);
    let result = SETTINGS.replacen('{', r#"{"where": "result","#, 1);
    assert_eq!(edits(&result, &reads, Editing::None), []);
    let one = result.replacen(r#""last": 4"#, r#""last": 4, "where": "query""#, 1);
    let columns: Vec<String> = edits(&one, &reads, Editing::None)
        .into_iter()
        .map(|(column, ..)| column)
        .collect();
    assert_eq!(columns, ["card"]);
    let strict = SETTINGS.replacen('{', r#"{"equality": "refuse","#, 1);
    let asked = edits(&strict, &reads, Editing::None);
    assert!(asked.iter().all(|(.., look_ups)| *look_ups == 0));
    let more = SETTINGS.replacen('{', r#"{"look_ups": 5,"#, 1);
    let asked = edits(&more, &reads, Editing::None);
    assert!(asked.iter().all(|(.., look_ups)| *look_ups == 5));
    let hash =
        r#"{"columns": [{"column": "public.people.token", "method": "hash", "where": "query"}]}"#;
    assert_eq!(
        testing::policy::<MaskColumns>(hash).err().as_deref(),
        Some("setting columns[0]: method = \"hash\" requires where = \"result\"")
    );
}

#[test]
fn an_edited_statement_that_uses_no_protected_column_can_be_explained() {
    let explain = |columns| Facts {
        columns,
        ..facts(
            Verb::Explain,
            &["EXPLAIN", "SELECT"],
            &[("public.people", Access::SELECT)],
        )
    };
    let mut statement = StatementDouble::new("");
    statement.editing = Editing::Applied;
    let judged = |facts| verdict(SETTINGS, &statement, &facts);
    assert_eq!(
        judged(explain(vec![column(0, "name", Usage::Filter)])),
        Ok(false)
    );
    assert_eq!(
        judged(explain(vec![column(0, "ssn", Usage::Filter)])),
        refused("explain")
    );
    // Not edited.
    assert_eq!(
        judged(explain(vec![column(0, "token", Usage::Output)])),
        refused("explain")
    );
}

#[test]
fn opaque_statements_are_refused() {
    let opaque = |facts: Facts| Facts {
        opaque: vec!["a DO block".to_owned()],
        ..facts
    };
    assert_eq!(
        judge(&opaque(select(&["public.people"]))),
        refused("opaque")
    );
    assert_eq!(judge(&opaque(select(&[]))), refused("opaque"));
    let loose = SETTINGS.replacen('{', r#"{"opaque": "allow","#, 1);
    assert_eq!(judge_with(&loose, &opaque(select(&[]))), Ok(false));
    assert_eq!(
        judge_with(&loose, &opaque(select(&["people"]))),
        refused("opaque")
    );
}

#[test]
fn statistics_are_refused() {
    assert_eq!(judge(&select(&["pg_catalog.pg_stats"])), refused("samples"));
    assert_eq!(
        judge(&select(&["pg_toast.pg_toast_16384"])),
        refused("samples")
    );
    assert_eq!(
        judge_with("{}", &select(&["pg_catalog.pg_stats"])),
        Ok(false)
    );
}

#[test]
fn functions_that_send_values_elsewhere_are_refused() {
    for function in ["pg_notify", "pg_catalog.setval", "pg_advisory_xact_lock"] {
        let calls = |tables: &[&str]| Facts {
            functions: vec![function.to_owned()],
            ..select(tables)
        };
        assert_eq!(
            judge(&calls(&["public.people"])),
            refused("sender"),
            "{function}"
        );
        assert_eq!(judge(&calls(&["public.orders"])), Ok(false), "{function}");
    }
}

#[test]
fn explain_is_refused_by_default() {
    let explain = facts(
        Verb::Explain,
        &["EXPLAIN", "SELECT"],
        &[("public.people", Access::SELECT)],
    );
    assert_eq!(judge(&explain), refused("explain"));
    let loose = SETTINGS.replacen('{', r#"{"explain": "allow","#, 1);
    assert_eq!(judge_with(&loose, &explain), Ok(false));
}

#[test]
fn values_are_not_copied_into_other_tables() {
    let people = ("public.people", Access::SELECT);
    let insert = facts(
        Verb::Insert,
        &["INSERT"],
        &[people, ("public.copy", Access::INSERT)],
    );
    let create = facts(
        Verb::Ddl,
        &["CREATE TABLE AS"],
        &[people, ("copy", Access::DDL)],
    );
    for statement in [&insert, &create] {
        let into = |sources| judge_flow(statement, "public.copy.a", sources);
        assert_eq!(into(Some(&["public.people.ssn"])), refused("copied"));
        assert_eq!(
            into(Some(&["public.people.name", "public.people.*"])),
            refused("copied")
        );
        assert_eq!(into(None), refused("copied"));
        assert_eq!(into(Some(&["public.people.name"])), Ok(true));
        assert_eq!(judge(statement), Ok(true));
    }
    let rule = facts(
        Verb::Ddl,
        &["CREATE RULE"],
        &[people, ("copy", Access::DDL)],
    );
    assert_eq!(judge(&rule), refused("definition"));
    let alter = facts(
        Verb::Ddl,
        &["ALTER TABLE"],
        &[("public.people", Access::DDL)],
    );
    assert_eq!(judge(&alter), refused("definition"));
    let drop = facts(
        Verb::Ddl,
        &["DROP TABLE"],
        &[("public.people", Access::DDL)],
    );
    assert_eq!(judge(&drop), Ok(true));
    let fill = facts(
        Verb::Insert,
        &["INSERT"],
        &[
            ("public.people", Access::INSERT),
            ("public.new", Access::SELECT),
        ],
    );
    assert_eq!(judge(&fill), Ok(true));
}

#[test]
fn values_are_not_copied_into_other_columns() {
    let update = facts(
        Verb::Update,
        &["UPDATE"],
        &[("public.people", Access::UPDATE)],
    );
    let into = |target, sources: &[&str]| judge_flow(&update, target, Some(sources));
    assert_eq!(into("public.people.ssn", &["public.people.ssn"]), Ok(true));
    assert_eq!(into("public.people.ssn", &["public.people.name"]), Ok(true));
    assert_eq!(
        into("public.people.name", &["public.people.ssn"]),
        refused("copied")
    );
    assert_eq!(
        into("public.people.card", &["public.people.ssn"]),
        refused("copied")
    );
    assert_eq!(
        into("public.people.*", &["public.people.ssn"]),
        refused("copied")
    );
    assert_eq!(
        into("public.people.name", &["public.people.name"]),
        Ok(true)
    );
    assert_eq!(
        judge_flow(&update, "public.people.name", None),
        refused("copied")
    );
}

#[test]
fn uses_that_reveal_values_are_refused() {
    let uses = |name: &str, usage: Usage| Facts {
        columns: vec![column(0, name, usage)],
        ..select(&["public.people"])
    };
    for usage in [
        Usage::Filter,
        Usage::Join,
        Usage::Order,
        Usage::Window,
        Usage::Group,
        Usage::Aggregate,
        Usage::Argument,
    ] {
        for name in ["ssn", "*"] {
            assert_eq!(judge(&uses(name, usage)), refused("probe"), "{usage:?}");
        }
        assert_eq!(judge(&uses("name", usage)), Ok(true), "{usage:?}");
        let allowed = SETTINGS.replacen('{', r#"{"predicates": "allow","#, 1);
        assert_eq!(judge_with(&allowed, &uses("ssn", usage)), Ok(true));
    }
    let equation = uses("ssn", Usage::Filter);
    assert_eq!(judge_equated(SETTINGS, &equation, &[0]), Ok(true));
    let strict = SETTINGS.replacen('{', r#"{"equality": "refuse","#, 1);
    assert_eq!(judge_equated(&strict, &equation, &[0]), refused("probe"));
    let fetch = Facts {
        commands: vec!["FETCH".to_owned()],
        ..uses("ssn", Usage::Order)
    };
    assert_eq!(judge(&fetch), Ok(true), "judged when it was declared");
}

#[test]
fn query_strings_of_other_sessions_are_refused() {
    let activity = |name: &str| Facts {
        columns: vec![column(0, name, Usage::Output)],
        ..select(&["pg_catalog.pg_stat_activity"])
    };
    assert_eq!(judge(&activity("query")), refused("activity"));
    assert_eq!(judge(&activity("*")), refused("activity"));
    assert_eq!(judge(&activity("state")), Ok(false));
    let called = Facts {
        functions: vec!["pg_stat_get_activity".to_owned()],
        ..select(&[])
    };
    assert_eq!(judge(&called), refused("activity"));
}

#[test]
fn commands_that_bypass_the_gateway_are_refused() {
    for command in ["CREATE SERVER", "CREATE SUBSCRIPTION", "ALTER SCHEMA"] {
        let facts = facts(Verb::Ddl, &[command], &[]);
        assert_eq!(judge(&facts), refused("way-out"), "{command}");
        assert_eq!(judge_with("{}", &facts), Ok(false), "{command}");
    }
}

#[test]
fn exempt_groups_see_unmasked_values() {
    let mut facts = select(&["public.people"]);
    facts.identity.groups.push("auditors".to_owned());
    assert_eq!(judge(&facts), Ok(false));
}

#[test]
fn each_column_gets_its_mask() {
    let columns = ["ssn", "mail", "card", "token", "born", "name"]
        .map(|name| result_column("alias", &[&format!("public.people.{name}")]));
    let expected = vec![
        ColumnAction::Fixed("***".to_owned()),
        ColumnAction::inspect("email"),
        ColumnAction::partial(0, 4, '*'),
        ColumnAction::Pseudonym("public.people.token".to_owned()),
        ColumnAction::Nullify,
        ColumnAction::Pass,
    ];
    assert_eq!(plan(&columns), Ok(expected));
}

#[test]
fn a_column_is_masked_by_the_method_that_asked_for_it() {
    let address: &[Option<&str>] = &[Some("ada@example.com"), None];
    let batch = testing::batch(&[("email", address), ("other", address)]);
    let reply = policy(SETTINGS).on_batch(&StatementDouble::new("").view(), &batch);
    let masked = [Some("a***@example.com"), None].into_iter().collect();
    let expected = vec![ColumnReply::Replaced(masked), ColumnReply::Nullify];
    assert_eq!(reply, BatchReply::edit(expected));
}

#[test]
fn rules_for_another_database_do_not_apply() {
    let elsewhere = r#"{"columns": ["other.public.people.ssn"]}"#;
    assert_eq!(
        judge_with(elsewhere, &select(&["public.people"])),
        Ok(false)
    );
    assert_eq!(
        judge_with(
            &elsewhere.replace("other", "shop"),
            &select(&["public.people"])
        ),
        Ok(true)
    );
}

#[test]
fn columns_that_may_carry_protected_values_are_nulled_or_refused() {
    let column = result_column("x", &["public.people.ssn"]);
    let inexact = ResultColumn {
        exact: false,
        ..column.clone()
    };
    assert_eq!(plan(&[inexact]), Ok(vec![ColumnAction::Nullify]));
    let mut computed = column.clone();
    computed.sources[0].transform = Transform::Expression;
    assert_eq!(plan(&[computed]), Err("derived".to_owned()));
    // A generated column: itself, chosen by the columns that compute it.
    let mut generated = result_column("initial", &["public.people.initial", "public.people.ssn"]);
    generated.sources[1].transform = Transform::Expression;
    assert_eq!(plan(&[generated.clone()]), Ok(vec![ColumnAction::Nullify]));
    generated.exact = false;
    assert_eq!(plan(&[generated]), Err("derived".to_owned()));
    let mut aggregate = column.clone();
    aggregate.sources[0].transform = Transform::Aggregate;
    assert_eq!(plan(&[aggregate]), Ok(vec![ColumnAction::Nullify]));
    assert_eq!(
        plan(&[result_column("x", &["public.people.*"])]),
        Err("whole-row".to_owned())
    );
    let unknown = ResultColumn {
        exact: false,
        ..result_column("x", &[])
    };
    assert_eq!(plan(&[unknown]), Err("unknown-origin".to_owned()));
    assert_eq!(
        plan(&[result_column("count", &[])]),
        Ok(vec![ColumnAction::Pass])
    );
    let other = ResultColumn {
        exact: false,
        ..result_column("x", &["public.orders.id"])
    };
    assert_eq!(plan(&[other]), Ok(vec![ColumnAction::Pass]));
}

#[test]
fn unreadable_and_mixed_columns_are_nulled() {
    let unreadable = ResultColumn {
        readable: false,
        ..result_column("x", &["public.people.ssn"])
    };
    assert_eq!(plan(&[unreadable]), Ok(vec![ColumnAction::Nullify]));
    let mut mixed = result_column("x", &["public.people.ssn"]);
    mixed.sources.push(source("public.people.card"));
    assert_eq!(plan(&[mixed]), Ok(vec![ColumnAction::Nullify]));
}

#[test]
fn pseudonyms_of_client_chosen_values_are_not_shown() {
    let mut mixed = result_column("x", &["public.people.token"]);
    mixed.sources.push(source("public.notes.guess"));
    assert_eq!(plan(&[mixed.clone()]), Ok(vec![ColumnAction::Nullify]));
    mixed.sources[1].transform = Transform::Expression;
    let pseudonym = ColumnAction::Pseudonym("public.people.token".to_owned());
    assert_eq!(plan(&[mixed]), Ok(vec![pseudonym]));
}

#[test]
fn functions_with_unknown_bodies_are_refused_unless_trusted() {
    let mut calls = select(&["public.orders"]);
    calls.opaque = vec!["function shop.leak has an unknown body".to_owned()];
    let trusting =
        r#"{"columns": ["public.people.ssn"], "trusted_functions": ["shop.leak", "shop.other"]}"#;
    assert_eq!(judge(&calls), refused("opaque"));
    assert_eq!(judge_with(trusting, &calls), Ok(false));
    calls.opaque.push("a DO block".to_owned());
    assert_eq!(judge_with(trusting, &calls), refused("opaque"));
}

#[test]
fn invalid_settings_are_named_in_the_error() {
    for (settings, part) in [
        (r#"{"columns": 7}"#, "columns"),
        (r#"{"columns": ["people.ssn"]}"#, "schema.table.column"),
        (r#"{"columns": ["a.b.c", "A.B.C"]}"#, "twice"),
        (
            r#"{"columns": [{"column": "a.b.c", "method": "hash", "first": 1}]}"#,
            "columns[0]",
        ),
        (
            r#"{"columns": [{"column": "a.b.c", "metod": "hash"}]}"#,
            "metod",
        ),
        (
            r#"{"columns": ["a.b.d", {"column": "a.b.c", "method": "blur"}]}"#,
            "columns[1].method",
        ),
        (
            r#"{"trusted_functions": ["lower_name"]}"#,
            "trusted_functions[0]",
        ),
        (r#"{"default_method": "blur"}"#, "blur"),
    ] {
        let error = testing::policy::<MaskColumns>(settings)
            .err()
            .expect("refused");
        assert!(error.contains(part), "{error}");
    }
}

fn messages(tables: &[(&str, Access)]) -> Messages {
    let facts = facts(Verb::Select, &["SELECT"], tables);
    match policy(SETTINGS).on_statement(&StatementDouble::new("").view(), &facts) {
        Verdict::Allow(allowance) => allowance.messages,
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts_of_unnamed_code_are_withheld_by_what_it_may_read() {
    let orders = ("public.orders", Access::SELECT);
    let unnamed = Access::empty();
    assert_eq!(messages(&[orders]), Messages::All);
    assert_eq!(
        messages(&[orders, ("public.notes", unnamed)]),
        Messages::All
    );
    assert_eq!(messages(&[orders, ("", unnamed)]), Messages::OutsideCode);
    let reads = [orders, ("", unnamed), ("public.people", unnamed)];
    assert_eq!(messages(&reads), Messages::WithoutValues);
}

#[test]
fn unnamed_code_makes_no_statement_one_on_a_protected_table() {
    let mut facts = facts(
        Verb::Ddl,
        &["CREATE TABLE"],
        &[
            ("public.made", Access::DDL),
            ("public.people", Access::empty()),
        ],
    );
    facts.opaque = vec!["the transaction has created, altered or dropped something".to_owned()];
    assert_eq!(judge(&facts), Ok(false));
}

fn heard(settings: &str, channel: &str, groups: &[&str]) -> NotificationReply {
    let mut identity = select(&[]).identity;
    identity.groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let facts = select(&[]);
    policy(settings).on_notification(&Notification {
        session_id: facts.session_id,
        database: "shop".to_owned(),
        channel: channel.to_owned(),
        payload: "1".to_owned(),
        identity,
    })
}

#[test]
fn notifications_pass_on_listed_channels() {
    let listed = SETTINGS.replacen('{', r#"{"channels": ["news"],"#, 1);
    assert_eq!(heard(SETTINGS, "news", &[]), NotificationReply::Drop);
    assert_eq!(
        heard(SETTINGS, "news", &["auditors"]),
        NotificationReply::Pass
    );
    assert_eq!(heard(&listed, "news", &[]), NotificationReply::Pass);
    assert_eq!(heard(&listed, "News", &[]), NotificationReply::Drop);
    let elsewhere = r#"{"columns": ["other.public.people.ssn"]}"#;
    assert_eq!(heard(elsewhere, "news", &[]), NotificationReply::Pass);
    let allowed = SETTINGS.replacen('{', r#"{"notifications": "allow","#, 1);
    assert!(!policy(&allowed).hooks().contains(Hooks::NOTIFICATION));
}

#[test]
fn listen_is_refused_on_other_channels() {
    let listen = |settings: &str, channel: &str| {
        let mut statement = StatementDouble::new("");
        statement.channels = vec![channel.to_owned()];
        verdict(settings, &statement, &facts(Verb::Listen, &["LISTEN"], &[]))
    };
    let listed = SETTINGS.replacen('{', r#"{"channels": ["news"],"#, 1);
    assert_eq!(listen(SETTINGS, "news"), refused("notifications"));
    assert_eq!(listen(&listed, "news"), Ok(false));
    assert_eq!(listen(&listed, "leak"), refused("notifications"));
}

#[test]
fn missing_values_are_null_in_results_and_nowhere_else() {
    let missing = "pg_catalog.pg_attribute.attmissingval";
    assert_eq!(
        plan(&[result_column("m", &[missing])]),
        Ok(vec![ColumnAction::Nullify])
    );
    let mut facts = select(&["pg_catalog.pg_attribute"]);
    facts.columns = vec![column(0, "attname", Usage::Filter)];
    assert_eq!(judge(&facts), Ok(false));
    facts
        .columns
        .push(column(0, "attmissingval", Usage::Output));
    assert_eq!(judge(&facts), Ok(true));
    facts
        .columns
        .push(column(0, "attmissingval", Usage::Filter));
    assert_eq!(judge(&facts), refused("samples"));
}
