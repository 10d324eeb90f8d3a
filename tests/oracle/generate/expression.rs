//! Expressions of type text, with the name that PostgreSQL gives an output column made of them.

use super::world::Kind;
use super::{Column, Generator, Item, Scopes, limited, quoted};

/// The name of an output column without alias.
#[derive(Clone, Debug)]
pub enum Name {
    /// A cast keeps it.
    Strong(String),
    /// A cast replaces it.
    Weak(String),
}

pub struct Value {
    pub text: String,
    pub name: Name,
}

impl Value {
    pub fn strong(text: impl Into<String>, name: &str) -> Self {
        Self {
            text: text.into(),
            name: Name::Strong(name.to_owned()),
        }
    }

    pub fn nameless(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            name: Name::Weak("?column?".to_owned()),
        }
    }

    pub fn named_by_type(text: String, inner: Name, kind: &str) -> Self {
        let name = match inner {
            Name::Strong(name) => Name::Strong(name),
            Name::Weak(_) => Name::Weak(kind.to_owned()),
        };
        Self { text, name }
    }

    pub fn column_name(&self) -> &str {
        match &self.name {
            Name::Strong(name) | Name::Weak(name) => name,
        }
    }
}

impl Generator {
    /// An item of the innermost scope, or sometimes of one further out.
    pub fn visible(&mut self, scopes: &Scopes) -> Option<Item> {
        let filled: Vec<&Vec<Item>> = scopes.iter().filter(|scope| !scope.is_empty()).collect();
        let outer = filled.len() > 1 && self.random.one_in(4);
        let scope = filled.get(usize::from(outer) * (filled.len().max(1) - 1))?;
        Some(scope[self.random.below(scope.len())].clone())
    }

    /// By the bare name rather where it can mean nothing else.
    fn reference(&mut self, item: &Item, column: &Column, scopes: &Scopes) -> String {
        let near = scopes.iter().find(|scope| !scope.is_empty());
        let columns = near.into_iter().flatten().flat_map(|item| &item.columns);
        let clear = columns.filter(|known| known.name == column.name).count() == 1;
        if self.random.one_in(if clear { 3 } else { 24 }) {
            return quoted(&column.name);
        }
        format!("{}.{}", item.reference(), quoted(&column.name))
    }

    pub fn column(&mut self, scopes: &Scopes) -> Value {
        let Some(item) = self.visible(scopes).filter(|item| !item.columns.is_empty()) else {
            return Value::nameless("'constant'");
        };
        let column = item.columns[self.random.below(item.columns.len())].clone();
        let text = self.reference(&item, &column, scopes);
        match column.kind {
            Kind::Text => Value::strong(text, &column.name),
            _ if !column.fields.is_empty() => {
                let field = column.fields[self.random.below(column.fields.len())].clone();
                let text = format!("({text}).{}", quoted(&field.name));
                let text = if field.kind == Kind::Text {
                    text
                } else {
                    format!("{text}::text")
                };
                Value::strong(text, &field.name)
            }
            Kind::Texts if self.random.one_in(2) => {
                Value::strong(format!("({text})[1]"), &column.name)
            }
            Kind::Address if self.random.one_in(2) => Value::strong(format!("({text}).zip"), "zip"),
            _ => Value::strong(format!("{text}::text"), &column.name),
        }
    }

    pub fn value(&mut self, depth: usize, scopes: &Scopes) -> Value {
        if depth == 0 || self.random.one_in(3) {
            return self.column(scopes);
        }
        let depth = depth - 1;
        let a = self.value(depth, scopes);
        match self.random.below(46) {
            kind @ ..=19 => self.built(kind, a, depth, scopes),
            40 | 41 => self.of_a_nested_row(scopes, a),
            42 => Value::named_by_type(
                format!(
                    "({} = ALL (SELECT {}))::text",
                    a.text,
                    self.column(scopes).text
                ),
                Name::Weak(String::new()),
                "text",
            ),
            43 => Value::named_by_type(
                format!(
                    "CASE {} WHEN 'x' THEN {} END",
                    a.text,
                    self.column(scopes).text
                ),
                Name::Weak(String::new()),
                "case",
            ),
            44 | 30..=32 if self.own_tables => self.of_the_system(scopes, a),
            44 => Value::strong("(pairs()).b", "b"),
            30 => Value::strong(format!("secret({})", a.text), "secret"),
            31 => Value::strong(format!("({}).secret", a.text), "secret"),
            32 => Value::nameless(format!("({} ~~> {})", a.text, self.column(scopes).text)),
            33 => Value::named_by_type(
                format!(
                    "({} IS DISTINCT FROM {})::text",
                    a.text,
                    self.column(scopes).text
                ),
                Name::Weak(String::new()),
                "text",
            ),
            34 => Value::named_by_type(
                format!(
                    "({} = ANY (ARRAY[{}]))::text",
                    a.text,
                    self.column(scopes).text
                ),
                Name::Weak(String::new()),
                "text",
            ),
            35 => self.in_json_or_xml(&a),
            36 if !self.plain => {
                Value::strong(format!("first_value({}) OVER w", a.text), "first_value")
            }
            37 if !self.plain => {
                Value::strong(format!("lag({}) OVER (w ROWS 1 PRECEDING)", a.text), "lag")
            }
            20..=22 => self.of_a_query(depth, scopes, &a),
            23 if !self.plain => {
                let (by, order) = (self.column(scopes).text, self.column(scopes).text);
                Value::strong(
                    format!("max({}) OVER (PARTITION BY {by} ORDER BY {order})", a.text),
                    "max",
                )
            }
            _ => self.of_a_row(scopes, a),
        }
    }

