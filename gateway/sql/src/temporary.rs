//! Commands whose effect ends with the session: they create a temporary table, or change tables by names that may be those of
//! temporary ones.

use gatewright_parser::{Node, Strings, nodes};

use crate::facts::Temporary;

pub(crate) fn of(node: Node<'_>) -> Option<Temporary> {
    match node {
        Node::CreateStmt(create) => {
            let mut elements = create.table_elts().iter();
            let copies = !create.inh_relations().is_empty()
                || create.partbound().is_some()
                || elements.any(|element| matches!(element, Node::TableLikeClause(_)));
            created(create.relation()).filter(|_| !copies)
        }
        Node::CreateTableAsStmt(create) if create.objtype == nodes::ObjectType::OBJECT_TABLE => {
            created(create.into()?.rel())
        }
        Node::SelectStmt(select) => created(select.into_clause()?.rel()),
        Node::DropStmt(drop) if drop.remove_type == nodes::ObjectType::OBJECT_TABLE => {
            let names = drop.objects().iter().map(|object| match object {
                Node::NodeList(list) => match list.strings().as_slice() {
                    [name] => Some((*name).into()),
                    _ => None,
                },
                _ => None,
            });
            names.collect::<Option<Vec<_>>>().map(Temporary::Named)
        }
        Node::IndexStmt(index) => {
            let relation = index
                .relation()
                .filter(|relation| relation.schemaname().is_none())?;
            Some(Temporary::Named(vec![relation.relname()?.into()]))
        }
        _ => None,
    }
}

fn created(relation: Option<&nodes::RangeVar>) -> Option<Temporary> {
    let relation = relation.filter(|relation| relation.relpersistence as u8 == b't')?;
    Some(Temporary::Created(relation.relname()?.into()))
}
