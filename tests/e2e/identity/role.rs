//! No client can change its role on the server, in any spelling: not for its session and not for its next login.

use anyhow::Result;
use gatewright_harness::{Provider, Psql};
use gatewright_tests::raw::{self, extended, sync};
use serde_json::json;

use super::stage::{Plan, Stage};
use crate::world;

/// A role that is a member of another role, and a token for it.
fn stage(test: &str) -> Result<(Stage, String, Provider)> {
    let provider = Provider::start(&json!({ "ada": { "groups": ["staff"] } }))?;
    let plan = Plan {
        issuer: provider.url(),
        ..Plan::default()
    };
    let stage = Stage::start(test, tempfile::tempdir()?, &plan)?;
    let token = provider.access_token("ada")?;
    Ok((stage, token, provider))
}

#[test]
fn the_role_cannot_be_changed_in_any_spelling() -> Result<()> {
    let (stage, token, _provider) = stage("role_locked")?;
    let above = format!("{}_above", stage.role);
    let me = stage.role.clone();
    let spellings = [
        format!("SET ROLE {above}"),
        format!("SET LOCAL ROLE {above}"),
        format!("SELECT 1; SET ROLE {above}"),
        format!("SET \"role\" TO '{above}'"),
        "RESET ROLE".to_owned(),
        "RESET ALL".to_owned(),
        "DISCARD ALL".to_owned(),
        "SET SESSION AUTHORIZATION DEFAULT".to_owned(),
        "RESET SESSION AUTHORIZATION".to_owned(),
        format!("SELECT set_config('role', '{above}', false)"),
        format!("SELECT set_config('ro' || 'le', '{above}', false)"),
        format!("SELECT * FROM set_config('role', '{above}', false)"),
        format!("UPDATE pg_settings SET setting = '{above}' WHERE name = 'role'"),
        format!(
            "SELECT query_to_xml('SELECT set_config(''role'', ''{above}'', false)', true, true, '')"
        ),
        format!(
            "SELECT * FROM ts_stat('SELECT to_tsvector(set_config(''role'', ''{above}'', false))')"
        ),
        format!("DO $$ BEGIN SET ROLE {above}; END $$"),
        format!("DO $$ BEGIN EXECUTE 'SET R' || 'OLE {above}'; END $$"),
        format!("DO $$ BEGIN PERFORM set_config('role', '{above}', false); END $$"),
        format!(
            "CREATE FUNCTION f1() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET ROLE {above}; END'; SELECT f1()"
        ),
        format!(
            "CREATE FUNCTION f2() RETURNS text LANGUAGE sql AS $$ SELECT set_config('role', '{above}', false) $$; SELECT f2()"
        ),
        format!(
            "CREATE PROCEDURE p1() LANGUAGE plpgsql AS 'BEGIN SET ROLE {above}; END'; CALL p1()"
        ),
        format!("CREATE VIEW v1 AS SELECT set_config('role', '{above}', false); SELECT * FROM v1"),
        format!("PREPARE q AS SELECT set_config('role', '{above}', false); EXECUTE q"),
        format!("BEGIN; SET LOCAL ROLE {above}"),
        format!("ALTER ROLE {me} SET role = '{above}'"),
        format!("ALTER ROLE CURRENT_USER SET role TO {above}"),
        format!("DO $$ BEGIN EXECUTE $q$ DO $i$ BEGIN SET ROLE {above}; END $i$ $q$; END $$"),
        format!("DO $$ BEGIN DO $i$ BEGIN SET ROLE {above}; END $i$; END $$"),
        format!(
            "DO LANGUAGE 'plpgsql' $$ DECLARE t text := set_config('role', '{above}', false); BEGIN END $$"
        ),
        format!("SELECT run('SET ROLE {above}')"),
        format!(
            "CREATE FUNCTION f3() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT set_config('role', '{above}', false); SELECT 1; END; SELECT f3()"
        ),
        format!(
            "CREATE FUNCTION f4() RETURNS int LANGUAGE sql SET role = '{above}' AS 'SELECT 1'; SELECT f4()"
        ),
        format!(
            "CREATE FUNCTION f5(text) RETURNS text LANGUAGE sql AS 'SELECT run($1)'; SELECT f5('SET ROLE {above}')"
        ),
        format!(
            "CREATE FUNCTION f6(t text DEFAULT set_config('role', '{above}', false)) RETURNS text LANGUAGE sql AS 'SELECT t'; SELECT f6()"
        ),
        format!("ALTER FUNCTION run(text) RENAME TO walk; SELECT walk('SET ROLE {above}')"),
        format!(
            "CREATE OPERATOR !!! (RIGHTARG = text, FUNCTION = run); SELECT !!! 'SET ROLE {above}'"
        ),
        format!(
            "CREATE AGGREGATE runs(text) (SFUNC = run, STYPE = text, INITCOND = ''); SELECT runs('SET ROLE {above}')"
        ),
        format!(
            "CREATE TABLE t1 (a text DEFAULT set_config('role', '{above}', false)); INSERT INTO t1 DEFAULT VALUES"
        ),
        format!("EXPLAIN ANALYZE SELECT set_config('role', '{above}', false)"),
        format!("PREPARE r(text) AS SELECT run($1); EXECUTE r('SET ROLE {above}')"),
        format!("DECLARE c CURSOR WITH HOLD FOR SELECT run('SET ROLE {above}'); FETCH c"),
        format!(
            "CREATE FUNCTION f7() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET ROLE {above}; RETURN NEW; END'; \
            CREATE TABLE t2 (a int); CREATE TRIGGER t BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION f7(); INSERT INTO t2 VALUES (1)"
        ),
        format!("COPY (SELECT run('SET ROLE {above}')) TO STDOUT"),
        format!(
            "INSERT INTO todo VALUES ('SET ROLE {above}'); SELECT table_to_xml('done', true, true, '')"
        ),
        format!(
            "INSERT INTO todo VALUES ('SET ROLE {above}'); SELECT schema_to_xml('done', true, true, '')"
        ),
        format!(
            "INSERT INTO todo VALUES ('SET ROLE {above}'); SELECT database_to_xml(true, true, '')"
        ),
        format!(
            "INSERT INTO todo VALUES ('SET ROLE {above}'); SELECT table_to_xml_and_xmlschema('done', true, true, '')"
        ),
        format!("INSERT INTO ruled VALUES ('SET ROLE {above}')"),
        format!("INSERT INTO triggered VALUES ('SET ROLE {above}')"),
        format!(
            "SELECT set_config('my.command', 'SET ROLE {above}', false); INSERT INTO defaulted DEFAULT VALUES"
        ),
    ];
    Psql::new(&stage.direct)?.query(
        "CREATE FUNCTION run(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE $1; RETURN 'ran'; END $$; \
         CREATE FUNCTION run(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE $2; RETURN 'ran'; END $$; \
         CREATE TABLE todo (command text); CREATE VIEW done AS SELECT run(command) FROM todo; \
         CREATE SCHEMA done; CREATE VIEW done.done AS SELECT run(command) FROM todo; \
         CREATE TABLE ruled (command text); CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT run(NEW.command); \
         CREATE TABLE defaulted (a text DEFAULT run(current_setting('my.command'))); \
         CREATE TABLE triggered (command text); \
         CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.command; RETURN NEW; END $$; \
         CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION follow(); \
         GRANT USAGE ON SCHEMA done TO public; \
         GRANT ALL ON todo, done, done.done, ruled, defaulted, triggered TO public",
    )?;
    let mut changed = Vec::new();
    for sql in &spellings {
        let mut client = stage.client(&token)?;
        client.query(sql)?;
        let now = client.query("SELECT current_user")?;
        let now = now.iter().find(|message| message.tag == b'D');
        let now = now.and_then(|row| row.cells().first().cloned().flatten());
        let next = stage.role_of(&token)?;
        if now.is_some_and(|now| now != me) || next != me {
            changed.push(sql);
        }
    }
    assert!(changed.is_empty(), "these changed the role: {changed:#?}");
    let mut client = stage.client(&token)?;
    let set = extended(&format!("SET ROLE {above}"), &[], 0);
    let call = "SELECT set_config($1, $2, false)";
    let configured = extended(call, &[Some("role"), Some(&above)], 0);
    for messages in [set, configured] {
        client.send(&[messages, sync()].concat())?;
        let refused = raw::error(&client.until_ready()?).map(|fields| fields[&'C'].clone());
        assert_eq!(refused.as_deref(), Some("42501"));
    }
    client.send(&set_config_by_number(&above))?;
    let refused = raw::error(&client.until_ready()?).map(|fields| fields[&'C'].clone());
    assert_eq!(refused.as_deref(), Some("42501"));
    Ok(())
}