    /// A system column.
    fn of_the_system(&mut self, scopes: &Scopes, otherwise: Value) -> Value {
        let Some(item) = self.visible(scopes).filter(|item| item.is_table) else {
            return otherwise;
        };
        let row = item.reference();
        match self.random.below(4) {
            0 => Value::strong(format!("{row}.ctid::text"), "ctid"),
            1 => Value::strong(format!("{row}.tableoid::regclass::text"), "tableoid"),
            2 => Value::named_by_type(
                format!("({row}.xmin IS NULL)::text"),
                Name::Weak(String::new()),
                "text",
            ),
            _ => Value::strong(format!("{row}.cmax::text"), "cmax"),
        }
    }

    /// Casts, CASE and what looks like a function.
    fn built(&mut self, kind: usize, a: Value, depth: usize, scopes: &Scopes) -> Value {
        match kind {
            0 => Value::nameless(format!(
                "({} || {})",
                a.text,
                self.value(depth, scopes).text
            )),
            1 => Value::strong(format!("upper({})", a.text), "upper"),
            2 => Value::strong(format!("pg_catalog.lower({})", a.text), "lower"),
            3 => Value::named_by_type(format!("({})::varchar", a.text), a.name, "varchar"),
            4 => Value::named_by_type(
                format!("CAST({} AS pg_catalog.text)", a.text),
                a.name,
                "text",
            ),
            5 => Value::named_by_type(
                format!("((({} || ''))::text COLLATE \"C\")::varchar", a.text),
                Name::Weak(String::new()),
                "varchar",
            ),
            6 => Value {
                text: format!("({} COLLATE \"C\")", a.text),
                name: a.name,
            },
            7 | 8 => {
                let condition = self.condition(depth, scopes);
                let b = self.value(depth, scopes);
                Value::named_by_type(
                    format!("CASE WHEN {condition} THEN {} ELSE {} END", b.text, a.text),
                    a.name,
                    "case",
                )
            }
            9 => Value::strong(
                format!("coalesce({}, {})", a.text, self.value(depth, scopes).text),
                "coalesce",
            ),
            10 => Value::strong(format!("nullif({}, 'x')", a.text), "nullif"),
            11 => Value::strong(
                format!("greatest({}, {})", a.text, self.value(depth, scopes).text),
                "greatest",
            ),
            12 => Value::strong(
                format!("(ARRAY[{}, {}])[2]", self.value(depth, scopes).text, a.text),
                "array",
            ),
            13 | 14 => self.field_of_a_row(scopes, &a),
            15 => Value::strong(format!("same({})", a.text), "same"),
            16 => Value::strong(format!("substring({} from 1 for 2)", a.text), "substring"),
            17 => Value::strong(format!("trim(both 'x' from {})", a.text), "btrim"),
            18 => Value::named_by_type(
                format!("ROW({}, 'x')::text", a.text),
                Name::Strong("row".to_owned()),
                "text",
            ),
            19 => Value::strong(
                format!("array_to_string(ARRAY[{}], ',')", a.text),
                "array_to_string",
            ),
            _ => a,
        }
    }

