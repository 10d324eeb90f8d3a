//! Which values of results are masked for viewers. Clients got them because of who they were; a viewer is somebody else. What is not known to
//! come from elsewhere is taken to come from a masked column.

use gatewright_record::event::ResultColumn;

/// A mask on what viewers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMask {
    pub columns: Vec<MaskedColumn>,
    /// Whose members see the values all the same.
    pub groups: Vec<String>,
}

/// A column, or all of a table's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedColumn {
    /// `schema.table`
    table: String,
    /// `*`: any.
    column: String,
}

impl MaskedColumn {
    /// Reads `schema.table.column` or `schema.table.*`. `None`: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (table, column) = text.rsplit_once('.')?;
        let (schema, name) = table.split_once('.')?;
        let is_whole = !schema.is_empty() && !name.is_empty() && !column.is_empty();
        is_whole.then(|| MaskedColumn {
            table: table.to_owned(),
            column: column.to_owned(),
        })
    }

    pub fn text(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }

    /// Where the schema of a source is not known, it may be this one.
    fn covers(&self, source: &str) -> bool {
        let Some((table, column)) = source.rsplit_once('.') else {
            return true;
        };
        let name = self.table.split_once('.').map(|(_, name)| name);
        let is_table = match table.strip_prefix('.') {
            Some(unqualified) => name == Some(unqualified),
            None => self.table == table,
        };
        is_table && (self.column == "*" || column == "*" || self.column == column)
    }
}

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Eyes<'a> {
    Of(&'a [String]),
    /// Whoever searches the index.
    Anybody,
}

/// The masks that hold for somebody.
pub(super) struct Hidden<'a>(Vec<&'a RecordMask>);

impl<'a> Hidden<'a> {
    pub fn from(masks: &'a [RecordMask], eyes: Eyes<'_>) -> Self {
        let is_seen = |mask: &&RecordMask| match eyes {
            Eyes::Of(groups) => mask.groups.iter().any(|group| groups.contains(group)),
            Eyes::Anybody => false,
        };
        Hidden(masks.iter().filter(|mask| !is_seen(mask)).collect())
    }

    /// Whether the values of a result's column are masked.
    pub fn column(&self, columns: Option<&[ResultColumn]>, index: usize) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let column = columns.and_then(|columns| columns.get(index));
        let Some(sources) = column.and_then(|column| column.sources.as_ref()) else {
            return true;
        };
        let mut masked = self.0.iter().flat_map(|mask| &mask.columns);
        masked.any(|masked| sources.iter().any(|source| masked.covers(source)))
    }

    /// Whether texts that quote values are masked: errors, notices and COPY data.
    pub fn texts(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(sources: Option<&[&str]>) -> ResultColumn {
        ResultColumn {
            name: None,
            sources: sources
                .map(|sources| sources.iter().map(|&source| source.to_owned()).collect()),
        }
    }

    fn masks() -> Vec<RecordMask> {
        let columns = ["public.people.email", "hr.pay.*"];
        vec![RecordMask {
            columns: columns
                .iter()
                .filter_map(|text| MaskedColumn::parse(text))
                .collect(),
            groups: vec!["dpo".to_owned()],
        }]
    }

    #[test]
    fn what_may_come_from_a_masked_column_is_masked() {
        let masks = masks();
        let hidden = Hidden::from(&masks, Eyes::Of(&[]));
        for (sources, is_masked) in [
            (Some(&["public.people.email"][..]), true),
            (Some(&["public.people.id"][..]), false),
            (Some(&["public.people.id", "hr.pay.month"][..]), true),
            (Some(&["public.people.*"][..]), true),
            (Some(&[".people.email"][..]), true),
            (Some(&["other.people.email"][..]), false),
            (Some(&[][..]), false),
            (None, true),
        ] {
            let columns = [column(sources)];
            assert_eq!(hidden.column(Some(&columns), 0), is_masked, "{sources:?}");
        }
        assert!(hidden.column(None, 0) && hidden.column(Some(&[]), 3) && hidden.texts());
    }

    #[test]
    fn groups_see_values_and_nobody_does_in_the_index() {
        let masks = masks();
        let groups = ["dpo".to_owned()];
        let columns = [column(Some(&["public.people.email"]))];
        let seen = Hidden::from(&masks, Eyes::Of(&groups));
        assert!(!seen.column(Some(&columns), 0) && !seen.column(None, 0) && !seen.texts());
        assert!(Hidden::from(&masks, Eyes::Anybody).column(Some(&columns), 0));
        assert!(!Hidden::from(&[], Eyes::Anybody).column(None, 0));
    }

    #[test]
    fn a_column_has_three_names() {
        assert!(MaskedColumn::parse("public.t.c").is_some());
        for text in ["t.c", "c", "public..c", ".t.c", "public.t."] {
            assert_eq!(MaskedColumn::parse(text), None, "{text}");
        }
    }
}
