//! The values of a metric as they are now, read from the text that is rendered for Prometheus, so that there is one place that counts.

use super::Metrics;

/// One value, with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Sample {
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        let label = labels.find(|(known, _)| known == name);
        label.map(|(_, value)| value.as_str())
    }
}

impl Metrics {
    /// The values of each of these metrics, in their order.
    pub fn samples<const N: usize>(&self, names: [&str; N]) -> [Vec<Sample>; N] {
        let text = self.render();
        names.map(|name| text.lines().filter_map(|line| sample(line, name)).collect())
    }
}

/// The line's value, if it is of this metric.
fn sample(line: &str, name: &str) -> Option<Sample> {
    let rest = line.strip_prefix(name)?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = value.strip_prefix(' ')?.split(' ').next()?;
    Some(Sample {
        labels,
        value: value.parse().ok()?,
    })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once("=\"")?;
        let (value, behind) = quoted(behind)?;
        labels.push((name.to_owned(), value));
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
}

/// A value up to its closing quote, and what follows it (Prometheus, Text-based format).
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_their_labels() {
        let read = |line: &str| sample(line, "open");
        let plain = read("open 3").expect("a value");
        assert!(plain.labels.is_empty() && plain.value == 3.0);
        let labelled = read(r#"open{database="a\"b\\,}",how="new"} 1.5"#).expect("a value");
        assert_eq!(labelled.label("database"), Some("a\"b\\,}"));
        assert_eq!(labelled.label("how"), Some("new"));
        assert_eq!((labelled.label("other"), labelled.value), (None, 1.5));
        for other in [
            "# TYPE open gauge",
            "opened 3",
            "open_total{} 3",
            "open{",
            "open x",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
