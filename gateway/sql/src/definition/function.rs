//! The body of a function, from its definition. Languages other than SQL and PL/pgSQL, and commands other than reading
//! and writing rows, are not analysed.

use std::sync::Arc;

use pg_query::{NodeEnum, protobuf as pb};

use super::{Outcome, is_followed, parse, plpgsql, queries};
use crate::catalog::Catalog;
use crate::facts::Transform;
use crate::lineage::{Column, Rows};
use crate::walker::strings;

pub(super) fn of(text: &str, catalog: &Catalog) -> Outcome {
    let Some(parsed) = parse(text) else {
        return Outcome::Unreadable;
    };
    let [NodeEnum::CreateFunctionStmt(create)] = parsed.as_slice() else {
        return Outcome::Unreadable;
    };
    let parameters = parameters(create);
    let outcome = match option(create, "language") {
        Some("sql") => sql(create, catalog, &parameters),
        Some("plpgsql") if returns_trigger(create) => {
            match option(create, "as").and_then(plpgsql::trigger_as_function) {
                Some(text) => plpgsql::of(&text, catalog, &parameters),
                None => Outcome::Unreadable,
            }
        }
        Some("plpgsql") => plpgsql::of(text, catalog, &parameters),
        _ => Outcome::Unreadable,
    };
    let defaults = defaults(create);
    match (
        outcome,
        queries(&defaults.iter().collect::<Vec<_>>(), catalog, &[]),
    ) {
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

/// Every statement of a function, procedure or DO block. `None` if they are not all known.
pub(crate) fn statements_of_function(create: &pb::CreateFunctionStmt) -> Option<Vec<NodeEnum>> {
    let body = option(create, "as")?;
    match option(create, "language")? {
        "sql" => parse(body),
        "plpgsql" if returns_trigger(create) => {
            plpgsql::statements(&plpgsql::trigger_as_function(body)?)
        }
        "plpgsql" => {
            let whole = NodeEnum::CreateFunctionStmt(Box::new(create.clone()));
            plpgsql::statements(&whole.deparse(pg_query::DeparseOptions::default()).ok()?)
        }
        _ => None,
    }
}

/// See [`statements_of_function`].
pub(crate) fn statements_of_block(block: &pb::DoStmt) -> Option<Vec<NodeEnum>> {
    match text_of(&block.args, "language") {
        None | Some("plpgsql") => {
            let body = text_of(&block.args, "as")?;
            plpgsql::statements(&plpgsql::block_as_function(body)?)
        }
        Some(_) => None,
    }
}

/// The defaults of the parameters, and values of parameter types outside pg_catalog, as one row.
fn defaults(create: &pb::CreateFunctionStmt) -> Option<NodeEnum> {
    let given = create
        .parameters
        .iter()
        .filter_map(|parameter| match &parameter.node {
            Some(NodeEnum::FunctionParameter(parameter)) => parameter.defexpr.as_deref().cloned(),
            _ => None,
        });
    let types = create
        .parameters
        .iter()
        .filter_map(|parameter| match &parameter.node {
            Some(NodeEnum::FunctionParameter(parameter)) => parameter.arg_type.as_ref(),
            _ => None,
        });
    let own = |name: &&pb::TypeName| {
        let names = strings(&name.names);
        !name.pct_type && matches!(names.as_slice(), [schema, _] if *schema != "pg_catalog")
    };
    let made = types.chain(&create.return_type).filter(own).map(null_of);
    let args: Vec<pb::Node> = given.chain(made).collect();
    if args.is_empty() {
        return None;
    }
    let row = NodeEnum::RowExpr(Box::new(pb::RowExpr {
        args,
        ..pb::RowExpr::default()
    }));
    Some(NodeEnum::ReturnStmt(Box::new(pb::ReturnStmt {
        returnval: Some(Box::new(pb::Node { node: Some(row) })),
    })))
}

/// `NULL::name`.
fn null_of(name: &pb::TypeName) -> pb::Node {
    let null = NodeEnum::AConst(pb::AConst {
        isnull: true,
        ..pb::AConst::default()
    });
    let cast = NodeEnum::TypeCast(Box::new(pb::TypeCast {
        arg: Some(Box::new(pb::Node { node: Some(null) })),
        type_name: Some(pb::TypeName {
            setof: false,
            ..name.clone()
        }),
        location: 0,
    }));
    pb::Node { node: Some(cast) }
}

fn sql(create: &pb::CreateFunctionStmt, catalog: &Catalog, parameters: &[&str]) -> Outcome {
    if let Some(body) = create.sql_body.as_ref().and_then(|node| node.node.as_ref()) {
        let mut nodes = Vec::new();
        return match flatten(body, &mut nodes) {
            Some(()) => queries(&nodes, catalog, parameters),
            None => Outcome::Unreadable,
        };
    }
    let Some(text) = option(create, "as") else {
        return Outcome::Unreadable;
    };
    match parse(text) {
        Some(nodes) => queries(&nodes.iter().collect::<Vec<_>>(), catalog, parameters),
        None => Outcome::Unreadable,
    }
}

fn returns_trigger(create: &pb::CreateFunctionStmt) -> bool {
    let kind = create.return_type.as_ref();
    kind.is_some_and(|kind| strings(&kind.names).last() == Some(&"trigger"))
}

/// The statements of BEGIN ATOMIC ... END, which the grammar returns as a list of lists.
fn flatten<'n>(node: &'n NodeEnum, into: &mut Vec<&'n NodeEnum>) -> Option<()> {
    match node {
        NodeEnum::List(list) => list
            .items
            .iter()
            .try_for_each(|item| flatten(item.node.as_ref()?, into)),
        node if is_followed(node) => {
            into.push(node);
            Some(())
        }
        _ => None,
    }
}

fn parameters(create: &pb::CreateFunctionStmt) -> Vec<&str> {
    let names = create
        .parameters
        .iter()
        .filter_map(|parameter| match &parameter.node {
            Some(NodeEnum::FunctionParameter(parameter)) => Some(parameter.name.as_str()),
            _ => None,
        });
    names.filter(|name| !name.is_empty()).collect()
}

pub(super) fn option<'c>(create: &'c pb::CreateFunctionStmt, name: &str) -> Option<&'c str> {
    text_of(&create.options, name)
}

