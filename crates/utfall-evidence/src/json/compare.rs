//! Where two documents part.

use super::Json;

/// The first place where two documents differ.
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
        first_difference(self, found, "")
    }
}

fn first_difference(expected: &Json, found: &Json, pointer: &str) -> Option<Difference> {
    match (expected, found) {
        (Json::Object(ours), Json::Object(theirs)) => {
            let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().find_map(|key| {
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                first_difference_of_members(ours.get(key), theirs.get(key), pointer)
            })
        }
        (Json::List(ours), Json::List(theirs)) => {
            (0..ours.len().max(theirs.len())).find_map(|index| {
                first_difference_of_members(
                    ours.get(index),
                    theirs.get(index),
                    format!("{pointer}/{index}"),
                )
            })
        }
        _ if expected == found => None,
        _ => Some(Difference {
            pointer: pointer.to_owned(),
            expected: Some(expected.clone()),
            found: Some(found.clone()),
        }),
    }
}

fn first_difference_of_members(
    expected: Option<&Json>,
    found: Option<&Json>,
    pointer: String,
) -> Option<Difference> {
    match (expected, found) {
        (Some(expected), Some(found)) => first_difference(expected, found, &pointer),
        (None, None) => None,
        _ => Some(Difference {
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
