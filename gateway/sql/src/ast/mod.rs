//! sqlparser's tree of a statement, for policies that want one.
//! It refuses to be a source of facts: the tree is given only where it says what PostgreSQL's own grammar says.
//! Next room: policies, through `ast-json`.

mod postgres;
mod sqlparser_shape;

use sqlparser::ast::Statement;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::Token;

use crate::tree_equality;

/// Longer statements get no tree: its recursive parts would outgrow the stack.
const MAX_BYTES: usize = 32 << 10;

/// What both grammars must find, each list sorted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    kind: &'static str,
    /// Names as in FROM and as targets, CTEs included; schema first.
    relations: Vec<Vec<String>>,
    functions: Vec<String>,
    columns: Vec<String>,
    /// For each SELECT: number of output items, and whether it has WHERE and HAVING.
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

/// The tree as JSON; none for other than queries and row changes, and wherever the grammars disagree.
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
    // Literals and operators are not part of the shape: the text that the tree stands for must read the same.
    let written = pg_query::parse(&statement.to_string(), pg_query::ParserOptions::DEFAULT).ok()?;
    if !tree_equality::same(&tree, &written.protobuf) {
        return None;
    }
    serde_json::to_string(&statement).ok()
}

/// One statement and nothing after it. `parse_statements` would stop at END and drop the rest.
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
