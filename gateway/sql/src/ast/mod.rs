//! sqlparser's syntax tree of a statement, for policies that ask for one (`ast-json`).
//! It is not a source of facts, and is given only if it agrees with PostgreSQL's own grammar.

mod postgres;
mod sqlparser_shape;

use sqlparser::ast::Statement;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::Token;

use crate::tree_equality;

/// Longer statements get no tree: sqlparser's recursion would overflow the stack.
const MAX_BYTES: usize = 32 << 10;

/// What both grammars must agree on; each list is sorted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    kind: &'static str,
    /// Names in FROM and as targets, CTEs included; the schema comes first.
    relations: Vec<Vec<String>>,
    functions: Vec<String>,
    columns: Vec<String>,
    /// For each SELECT: the number of output columns, and whether it has WHERE and HAVING.
    selects: Vec<(usize, bool, bool)>,
    /// For each UPDATE and DELETE: whether it has WHERE.
    wheres: Vec<bool>,
}

impl Shape {
    fn sorted(mut self) -> Self {
        self.relations.sort();
        self.functions.sort();
        self.columns.sort();
        self.selects.sort();
        self.wheres.sort();
        self
    }
}

/// The tree as JSON. `None` for statements other than queries and row changes, and if the grammars disagree.
pub(crate) fn json(own: &str) -> Option<String> {
    if own.len() > MAX_BYTES {
        return None;
    }
    let tree = tree_equality::with_either_setting(own)?;
    let [statement] = tree.stmts.as_slice() else {
        return None;
    };
    let expected = postgres::shape(statement.stmt.as_ref()?.node.as_ref()?)?;
    let statement = parse(own)?;
    if sqlparser_shape::shape(&statement)? != expected {
        return None;
    }
    // The shape omits literals and operators, so the tree written back as text must parse to the same tree.
    let written = pg_query::parse(&statement.to_string(), pg_query::ParserOptions::DEFAULT).ok()?;
    if !tree_equality::same(&tree, &written.protobuf) {
        return None;
    }
    serde_json::to_string(&statement).ok()
}

/// Parses one statement with nothing after it. `parse_statements` would stop at END and drop the rest.
fn parse(own: &str) -> Option<Statement> {
    let options = ParserOptions::new().with_unescape(false);
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .with_options(options)
        .with_recursion_limit(50)
        .try_with_sql(own)
        .ok()?;
    let statement = parser.parse_statement().ok()?;
    while parser.consume_token(&Token::SemiColon) {}
    (parser.peek_token().token == Token::EOF).then_some(statement)
}
