//! Functions that a definition names without calling them: of triggers, operators, casts, aggregates and types; and
//! functions that are renamed. Using the defined object will run them.

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use super::strings;

/// Their names as written, schema first.
pub(super) fn functions(node: NodeRef<'_>) -> Vec<Vec<&str>> {
    let mut found = match node {
        NodeRef::CreateTrigStmt(create) => vec![strings(&create.funcname)],
        NodeRef::CreateEventTrigStmt(create) => vec![strings(&create.funcname)],
        NodeRef::CreateConversionStmt(create) => vec![strings(&create.func_name)],
        NodeRef::CreateCastStmt(create) => with_arguments([create.func.as_ref()]),
        NodeRef::CreateTransformStmt(create) => {
            with_arguments([create.fromsql.as_ref(), create.tosql.as_ref()])
        }
        NodeRef::AlterFunctionStmt(alter) => with_arguments([alter.func.as_ref()]),
        NodeRef::DefineStmt(define) => options(&define.definition),
        NodeRef::CreateRangeStmt(create) => options(&create.params),
        NodeRef::CreateOpClassStmt(create) => create.items.iter().filter_map(of_class).collect(),
        NodeRef::AlterOpFamilyStmt(alter) => alter.items.iter().filter_map(of_class).collect(),
        NodeRef::RenameStmt(rename) => object(rename.object.as_deref()),
        NodeRef::AlterObjectSchemaStmt(alter) => object(alter.object.as_deref()),
        _ => Vec::new(),
    };
    found.retain(|name| !name.is_empty());
    found
}

/// Whether the command passes objects of a relation (triggers, defaults, generated columns) to another one, or renames the
/// relation. The catalog does not show this before the transaction ends.
pub(super) fn hands_over(node: NodeRef<'_>) -> bool {
    use pb::AlterTableType as Kind;
    match node {
        NodeRef::RenameStmt(_) | NodeRef::AlterObjectSchemaStmt(_) => true,
        NodeRef::CreateStmt(create) => {
            let mut elements = create.table_elts.iter();
            !create.inh_relations.is_empty()
                || elements
                    .any(|element| matches!(element.node, Some(NodeEnum::TableLikeClause(_))))
        }
        NodeRef::AlterTableStmt(alter) => alter.cmds.iter().any(|cmd| {
            matches!(&cmd.node, Some(NodeEnum::AlterTableCmd(cmd))
                if [Kind::AtAttachPartition, Kind::AtAddInherit]
                    .iter()
                    .any(|kind| cmd.subtype == *kind as i32))
        }),
        _ => false,
    }
}

fn with_arguments<'n>(
    objects: impl IntoIterator<Item = Option<&'n pb::ObjectWithArgs>>,
) -> Vec<Vec<&'n str>> {
    let objects = objects.into_iter().flatten();
    objects.map(|object| strings(&object.objname)).collect()
}

/// `SFUNC = name`, `FUNCTION = schema.name`: the grammar returns the names as type names.
fn options(options: &[pb::Node]) -> Vec<Vec<&str>> {
    let values = options.iter().filter_map(|option| match &option.node {
        Some(NodeEnum::DefElem(option)) => option.arg.as_ref()?.node.as_ref(),
        _ => None,
    });
    values
        .filter_map(|value| match value {
            NodeEnum::TypeName(name) => Some(strings(&name.names)),
            NodeEnum::List(list) => Some(strings(&list.items)),
            _ => None,
        })
        .collect()
}

fn of_class(item: &pb::Node) -> Option<Vec<&str>> {
    match &item.node {
        Some(NodeEnum::CreateOpClassItem(item)) => Some(strings(&item.name.as_ref()?.objname)),
        _ => None,
    }
}

fn object(object: Option<&pb::Node>) -> Vec<Vec<&str>> {
    match object.and_then(|object| object.node.as_ref()) {
        Some(NodeEnum::ObjectWithArgs(object)) => vec![strings(&object.objname)],
        _ => Vec::new(),
    }
}
