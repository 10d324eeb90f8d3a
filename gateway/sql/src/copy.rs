//! COPY ... TO: its options, and the query that describes the copied rows. The rows themselves are handled in `results`.

use pg_query::{NodeEnum, protobuf as pb};

use crate::facts::{CopyDestination, CopyFormat, CopyOut, ForceQuote};

/// Describes a COPY ... TO. Errors: why it cannot be described.
pub(crate) fn copy_out(copy: &pb::CopyStmt) -> Result<CopyOut, String> {
    let mut out = CopyOut {
        destination: match (copy.is_program, copy.filename.is_empty()) {
            (true, _) => CopyDestination::Program,
            (false, true) => CopyDestination::Stdout,
            (false, false) => CopyDestination::File,
        },
        format: CopyFormat::Text,
        delimiter: b'\t',
        quote: b'"',
        escape: b'"',
        null: "\\N".to_owned(),
        header: false,
        force_quote: ForceQuote::None,
        encoding: None,
        describe: describe(copy)?,
    };
    let options: Vec<&pb::DefElem> = copy
        .options
        .iter()
        .filter_map(|option| match &option.node {
            Some(NodeEnum::DefElem(option)) => Some(&**option),
            _ => None,
        })
        .collect();
    for option in options.iter().filter(|option| option.defname == "format") {
        out.format = match text(option).as_deref() {
            Some("text") => CopyFormat::Text,
            Some("csv") => CopyFormat::Csv,
            Some("binary") => CopyFormat::Binary,
            _ => return Err("COPY has an unknown format".to_owned()),
        };
    }
    if out.format == CopyFormat::Csv {
        out.delimiter = b',';
        out.null = String::new();
    }
    let byte = |option: &pb::DefElem| match text(option).unwrap_or_default().as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(format!("COPY option {} is not one byte", option.defname)),
    };
    let mut escape = None;
    for option in &options {
        match option.defname.as_str() {
            "format" | "freeze" => {}
            "delimiter" => out.delimiter = byte(option)?,
            "quote" => out.quote = byte(option)?,
            "escape" => escape = Some(byte(option)?),
            "null" => out.null = text(option).ok_or("COPY option null has no value")?,
            "encoding" => out.encoding = text(option),
            "header" => out.header = boolean(option)?,
            "force_quote" => out.force_quote = force_quote(option),
            other => return Err(format!("COPY option {other} is not supported")),
        }
    }
    out.escape = escape.unwrap_or(out.quote);
    Ok(out)
}

fn force_quote(option: &pb::DefElem) -> ForceQuote {
    match option.arg.as_ref().and_then(|arg| arg.node.as_ref()) {
        Some(NodeEnum::List(list)) => {
            let names = list.items.iter().filter_map(|name| match &name.node {
                Some(NodeEnum::String(name)) => Some(name.sval.clone()),
                _ => None,
            });
            ForceQuote::Columns(names.collect())
        }
        _ => ForceQuote::All,
    }
}

fn text(option: &pb::DefElem) -> Option<String> {
    match option.arg.as_ref()?.node.as_ref()? {
        NodeEnum::String(text) => Some(text.sval.clone()),
        NodeEnum::Integer(number) => Some(number.ival.to_string()),
        NodeEnum::Boolean(value) => Some(value.boolval.to_string()),
        _ => None,
    }
}

fn boolean(option: &pb::DefElem) -> Result<bool, String> {
    match (
        option.arg.is_some(),
        text(option)
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str(),
    ) {
        (false, _) | (_, "true" | "on" | "1") => Ok(true),
        (_, "false" | "off" | "0") => Ok(false),
        _ => Err(format!("COPY option {} is not a boolean", option.defname)),
    }
}

fn describe(copy: &pb::CopyStmt) -> Result<String, String> {
    let node = if let Some(query) = copy.query.as_ref().and_then(|query| query.node.clone()) {
        query
    } else {
        let mut relation = copy.relation.clone().ok_or("COPY names nothing")?;
        relation.inh = false;
        let star = NodeEnum::AStar(pb::AStar {});
        let mut fields: Vec<NodeEnum> = copy
            .attlist
            .iter()
            .filter_map(|name| name.node.clone())
            .collect();
        if fields.is_empty() {
            fields.push(star);
        }
        let target_list = fields
            .into_iter()
            .map(|field| {
                let column = NodeEnum::ColumnRef(pb::ColumnRef {
                    fields: vec![wrap(field)],
                    location: -1,
                });
                wrap(NodeEnum::ResTarget(Box::new(pb::ResTarget {
                    val: Some(Box::new(wrap(column))),
                    location: -1,
                    ..Default::default()
                })))
            })
            .collect();
        NodeEnum::SelectStmt(Box::new(pb::SelectStmt {
            target_list,
            from_clause: vec![wrap(NodeEnum::RangeVar(relation))],
            limit_option: pb::LimitOption::Default as i32,
            op: pb::SetOperation::SetopNone as i32,
            ..Default::default()
        }))
    };
    let failed = || "the rows that COPY sends cannot be described".to_owned();
    let tree = |node| pb::ParseResult {
        version: 0,
        stmts: vec![pb::RawStmt {
            stmt: Some(Box::new(wrap(node))),
            stmt_location: 0,
            stmt_len: 0,
        }],
    };
    let written =
        pg_query::deparse(&tree(node.clone()), Default::default()).map_err(|_| failed())?;
    let again = pg_query::parse(&written, 0).map_err(|_| failed())?;
    let second = pg_query::deparse(&again.protobuf, Default::default()).map_err(|_| failed())?;
    // Equal fingerprints mean equal names and structure; equal text means equal constants.
    if again.protobuf.stmts.len() != 1
        || second != written
        || !crate::tree_equality::same(&tree(node), &again.protobuf)
    {
        return Err(failed());
    }
    Ok(written)
}

fn wrap(node: NodeEnum) -> pb::Node {
    pb::Node { node: Some(node) }
}
