//! Values of parameters and rows.

use super::StoreError;

/// A value that both databases store the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row of a result, read from left to right.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Row(values.into_iter())
    }

    fn next(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }

    /// # Errors
    /// The next value is none.
    pub fn integer(&mut self) -> Result<i64, StoreError> {
        self.optional_integer()?
            .ok_or(StoreError::Value("not an integer"))
    }

    /// # Errors
    /// The next value is neither NULL nor an integer.
    pub fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            _ => Err(StoreError::Value("not an integer")),
        }
    }

    /// # Errors
    /// The next value is no text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or(StoreError::Value("not text"))
    }

    /// # Errors
    /// The next value is neither NULL nor a text.
    pub fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(StoreError::Value("not text")),
        }
    }

    /// # Errors
    /// The next value is no string of bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.optional_bytes()?.ok_or(StoreError::Value("not bytes"))
    }

    /// # Errors
    /// The next value is neither NULL nor a string of bytes.
    pub fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            _ => Err(StoreError::Value("not bytes")),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
