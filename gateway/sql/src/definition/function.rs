//! The body of a function, from its definition. Languages other than SQL and PL/pgSQL, and commands other than reading
//! and writing rows, are not analysed.

use std::sync::Arc;

use gatewright_parser::{Node, Strings, Tree, nodes, parse, untyped};

use super::{Outcome, Step, is_followed, plpgsql, queries};
use crate::body::Body;
use crate::catalog::{Catalog, Names, Noted, SearchPath};
use crate::code::{option, returns_trigger};
use crate::facts::{PathValue, Transform};
use crate::plpgsql::trigger_as_function;
use crate::provenance::{Column, Provenance};
use crate::render::quoted_identifier;
use crate::rows::Rows;
use crate::strings::ends_strings_alike;
use crate::walker;

pub(super) fn of(text: &str, catalog: &Catalog) -> Outcome {
    let parsed = parse(text, true);
    let Some(Node::CreateFunctionStmt(create)) = parsed.as_ref().ok().and_then(Tree::only) else {
        return Outcome::Unreadable;
    };
    let names = names_of_parameters(create);
    // Without a path of its own, the code runs with that of whoever calls it.
    let (path, noted) = (set_path(create), Noted::default());
    let along = match create.sql_body() {
        Node::None => Names::along(catalog, path.as_ref(), &noted),
        // The server keeps its tree, not its text.
        _ => Names::printed(catalog),
    };
    let outcome = match option(create, "language") {
        Some("sql") => sql(create, along, &names),
        Some("plpgsql") => in_plpgsql(text, create, along, &names),
        _ => Outcome::Unreadable,
    };
    match (outcome, defaults(create, catalog)) {
        (Outcome::Read(mut body), Outcome::Read(defaults)) => {
            name(&mut body.rows, create, catalog);
            let given = defaults.rows.all();
            body.rows.chosen.absorb(&given, Transform::Expression);
            body.merge(*defaults);
            Outcome::Read(body)
        }
        (Outcome::Unreadable, _) | (_, Outcome::Unreadable) => Outcome::Unreadable,
        (Outcome::Waits, _) | (_, Outcome::Waits) => Outcome::Waits,
    }
}

/// The path that the function sets for its body. `None`: none, or one that depends on the role.
fn set_path(create: &nodes::CreateFunctionStmt) -> Option<SearchPath> {
    let options = untyped(create.options()).iter().rev();
    let mut set = options.filter_map(|option| match option {
        Node::DefElem(option) if option.defname() == Some("set") => Some(option.arg()),
        _ => None,
    });
    let value = set.find_map(|node| match node {
        Node::VariableSetStmt(set) => PathValue::set_by(set),
        _ => None,
    })?;
    match value {
        PathValue::Schemas(schemas) => {
            SearchPath::of(&schemas, &[]).filter(|_| !schemas.iter().any(|name| &**name == "$user"))
        }
        PathValue::Default | PathValue::Unknown => None,
    }
}

/// The defaults of the parameters, and values of parameter types outside pg_catalog, together.
fn defaults(create: &nodes::CreateFunctionStmt, catalog: &Catalog) -> Outcome {
    let given = parameters(create).map(nodes::FunctionParameter::defexpr);
    let mut values: Vec<Node<'_>> = given.filter(|value| !matches!(value, Node::None)).collect();
    let types = parameters(create).filter_map(nodes::FunctionParameter::arg_type);
    let types: Vec<&nodes::TypeName> = types
        .chain(create.return_type())
        .filter(|kind| is_own(kind))
        .collect();
    let Ok(nulls) = parse(&nulls_of(&types), true) else {
        return Outcome::Unreadable;
    };
    let Some(nulls) = targets(&nulls) else {
        return Outcome::Unreadable;
    };
    values.extend(nulls);
    let mut all = Body::empty();
    let mut carried = Provenance::constant();
    for value in values {
        match queries(&[Step::Value(value)], Names::every(catalog), &[]) {
            Outcome::Read(body) => {
                carried.absorb(&body.rows.all(), Transform::Expression);
                all.merge(*body);
            }
            other => return other,
        }
    }
    // PostgreSQL never evaluates the modifiers of a parameter's type, but they count as named.
    for modifier in types.iter().flat_map(|kind| kind.typmods()) {
        match walker::names(modifier, Names::every(catalog)) {
            Some(named) => all.add(named),
            None => return Outcome::Unreadable,
        }
    }
    all.rows = Rows::of(vec![Column {
        name: None,
        value: carried,
    }]);
    Outcome::Read(Box::new(all))
}

/// Whether the type is outside pg_catalog.
fn is_own(kind: &nodes::TypeName) -> bool {
    let names = kind.names().strings();
    !kind.pct_type && matches!(names.as_slice(), [schema, _] if *schema != "pg_catalog")
}

/// `SELECT NULL::name, ...`.
fn nulls_of(types: &[&nodes::TypeName]) -> String {
    let nulls = types.iter().map(|kind| {
        let names = kind.names().strings().into_iter().map(quoted_identifier);
        let name = names.collect::<Vec<_>>().join(".");
        format!("NULL::{name}{}", "[]".repeat(kind.array_bounds().len()))
    });
    format!("SELECT {}", nulls.collect::<Vec<_>>().join(", "))
}

/// The values that a query without FROM selects.
fn targets(tree: &Tree) -> Option<Vec<Node<'_>>> {
    let Some(Node::SelectStmt(select)) = tree.only() else {
        return None;
    };
    let targets = untyped(select.target_list()).iter();
    targets
        .map(|target| match target {
            Node::ResTarget(target) => Some(target.val()),
            _ => None,
        })
        .collect()
}

