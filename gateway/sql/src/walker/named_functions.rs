//! Functions that a definition names without calling them: of triggers, operators, casts, aggregates and types; and
//! functions that are renamed. Using the defined object will run them.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

/// Their names as written, schema first.
pub(super) fn functions(node: Node<'_>) -> Vec<Vec<&str>> {
    let mut found = match node {
        Node::CreateTrigStmt(create) => vec![create.funcname().strings()],
        Node::CreateEventTrigStmt(create) => vec![create.funcname().strings()],
        Node::CreateConversionStmt(create) => vec![create.func_name().strings()],
        Node::CreateCastStmt(create) => with_arguments([create.func()]),
        Node::CreateTransformStmt(create) => with_arguments([create.fromsql(), create.tosql()]),
        Node::AlterFunctionStmt(alter) => with_arguments([alter.func()]),
        Node::DefineStmt(define) => options(untyped(define.definition())),
        Node::CreateRangeStmt(create) => options(untyped(create.params())),
        Node::CreateOpClassStmt(create) => of_classes(untyped(create.items())),
        Node::AlterOpFamilyStmt(alter) => of_classes(untyped(alter.items())),
        Node::RenameStmt(rename) => object(rename.object()),
        Node::AlterObjectSchemaStmt(alter) => object(alter.object()),
        _ => Vec::new(),
    };
    found.retain(|name| !name.is_empty());
    found
}

/// Whether the command passes objects of a relation (triggers, defaults, generated columns) to another one, or renames the
/// relation. The catalog does not show this before the transaction ends.
pub(super) fn hands_over(node: Node<'_>) -> bool {
    use nodes::AlterTableType as Kind;
    match node {
        Node::RenameStmt(_) | Node::AlterObjectSchemaStmt(_) => true,
        Node::CreateStmt(create) => {
            let mut elements = create.table_elts().iter();
            !create.inh_relations().is_empty()
                || elements.any(|element| matches!(element, Node::TableLikeClause(_)))
        }
        Node::AlterTableStmt(alter) => alter.cmds().iter().any(|cmd| {
            matches!(cmd, Node::AlterTableCmd(cmd)
                if [Kind::AT_AttachPartition, Kind::AT_AddInherit].contains(&cmd.subtype))
        }),
        _ => false,
    }
}

fn with_arguments<'n>(
    objects: impl IntoIterator<Item = Option<&'n nodes::ObjectWithArgs>>,
) -> Vec<Vec<&'n str>> {
    let objects = objects.into_iter().flatten();
    objects.map(|object| object.objname().strings()).collect()
}

/// `SFUNC = name`, `FUNCTION = schema.name`: the grammar returns the names as type names.
fn options(options: &NodeList) -> Vec<Vec<&str>> {
    let values = options.iter().filter_map(|option| match option {
        Node::DefElem(option) => Some(option.arg()),
        _ => None,
    });
    values
        .filter_map(|value| match value {
            Node::TypeName(name) => Some(name.names().strings()),
            Node::NodeList(list) => Some(list.strings()),
            _ => None,
        })
        .collect()
}

fn of_classes(items: &NodeList) -> Vec<Vec<&str>> {
    let objects = items.iter().map(|item| match item {
        Node::CreateOpClassItem(item) => item.name(),
        _ => None,
    });
    with_arguments(objects)
}

fn object(object: Node<'_>) -> Vec<Vec<&str>> {
    match object {
        Node::ObjectWithArgs(object) => vec![object.objname().strings()],
        _ => Vec::new(),
    }
}