/// FunctionCall of set_config('role', .., false). Its OID is 2078 in every version.
fn set_config_by_number(role: &str) -> Vec<u8> {
    let mut body = 2078_u32.to_be_bytes().to_vec();
    body.extend([0, 1, 0, 0, 0, 3]);
    for argument in ["role", role, "false"] {
        body.extend(u32::try_from(argument.len()).unwrap_or(0).to_be_bytes());
        body.extend(argument.as_bytes());
    }
    body.extend([0, 0]);
    let length = u32::try_from(body.len() + 4).unwrap_or(0).to_be_bytes();
    [&b"F"[..], &length, &body].concat()
}

/// Statements that visibly leave the role alone run, although the role is a member of another.
#[test]
fn statements_that_leave_the_role_alone_run() -> Result<()> {
    let (stage, token, _provider) = stage("role_readable")?;
    Psql::new(&stage.direct)?.query(
        "CREATE TABLE kept (a int); GRANT ALL ON kept TO public; \
         CREATE PROCEDURE keep(n int) LANGUAGE plpgsql AS 'BEGIN INSERT INTO kept VALUES (n); COMMIT; END'",
    )?;
    let mut client = stage.client(&token)?;
    let statements = [
        "DO $$ BEGIN RAISE NOTICE 'hello'; END $$",
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad', 'ok'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ DECLARE n int := 1; BEGIN FOR n IN SELECT a FROM kept LOOP n := n + 1; END LOOP; PERFORM set_config('my.n', n::text, true); END $$",
        "CREATE FUNCTION half(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'DECLARE h int; BEGIN h := n / 2; RETURN h; END'",
        "SELECT half(4)",
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := NEW.a + 1; RETURN NEW; END'",
        "CREATE TABLE stamped (a int)",
        "CREATE TRIGGER stamp BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp()",
        "INSERT INTO stamped VALUES (1)",
        "CALL keep(1)",
        "SELECT set_config('my.user', 'ada', true)",
        "ALTER ROLE CURRENT_USER SET work_mem = '8MB'",
        "CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'; DROP FUNCTION doubled(int)",
    ];
    let mut refused = Vec::new();
    for sql in statements {
        if let Some(fields) = raw::error(&client.query(sql)?) {
            refused.push((sql, fields[&'M'].clone()));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    let set = extended("SELECT set_config('my.user', $1, true)", &[Some("ada")], 0);
    client.send(&[set, sync()].concat())?;
    assert!(raw::error(&client.until_ready()?).is_none());
    Ok(())
}

/// A role that is a member of no other role needs no lock.
#[test]
fn a_role_without_memberships_is_not_restricted() -> Result<()> {
    let (stage, token, _provider) = stage("role_alone")?;
    let dynamic = "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$";
    let reported = |client: &mut raw::Client| -> Result<Option<String>> {
        Ok(raw::error(&client.query(dynamic)?).map(|fields| fields[&'M'].clone()))
    };
    let mut client = stage.client(&token)?;
    let refusal = reported(&mut client)?.unwrap_or_default();
    assert!(refusal.contains(&stage.role), "{refusal}");
    Psql::new(&stage.direct)?.query(&format!("REVOKE {0}_above FROM {0}", stage.role))?;
    // The grant is made past the gateway; the new table makes the gateway read the catalog again.
    client.query("CREATE TABLE anew (a int)")?;
    world::eventually("the catalog is current", || {
        client.query("SELECT no_such_function()")?;
        Ok(reported(&mut client)?.is_none())
    })
}
