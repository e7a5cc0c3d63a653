//! What a table is broken down by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A classification: codes, and which lies within which.
///
/// ```toml
/// [[dimension]]
/// name = "region"
/// codes = [{ label = "north" }, { label = "coast", within = "north" }, { label = "inland", within = "north" }]
/// ```
///
/// The total over all codes has no code of its own. A code stands after the one it lies within.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Dimension {
    name: String,
    codes: Vec<Code>,
    /// The node above each node; the root, node 0, is its own.
    above: Vec<usize>,
    /// The nodes below each node.
    below: Vec<Vec<usize>>,
    by_label: BTreeMap<String, usize>,
}

/// A code of a classification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Code {
    /// What it is called.
    pub label: String,
    /// The code it lies within; directly under the total if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: String,
    codes: Vec<Code>,
}

/// The node of the total over all codes.
pub(crate) const ROOT: usize = 0;

impl Dimension {
    /// A classification without a hierarchy.
    ///
    /// # Errors
    ///
    /// A sentence if a label occurs twice or none is given.
    pub fn flat<S: Into<String>>(
        name: impl Into<String>,
        labels: impl IntoIterator<Item = S>,
    ) -> Result<Self, String> {
        let codes = labels.into_iter().map(|label| Code {
            label: label.into(),
            within: None,
        });
        Self::new(name, codes.collect())
    }

    /// A classification.
    ///
    /// # Errors
    ///
    /// A sentence if a label occurs twice, a code lies within one that does not stand before it, or
    /// none is given.
    pub fn new(name: impl Into<String>, codes: Vec<Code>) -> Result<Self, String> {
        let name = name.into();
        if codes.is_empty() {
            return Err(format!(
                "dimension `{name}` has no codes, expected at least one"
            ));
        }
        let mut above = vec![ROOT];
        let mut below = vec![Vec::new()];
        let mut by_label = BTreeMap::new();
        for code in &codes {
            let node = above.len();
            let parent = match &code.within {
                None => ROOT,
                Some(within) => *by_label.get(within).ok_or_else(|| {
                    format!(
                        "in dimension `{name}`, `{}` lies within `{within}`, expected a code that stands before it",
                        code.label
                    )
                })?,
            };
            above.push(parent);
            below.push(Vec::new());
            below[parent].push(node);
            if by_label.insert(code.label.clone(), node).is_some() {
                return Err(format!(
                    "dimension `{name}` has `{}` twice, expected each label once",
                    code.label
                ));
            }
        }
        Ok(Self {
            name,
            codes,
            above,
            below,
            by_label,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Nodes: the total, then every code.
    pub(crate) fn n_nodes(&self) -> usize {
        self.above.len()
    }

    pub(crate) fn node(&self, label: &str) -> Option<usize> {
        self.by_label.get(label).copied()
    }

    /// The label of a node; `None` for the total.
    pub(crate) fn label(&self, node: usize) -> Option<&str> {
        let code = node.checked_sub(1)?;
        self.codes.get(code).map(|code| code.label.as_str())
    }

    pub(crate) fn parts(&self, node: usize) -> &[usize] {
        &self.below[node]
    }

    pub(crate) fn is_leaf(&self, node: usize) -> bool {
        self.below[node].is_empty()
    }

    /// A node and all above it, up to the total.
    pub(crate) fn upwards(&self, node: usize) -> Vec<usize> {
        let mut nodes = vec![node];
        let mut at = node;
        while at != ROOT {
            at = self.above[at];
            nodes.push(at);
        }
        nodes
    }
}

impl TryFrom<Written> for Dimension {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Self::new(written.name, written.codes)
    }
}

impl From<Dimension> for Written {
    fn from(dimension: Dimension) -> Self {
        Self {
            name: dimension.name,
            codes: dimension.codes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_is_read_with_its_total_above_everything() {
        let dimension: Dimension = toml::from_str(
            "name = 'region'\ncodes = [{ label = 'north' }, { label = 'coast', within = 'north' }, { label = 'south' }]",
        )
        .unwrap();
        let coast = dimension.node("coast").unwrap();
        assert_eq!(dimension.upwards(coast), [2, 1, ROOT]);
        assert_eq!(dimension.parts(ROOT), [1, 3]);
        assert!(dimension.is_leaf(coast) && !dimension.is_leaf(1));
        assert_eq!(
            (dimension.label(ROOT), dimension.label(2)),
            (None, Some("coast"))
        );
    }

    #[test]
    fn a_classification_that_is_none_is_refused() {
        for text in [
            "name = 'region'\ncodes = []",
            "name = 'region'\ncodes = [{ label = 'a' }, { label = 'a' }]",
            "name = 'region'\ncodes = [{ label = 'a', within = 'b' }, { label = 'b' }]",
            "name = 'region'\ncodes = [{ label = 'a', within = 'a' }]",
        ] {
            assert!(toml::from_str::<Dimension>(text).is_err(), "{text}");
        }
    }
}