fn text_of<'o>(options: &'o [pb::Node], name: &str) -> Option<&'o str> {
    let mut named = options.iter().filter_map(|option| match &option.node {
        Some(NodeEnum::DefElem(option)) if option.defname == name => Some(option),
        _ => None,
    });
    match named.next()?.arg.as_ref()?.node.as_ref()? {
        NodeEnum::String(text) => Some(&text.sval),
        // The body. For C this list also contains the link symbol.
        NodeEnum::List(list) => strings(&list.items).first().copied(),
        _ => None,
    }
}

/// Gives the columns the names that callers see: those of OUT parameters, of TABLE or of the composite type.
fn name(rows: &mut Rows, create: &pb::CreateFunctionStmt, catalog: &Catalog) {
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
fn declared_columns(create: &pb::CreateFunctionStmt, catalog: &Catalog) -> Vec<String> {
    use pb::FunctionParameterMode as Mode;
    const OUT: [Mode; 3] = [
        Mode::FuncParamOut,
        Mode::FuncParamInout,
        Mode::FuncParamTable,
    ];
    let outs = create.parameters.iter().filter_map(|node| {
        let Some(NodeEnum::FunctionParameter(parameter)) = &node.node else {
            return None;
        };
        let is_out = OUT.iter().any(|mode| parameter.mode == *mode as i32);
        is_out.then(|| parameter.name.clone())
    });
    let names: Vec<String> = outs.collect();
    if names.is_empty()
        && let Some(kind) = &create.return_type
        && let [schema, name] = strings(&kind.names).as_slice()
        && let [relation] = catalog.lookup(Some(schema), name).as_slice()
    {
        let columns = relation.columns.iter();
        return columns.map(|column| column.name.clone()).collect();
    }
    names
}

/// Whether the declared result is a single value that is not a row.
fn returns_scalar(create: &pb::CreateFunctionStmt, catalog: &Catalog) -> bool {
    let kind = create.return_type.as_ref();
    kind.is_some_and(|kind| match strings(&kind.names).as_slice() {
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