    fn in_json_or_xml(&mut self, a: &Value) -> Value {
        let kinds = if self.modern { 8 } else { 4 };
        match self.random.below(kinds) {
            0 => Value::named_by_type(
                format!("xmlforest({} AS x)::text", a.text),
                Name::Strong("xmlforest".to_owned()),
                "text",
            ),
            4 => Value::named_by_type(
                format!("JSON_OBJECT('k': {} ABSENT ON NULL)::text", a.text),
                Name::Strong("json_object".to_owned()),
                "text",
            ),
            5 => Value::named_by_type(
                format!("JSON_ARRAY({}, 'x')::text", a.text),
                Name::Strong("json_array".to_owned()),
                "text",
            ),
            6 => Value::strong(
                format!("JSON_VALUE(to_jsonb({}), '$')", a.text),
                "json_value",
            ),
            7 => Value::named_by_type(
                format!("JSON_QUERY(to_jsonb({}), '$' WITH WRAPPER)::text", a.text),
                Name::Strong("json_query".to_owned()),
                "text",
            ),
            1 => Value::named_by_type(
                format!("(jsonb_build_object('k', {}))['k']::text", a.text),
                Name::Strong("jsonb_build_object".to_owned()),
                "text",
            ),
            2 => Value::strong(
                format!("regexp_replace({}, 'a', 'b')", a.text),
                "regexp_replace",
            ),
            _ => Value::named_by_type(
                format!("xmlelement(name x, {})::text", a.text),
                Name::Strong("xmlelement".to_owned()),
                "text",
            ),
        }
    }

    fn of_a_query(&mut self, depth: usize, scopes: &Scopes, a: &Value) -> Value {
        let before = std::mem::replace(&mut self.plain, false);
        let (query, columns) = self.query(depth, scopes, Some(1));
        self.plain = before;
        match self.random.below(4) {
            0 => Value::named_by_type(
                format!("EXISTS ({query})::text"),
                Name::Strong("exists".to_owned()),
                "text",
            ),
            1 => Value::named_by_type(
                format!("({} = ANY ({query}))::text", a.text),
                Name::Weak(String::new()),
                "text",
            ),
            2 => Value::named_by_type(
                format!("ARRAY({query})::text"),
                Name::Strong("array".to_owned()),
                "text",
            ),
            _ => Value {
                text: format!("({})", limited(&query)),
                name: Name::Strong(
                    columns
                        .first()
                        .map_or_else(|| "x".to_owned(), |column| column.name.clone()),
                ),
            },
        }
    }

    pub fn condition(&mut self, depth: usize, scopes: &Scopes) -> String {
        let a = self.value(depth.min(1), scopes).text;
        let b = self.column(scopes).text;
        match self.random.below(17) {
            14 => format!("({a}, {b}) IN (SELECT {b}, {a})"),
            15 => self.rows_compared(scopes),
            0..=3 => format!("{} = 'x'", self.column(scopes).text),
            4 => format!("{a} LIKE 'c%'"),
            5 => format!("{} IS NULL", self.column(scopes).text),
            6 => format!("{a} IS NOT NULL AND {b} = 'y'"),
            7 => format!("{a} < {b}"),
            8 => format!("({a}, {b}) = ({b}, 'z')"),
            9 => format!("{a} IN ('x', {b})"),
            10 => format!("NOT ({a} BETWEEN 'a' AND {b})"),
            11 if depth > 0 => {
                let (query, _) = self.query(depth - 1, scopes, Some(1));
                format!("{a} IN ({query})")
            }
            12 if depth > 0 => {
                let (query, _) = self.query(depth - 1, scopes, None);
                format!("EXISTS ({query})")
            }
            _ => format!("({a} = 'x' OR {b} = 'y')"),
        }
    }

    pub fn aggregate(&mut self, depth: usize, scopes: &Scopes) -> Value {
        let plain = std::mem::replace(&mut self.plain, true);
        let a = self.value(depth.min(1), scopes).text;
        let b = self.column(scopes).text;
        self.plain = plain;
        match self.random.below(8) {
            0 => Value::strong(format!("string_agg({a}, ',' ORDER BY {b})"), "string_agg"),
            1 => Value::strong(
                format!("array_to_string(array_agg({a}), '')"),
                "array_to_string",
            ),
            2 => Value::strong(format!("max({a}) FILTER (WHERE {b} = 'x')"), "max"),
            3 => Value::named_by_type(
                format!("count({b})::text"),
                Name::Strong("count".to_owned()),
                "text",
            ),
            4 => Value::named_by_type(
                "count(*)::text".to_owned(),
                Name::Strong("count".to_owned()),
                "text",
            ),
            5 => Value::strong(
                format!("percentile_disc(0.5) WITHIN GROUP (ORDER BY {a})"),
                "percentile_disc",
            ),
            6 => Value::named_by_type(
                format!("json_object_agg(coalesce({a}, ''), {b})::text"),
                Name::Strong("json_object_agg".to_owned()),
                "text",
            ),
            _ => Value::strong(format!("min({a})"), "min"),
        }
    }
}