fn sql(create: &nodes::CreateFunctionStmt, catalog: Names<'_>, parameters: &[&str]) -> Outcome {
    let mut steps = Vec::new();
    if !matches!(create.sql_body(), Node::None) {
        return match flatten(create.sql_body(), &mut steps) {
            Some(()) => queries(&steps, catalog, parameters),
            None => Outcome::Unreadable,
        };
    }
    let body = option(create, "as").filter(|body| ends_strings_alike(body));
    let Some(Ok(parsed)) = body.map(|text| parse(text, true)) else {
        return Outcome::Unreadable;
    };
    let statements = parsed.statements().into_iter();
    steps.extend(statements.map(|statement| Step::Statement(statement.node)));
    queries(&steps, catalog, parameters)
}

/// The statements of BEGIN ATOMIC ... END, which the grammar returns as a list of lists.
fn flatten<'t>(node: Node<'t>, into: &mut Vec<Step<'t>>) -> Option<()> {
    match node {
        Node::NodeList(list) => list.iter().try_for_each(|item| flatten(item, into)),
        node if is_followed(node) => {
            into.push(Step::Statement(node));
            Some(())
        }
        _ => None,
    }
}

fn in_plpgsql(
    text: &str,
    create: &nodes::CreateFunctionStmt,
    catalog: Names<'_>,
    parameters: &[&str],
) -> Outcome {
    // PL/pgSQL's parser aborts the process if there is no body.
    let Some(body) = option(create, "as") else {
        return Outcome::Unreadable;
    };
    if !returns_trigger(create) {
        return plpgsql::of(text, body, catalog, parameters);
    }
    match trigger_as_function(body) {
        Some(text) => plpgsql::of(&text, body, catalog, parameters),
        None => Outcome::Unreadable,
    }
}

fn parameters(
    create: &nodes::CreateFunctionStmt,
) -> impl Iterator<Item = &nodes::FunctionParameter> {
    let parameters = untyped(create.parameters()).iter();
    parameters.filter_map(|parameter| match parameter {
        Node::FunctionParameter(parameter) => Some(parameter),
        _ => None,
    })
}

fn names_of_parameters(create: &nodes::CreateFunctionStmt) -> Vec<&str> {
    let names = parameters(create).filter_map(nodes::FunctionParameter::name);
    names.filter(|name| !name.is_empty()).collect()
}

/// Gives the columns the names that callers see: those of OUT parameters, of TABLE or of the composite type.
fn name(rows: &mut Rows, create: &nodes::CreateFunctionStmt, catalog: &Catalog) {
    let names = declared_columns(create, catalog);
    if names.is_empty() {
        *rows = unnamed(rows, returns_scalar(create, catalog));
        return;
    }
    let columns: Vec<Column> = match &rows.columns {
        Some(columns) if columns.len() == names.len() => columns
            .iter()
            .zip(&names)
            .map(|(column, name)| Column::named(name, column.value.clone()))
            .collect(),
        // A composite value, or a body without known columns: any column may carry any of it.
        _ => {
            let all = rows.all();
            let columns = names.iter().map(|name| Column::named(name, all.clone()));
            columns.collect()
        }
    };
    rows.columns = Some(Arc::new(columns));
}

/// The columns that the declaration names: OUT parameters, or those of the table whose row type is returned.
fn declared_columns(create: &nodes::CreateFunctionStmt, catalog: &Catalog) -> Vec<String> {
    use nodes::FunctionParameterMode as Mode;
    const OUT: [Mode::Type; 3] = [
        Mode::FUNC_PARAM_OUT,
        Mode::FUNC_PARAM_INOUT,
        Mode::FUNC_PARAM_TABLE,
    ];
    let outs = parameters(create).filter(|parameter| OUT.contains(&parameter.mode));
    // PostgreSQL names the columns of parameters without a name, unless there is one only.
    let names: Vec<String> = outs
        .enumerate()
        .map(|(at, parameter)| match parameter.name() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("column{}", at + 1),
        })
        .collect();
    let outs = parameters(create).filter(|parameter| OUT.contains(&parameter.mode));
    if outs.map(nodes::FunctionParameter::name).eq([None]) {
        return Vec::new();
    }
    if names.is_empty()
        && let Some(kind) = create.return_type()
        && let [schema, name] = kind.names().strings().as_slice()
        && let [relation] = catalog.lookup(Some(schema), name).as_slice()
    {
        let columns = relation.columns.iter();
        return columns.map(|column| column.name.clone()).collect();
    }
    names
}

/// Whether the declared result is a single value that is not a row.
fn returns_scalar(create: &nodes::CreateFunctionStmt, catalog: &Catalog) -> bool {
    let kind = create.return_type();
    kind.is_some_and(|kind| match kind.names().strings().as_slice() {
        [name] | ["pg_catalog", name] => {
            *name != "record" && catalog.lookup(Some("pg_catalog"), name).is_empty()
        }
        _ => false,
    })
}

/// Rows whose columns have no declared names.
fn unnamed(rows: &Rows, scalar: bool) -> Rows {
    match rows.columns.as_ref().map(|columns| columns.as_slice()) {
        // The caller chooses its name.
        Some([only]) if scalar => Rows {
            columns: Some(Arc::new(vec![Column {
                name: None,
                value: only.value.clone(),
            }])),
            ..rows.clone()
        },
        _ => Rows {
            columns: None,
            any: rows.all(),
            chosen: rows.chosen.clone(),
        },
    }
}
