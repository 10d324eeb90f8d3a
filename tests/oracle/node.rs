//! A reader for the text of PostgreSQL's node trees (nodeToString, outfuncs.c).

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// What a field contains.
#[derive(Debug)]
pub enum Value {
    /// `<>`.
    Null,
    /// A number, a name, a datum: everything that is no node and no list.
    Word(String),
    List(Vec<Value>),
    Node(Box<Node>),
}

#[derive(Debug)]
pub struct Node {
    pub kind: String,
    fields: HashMap<String, Value>,
}

static NULL: Value = Value::Null;

impl Value {
    pub fn node(&self) -> Option<&Node> {
        match self {
            Value::Node(node) => Some(node),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Value] {
        match self {
            Value::List(list) => list,
            _ => &[],
        }
    }

    /// The nodes of a list, or the node itself.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.list().iter().chain([self]).filter_map(Value::node)
    }

    pub fn word(&self) -> &str {
        match self {
            Value::Word(word) => word,
            _ => "",
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl Node {
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&NULL)
    }

    /// A numeric field; 0 if it is absent.
    pub fn number(&self, name: &str) -> i64 {
        self.field(name).word().parse().unwrap_or(0)
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.field(name).word() == "true"
    }

    pub fn fields(&self) -> impl Iterator<Item = &Value> {
        self.fields.values()
    }
}

/// Reads one value, which must be the whole text.
pub fn read(text: &str) -> Result<Value> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let value = reader.value()?;
    reader.blanks();
    ensure!(reader.at == text.len(), "more text at byte {}", reader.at);
    Ok(value)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value> {
        self.blanks();
        Ok(match self.peek().context("the text ends early")? {
            b'{' => Value::Node(Box::new(self.node()?)),
            b'(' => self.items()?,
            b'[' => self.datum()?,
            b'"' => Value::Word(self.quoted()?),
            _ => match self.token()?.as_str() {
                "<>" => Value::Null,
                word => Value::Word(word.to_owned()),
            },
        })
    }

    /// `{KIND :field value ...}`. Whatever follows a field's name is its value, also if it begins with a colon. A constant's
    /// value is two: a length and a datum.
    fn node(&mut self) -> Result<Node> {
        self.at += 1;
        let kind = self.token()?;
        let mut fields = HashMap::new();
        loop {
            self.blanks();
            match self.peek().context("a node is not closed")? {
                b'}' => break,
                b':' => {
                    let name = self.token()?;
                    let mut value = self.value()?;
                    self.blanks();
                    while !matches!(self.peek(), Some(b':' | b'}')) {
                        value = self.value()?;
                        self.blanks();
                    }
                    fields.insert(name.trim_start_matches(':').to_owned(), value);
                }
                other => bail!("{:?} in a node of kind {kind}", char::from(other)),
            }
        }
        self.at += 1;
        Ok(Node { kind, fields })
    }

    /// `( ... )`; lists of numbers and bit sets begin with a letter, which is dropped.
    fn items(&mut self) -> Result<Value> {
        self.at += 1;
        if let Some([b'i' | b'o' | b'x' | b'b', b' ' | b')']) = self.bytes.get(self.at..self.at + 2)
        {
            self.at += 1;
        }
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.peek().context("a list is not closed")? == b')' {
                self.at += 1;
                break;
            }
            items.push(self.value()?);
        }
        Ok(Value::List(items))
    }

    fn datum(&mut self) -> Result<Value> {
        let start = self.at;
        while self.peek().context("a datum is not closed")? != b']' {
            self.at += 1;
        }
        self.at += 1;
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        Ok(Value::Word(String::from_utf8_lossy(text).into_owned()))
    }

    fn quoted(&mut self) -> Result<String> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek().context("a string is not closed")? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    bytes.push(self.peek().context("a string ends in an escape")?);
                }
                other => bytes.push(other),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(String::from_utf8(bytes)?)
    }

    fn token(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'(' | b')' | b'{' | b'}' => break,
                b'\\' => {
                    self.at += 1;
                    bytes.push(self.peek().context("a name ends in an escape")?);
                }
                byte if byte.is_ascii_whitespace() => break,
                byte => bytes.push(byte),
            }
            self.at += 1;
        }
        ensure!(!bytes.is_empty(), "nothing at byte {}", self.at);
        Ok(String::from_utf8(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_tree_is_read_back() {
        let text = r#"({VAR :varno 1 :name :odd\ name :none <> :set (b 8 9) :value 4 [ 1 0 ] :names ("a" "b\"c" "")})"#;
        let value = read(text).expect("the text is a tree");
        let var = value.list()[0].node().expect("a node");
        assert_eq!((var.kind.as_str(), var.number("varno")), ("VAR", 1));
        assert_eq!(var.field("name").word(), ":odd name");
        assert!(var.field("none").is_null());
        assert_eq!(var.field("set").list().len(), 2);
        assert_eq!(var.field("value").word(), "[ 1 0 ]");
        let names: Vec<&str> = var
            .field("names")
            .list()
            .iter()
            .map(|name| name.word())
            .collect();
        assert_eq!(names, ["a", "b\"c", ""]);
    }

    #[test]
    fn a_broken_tree_is_refused() {
        for text in ["{VAR :varno 1", "(1", "{VAR x}", "\"a", "() ()"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
