//! Parse trees: their statements, and what can be asked of any tree.

use std::hash::{DefaultHasher, Hasher};
use std::mem::discriminant;

use pg_raw_parse::list::{CastNodeList, NodeList};
use pg_raw_parse::{Node, nodes};

use crate::parts::{Part, children, parts};
use crate::{Error, c};

/// Deeper trees are refused. PostgreSQL's grammar limits how deeply a text can be nested, but not how long a chain such as
/// `1 + 1 + 1` can be, whose tree is as deep as the chain is long.
pub const MAX_DEPTH: usize = 4096;

/// The parsed statements of a text.
pub struct Tree {
    list: c::List,
}

/// One statement of a text.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'t> {
    pub node: Node<'t>,
    /// The byte at which the statement begins.
    pub start: usize,
    /// `None`: it extends to the end of the text.
    pub length: Option<usize>,
}

/// Parses a text, with standard_conforming_strings on or off.
///
/// # Errors
/// The text is not valid, or its tree is deeper than [`MAX_DEPTH`].
pub fn parse(text: &str, standard_conforming_strings: bool) -> Result<Tree, Error> {
    let list = c::parse(text, standard_conforming_strings)?;
    let tree = Tree { list };
    let statements = tree.statements();
    if statements
        .into_iter()
        .any(|statement| !is_shallow(statement.node))
    {
        return Err(Error::TooDeep);
    }
    Ok(tree)
}

impl Tree {
    /// The statements in the order of the text; none if it contains only white space and comments.
    pub fn statements(&self) -> Vec<Statement<'_>> {
        let list = self.list.get().into_iter().flatten();
        list.filter_map(|node| match node {
            Node::RawStmt(raw) => Some(Statement {
                node: raw.stmt(),
                start: usize::try_from(raw.stmt_location).unwrap_or(0),
                length: usize::try_from(raw.stmt_len)
                    .ok()
                    .filter(|length| *length > 0),
            }),
            _ => None,
        })
        .collect()
    }

    /// The statement of a text that has exactly one.
    pub fn only(&self) -> Option<Node<'_>> {
        match self.statements().as_slice() {
            [statement] => Some(statement.node),
            _ => None,
        }
    }
}

/// Whether the tree is at most [`MAX_DEPTH`] deep; not recursive itself.
fn is_shallow(node: Node<'_>) -> bool {
    let mut open = vec![(node, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return false;
        }
        children(node, &mut |child| open.push((child, depth + 1)));
    }
    true
}

/// Whether two trees are equal, apart from positions in the text.
pub fn same(left: Node<'_>, right: Node<'_>) -> bool {
    same_but(left, right, &mut |_, _| None)
}

/// Whether two trees are equal, apart from positions in the text and from what `differs` decides. It is asked about every pair of
/// nodes in corresponding places, from the top: `None` compares the two as usual.
pub fn same_but<'l, 'r>(
    left: Node<'l>,
    right: Node<'r>,
    differs: &mut dyn FnMut(Node<'l>, Node<'r>) -> Option<bool>,
) -> bool {
    if let Some(answer) = differs(left, right) {
        return answer;
    }
    if discriminant(&left) != discriminant(&right) {
        return false;
    }
    let (left, right) = (parts_of(left), parts_of(right));
    left.len() == right.len()
        && left
            .iter()
            .zip(&right)
            .all(|(left, right)| same_part(left, right, differs))
}

fn parts_of(node: Node<'_>) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    parts(node, &mut |part| found.push(part));
    found
}

fn same_part<'l, 'r>(
    left: &Part<'l>,
    right: &Part<'r>,
    differs: &mut dyn FnMut(Node<'l>, Node<'r>) -> Option<bool>,
) -> bool {
    match (left, right) {
        (Part::Number(left), Part::Number(right)) => left == right,
        (Part::Text(left), Part::Text(right)) => left == right,
        (Part::Constant(left), Part::Constant(right)) => match (left, right) {
            (Some(left), Some(right)) => {
                discriminant(left) == discriminant(right) && left.to_string() == right.to_string()
            }
            (left, right) => left.is_none() && right.is_none(),
        },
        (Part::Node(left), Part::Node(right)) => same_but(*left, *right, differs),
        (Part::List(left), Part::List(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right.iter())
                    .all(|(left, right)| same_but(left, right, differs))
        }
        _ => false,
    }
}

/// Equal for trees that differ only in constants and parameters, and in the number of values of an IN list or of rows of
/// a VALUES list if all values are constants.
pub fn fingerprint(node: Node<'_>) -> u64 {
    let mut structure = Vec::with_capacity(1024);
    write(node, &mut structure);
    let mut hasher = DefaultHasher::new();
    hasher.write(&structure);
    hasher.finish()
}

/// Appends the structure of a tree, which no other structure continues or begins with.
fn write(node: Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::A_Const(_) | Node::ParamRef(_) => out.push(0),
        Node::NodeList(list) => write_distinct(list, out),
        node => {
            out.push(1);
            out.extend(c::tag(node).to_le_bytes());
            parts(node, &mut |part| match part {
                Part::Number(number) => out.extend(number.to_le_bytes()),
                Part::Text(text) => write_text(text, out),
                // Only A_Const has one.
                Part::Constant(_) => {}
                Part::Node(child) => write(child, out),
                // Rows of VALUES.
                Part::List(list) if matches!(list.first(), Some(Node::NodeList(_))) => {
                    write_distinct(list, out);
                }
                Part::List(list) => {
                    out.extend(list.len().to_le_bytes());
                    list.iter().for_each(|child| write(child, out));
                }
            });
        }
    }
}

fn write_text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        None => out.push(0),
        Some(text) => {
            out.push(1);
            out.extend(text.len().to_le_bytes());
            out.extend(text.as_bytes());
        }
    }
}

/// A list in place of a node, such as the right side of IN, or the rows of VALUES: equal neighbours count once.
fn write_distinct(list: &NodeList, out: &mut Vec<u8>) {
    out.push(2);
    let mut last = None;
    for child in list {
        out.push(3);
        let start = out.len();
        write(child, out);
        match last {
            Some((from, to)) if out.get(from..to) == out.get(start..) => out.truncate(start - 1),
            _ => last = Some((start, out.len())),
        }
    }
    out.push(4);
}

/// The text with its constants replaced by `$n`; `None` if it is not valid.
pub fn normalize(text: &str) -> Option<String> {
    pg_raw_parse::normalize::normalize(text).ok()
}

/// See [`Strings::strings`].
pub trait Strings<'a> {
    /// The values of the String nodes in a list, such as the parts of a qualified name.
    fn strings(self) -> Vec<&'a str>;
}

impl<'a> Strings<'a> for &'a NodeList {
    fn strings(self) -> Vec<&'a str> {
        self.iter().filter_map(Node::as_str).collect()
    }
}

impl<'a> Strings<'a> for &'a CastNodeList<nodes::String> {
    fn strings(self) -> Vec<&'a str> {
        untyped(self).strings()
    }
}

/// The list without the type of its elements. Iterating over a typed list panics if an element has another type.
pub fn untyped<T>(list: &CastNodeList<T>) -> &NodeList {
    c::untyped(list)
}
