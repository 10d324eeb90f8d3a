//! Has PostgreSQL analyse a statement: it stores the tree of a function's body.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use gatewright::catalog::CatalogHandle;
use gatewright::upstream::{Credential, Target};
use gatewright_harness::Dsn;
use gatewright_sql::Catalog;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::node::{self, Value};

pub struct Server {
    client: Client,
    connection: JoinHandle<()>,
    handle: Arc<CatalogHandle>,
    /// The queries of views, by OID.
    pub views: HashMap<u32, Value>,
    /// The trees of functions with BEGIN ATOMIC, by OID.
    pub bodies: HashMap<u32, Value>,
    /// Functions outside pg_catalog: schema and name by OID.
    pub functions: HashMap<u32, (String, String)>,
    /// The equality operators of pg_catalog.
    pub equality: BTreeSet<u32>,
    /// Its comparison operators.
    pub comparisons: BTreeSet<u32>,
}

/// What the server made of a statement.
pub struct Stored {
    /// Its tree: a list with one query, or more if rules apply.
    pub tree: Value,
    /// Columns that the server's dependencies list: relation and attribute number.
    pub depends: BTreeSet<(u32, i16)>,
}

const NAME: &str = "body_that_the_oracle_reads";

impl Server {
    pub async fn connect(dsn: &Dsn) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(&dsn.url(), NoTls).await?;
        let connection = tokio::spawn(async move {
            // Ends when the client is dropped.
            let _ = connection.await;
        });
        let mut target = Target::new(vec![(dsn.host.clone(), dsn.port)], &dsn.database, &dsn.user);
        target.password = Credential::Inline(dsn.password.clone().into());
        let mut server = Self {
            client,
            connection,
            handle: CatalogHandle::new(target),
            views: HashMap::new(),
            bodies: HashMap::new(),
            functions: HashMap::new(),
            equality: BTreeSet::new(),
            comparisons: BTreeSet::new(),
        };
        server.read_catalog().await?;
        Ok(server)
    }

    /// Reads the catalog as the gateway does, and the trees of views.
    pub async fn read_catalog(&mut self) -> Result<()> {
        self.handle.refresh().await?;
        let views =
            "SELECT ev_class, ev_action FROM pg_rewrite WHERE ev_type = '1' AND ev_class >= 16384";
        self.views.clear();
        for row in self.rows(views).await? {
            if let [Some(oid), Some(action)] = row.as_slice() {
                self.views.insert(oid.parse()?, node::read(action)?);
            }
        }
        let functions = "SELECT p.oid, n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384";
        self.functions.clear();
        for row in self.rows(functions).await? {
            if let [Some(oid), Some(schema), Some(name)] = row.as_slice() {
                let named = (schema.clone(), name.clone());
                self.functions.insert(oid.parse()?, named);
            }
        }
        self.bodies.clear();
        for row in self
            .rows(
                "SELECT oid, prosqlbody FROM pg_proc WHERE prosqlbody IS NOT NULL AND oid >= 16384",
            )
            .await?
        {
            if let [Some(oid), Some(body)] = row.as_slice() {
                self.bodies.insert(oid.parse()?, node::read(body)?);
            }
        }
        self.equality = self.operators("'='").await?;
        self.comparisons = self.operators("'=', '<>', '<', '>', '<=', '>='").await?;
        Ok(())
    }

    async fn operators(&self, names: &str) -> Result<BTreeSet<u32>> {
        let found = format!(
            "SELECT oid FROM pg_operator WHERE oprname IN ({names}) AND oprnamespace = 'pg_catalog'::regnamespace"
        );
        let rows = self.rows(&found).await?;
        Ok(rows
            .iter()
            .flatten()
            .flatten()
            .map(|oid| oid.parse())
            .collect::<Result<_, _>>()?)
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        self.handle.current()
    }

    /// The analysed statement. `Err`: the server's message; it does not accept the statement as a body.
    pub async fn analysed(&self, text: &str) -> Result<Result<Stored, String>> {
        let Ok(types) = self.parameters(text).await else {
            // Only some statements can be prepared; the server says why when the function is made.
            return self.stored(text, "").await;
        };
        self.stored(text, &types).await
    }

    async fn parameters(&self, text: &str) -> Result<String> {
        if !text.contains('$') {
            return Ok(String::new());
        }
        let statement = self.client.prepare(text).await?;
        let types: Vec<String> = statement
            .params()
            .iter()
            .map(|kind| kind.oid().to_string())
            .collect();
        if types.is_empty() {
            return Ok(String::new());
        }
        let names = format!(
            "SELECT string_agg(format_type(oid, NULL), ', ' ORDER BY nth) FROM unnest(ARRAY[{}]::oid[]) WITH ORDINALITY AS t (oid, nth)",
            types.join(",")
        );
        let rows = self.rows(&names).await?;
        rows.into_iter()
            .flatten()
            .flatten()
            .next()
            .context("types without names")
    }

    async fn stored(&self, text: &str, types: &str) -> Result<Result<Stored, String>> {
        let all = format!(
            "BEGIN; CREATE FUNCTION public.{NAME}({types}) RETURNS void LANGUAGE sql BEGIN ATOMIC {text}\n; END; \
             SELECT prosqlbody::text, NULL FROM pg_proc WHERE proname = '{NAME}'; \
             SELECT d.refobjid, d.refobjsubid FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND p.proname = '{NAME}' \
             WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass; ROLLBACK"
        );
        let rows = match self.rows(&all).await {
            Ok(rows) => rows,
            Err(error) => {
                self.client.batch_execute("ROLLBACK").await?;
                let error = error.downcast::<tokio_postgres::Error>()?;
                let message = error
                    .as_db_error()
                    .context("the connection failed")?
                    .message();
                return Ok(Err(message.to_owned()));
            }
        };
        let (first, rest) = rows.split_first().context("no body was stored")?;
        let tree = first
            .first()
            .cloned()
            .flatten()
            .context("no tree was stored")?;
        let mut depends = BTreeSet::new();
        for row in rest {
            if let [Some(oid), Some(number)] = row.as_slice() {
                depends.insert((oid.parse()?, number.parse()?));
            }
        }
        Ok(Ok(Stored {
            tree: node::read(&tree)?,
            depends,
        }))
    }

    /// The types, modifiers and collations of a query's columns, as a view has them; of a domain, those of its base type. `Err`:
    /// the SQLSTATE of the server, which does not accept the query in a view.
    pub async fn columns(
        &self,
        text: &str,
        many: usize,
    ) -> Result<Result<Vec<Vec<Option<String>>>, String>> {
        let names: Vec<String> = (1..=many).map(|at| format!("c{at}")).collect();
        let all = format!(
            "BEGIN; CREATE VIEW public.{NAME} ({}) AS {text}\n; \
             SELECT coalesce(nullif(t.typbasetype, 0), t.oid), CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END, a.attcollation \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = 'public.{NAME}'::regclass AND a.attnum > 0 ORDER BY a.attnum; ROLLBACK",
            names.join(", ")
        );
        let rows = match self.rows(&all).await {
            Ok(rows) => rows,
            Err(error) => {
                self.client.batch_execute("ROLLBACK").await?;
                let error = error.downcast::<tokio_postgres::Error>()?;
                let code = error.code().context("the connection failed")?;
                return Ok(Err(code.code().to_owned()));
            }
        };
        Ok(Ok(rows))
    }

    /// Runs a definition; the server may refuse it.
    pub async fn define(&self, text: &str) -> Result<()> {
        let limited = "SET statement_timeout = '5s'; SET client_min_messages = 'warning'";
        self.client.batch_execute(limited).await?;
        if let Err(error) = self.client.batch_execute(text).await {
            error.as_db_error().context("the connection failed")?;
            self.client.batch_execute("ROLLBACK").await?;
        }
        Ok(())
    }

    /// Ends the connection, so that the database can be dropped.
    pub async fn close(self) {
        drop(self.client);
        let _ = self.connection.await;
    }

    pub async fn rows(&self, text: &str) -> Result<Vec<Vec<Option<String>>>> {
        let answer = self.client.simple_query(text).await?;
        Ok(answer
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|at| row.get(at).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect())
    }
}
