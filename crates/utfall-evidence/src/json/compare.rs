//! Where two documents part.

use std::collections::BTreeSet;

use super::Json;

/// A place where two documents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer (RFC 6901) to the place; empty for the whole document.
    pub pointer: String,
    /// The value there in the first document, `None` if it has none.
    pub expected: Option<Json>,
    /// The value there in the second document, `None` if it has none.
    pub found: Option<Json>,
}

impl Json {
    /// The first place, keys in order, where `found` differs from this document.
    ///
    /// Numbers are the same only if they are written the same.
    #[must_use]
    pub fn first_difference(&self, found: &Self) -> Option<Difference> {
        self.differences(found).into_iter().next()
    }

    /// Every such place.
    #[must_use]
    pub fn differences(&self, found: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        compare(Some(self), Some(found), String::new(), &mut differences);
        differences
    }
}

fn compare(
    expected: Option<&Json>,
    found: Option<&Json>,
    pointer: String,
    differences: &mut Vec<Difference>,
) {
    match (expected, found) {
        (Some(Json::Object(ours)), Some(Json::Object(theirs))) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for key in keys {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(ours.get(key), theirs.get(key), pointer, differences);
            }
        }
        (Some(Json::List(ours)), Some(Json::List(theirs))) => {
            for index in 0..ours.len().max(theirs.len()) {
                let pointer = format!("{pointer}/{index}");
                compare(ours.get(index), theirs.get(index), pointer, differences);
            }
        }
        _ if expected == found => {}
        _ => differences.push(Difference {
            pointer,
            expected: expected.cloned(),
            found: found.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parting(expected: &str, found: &str) -> Option<(String, Option<String>, Option<String>)> {
        let json = |text: &str| Json::parse(text.as_bytes()).unwrap();
        let difference = json(expected).first_difference(&json(found))?;
        Some((
            difference.pointer,
            difference.expected.map(|v| v.to_text()),
            difference.found.map(|v| v.to_text()),
        ))
    }

    #[test]
    fn the_first_place_is_pointed_at() {
        assert_eq!(
            parting(r#"{"a":[1,{"b":2}]}"#, r#"{"a":[1,{"b":3}]}"#),
            Some(("/a/1/b".into(), Some("2".into()), Some("3".into())))
        );
        assert_eq!(
            parting(r#"{"a":1}"#, r#"{"a":1,"b/c":2}"#),
            Some(("/b~1c".into(), None, Some("2".into())))
        );
        assert_eq!(
            parting("[1,2]", "[1]"),
            Some(("/1".into(), Some("2".into()), None))
        );
        assert_eq!(
            parting("[1]", "{}"),
            Some((String::new(), Some("[1]".into()), Some("{}".into())))
        );
        assert_eq!(parting(r#"{"a":1}"#, r#"{ "a" : 1 }"#), None);
    }
}
