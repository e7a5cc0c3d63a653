//! The published JSON Schema of a data contract, for editors.

/// The JSON Schema of a data contract.
pub const DATA_CONTRACT_SCHEMA: &str = include_str!("../../data-contract.schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::super::column_text::{CodeText, ColumnText};
    use super::super::dialect::Dialect;
    use super::super::layout::{Elements, Field, FixedWidth, Relation, Sheet};
    use super::super::rule_text::{JudgementText, RuleText, WhenText};
    use super::super::text::{ContractText, GroupLagText, MissingText, ReportingText};
    use super::*;

    /// The names a type takes, as its own refusal of another lists them.
    fn names<T: DeserializeOwned>(refused: Value) -> BTreeSet<String> {
        let Err(refusal) = serde_json::from_value::<T>(refused) else {
            panic!("an unknown name is refused")
        };
        let text = refusal.to_string();
        let (_, expected) = text.split_once("expected").unwrap();
        expected
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
        names::<T>(json!({ "no such field": 0 }))
    }

    fn at<'s>(schema: &'s Value, pointer: &str) -> &'s Value {
        schema
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"))
    }

    #[test]
    fn the_schema_names_the_fields_that_contracts_take_and_no_other() {
        let schema: Value = serde_json::from_str(DATA_CONTRACT_SCHEMA).unwrap();
        for (pointer, fields) in [
            ("", fields::<ContractText>()),
            ("/$defs/dialect", fields::<Dialect>()),
            ("/$defs/fixed-width", fields::<FixedWidth>()),
            (
                "/$defs/fixed-width/properties/field/items",
                fields::<Field>(),
            ),
            ("/$defs/sheet", fields::<Sheet>()),
            ("/$defs/xml", fields::<Elements>()),
            ("/$defs/sql", fields::<Relation>()),
            ("/$defs/missing", fields::<MissingText>()),
            ("/$defs/reporting", fields::<ReportingText>()),
            (
                "/$defs/reporting/properties/group/items",
                fields::<GroupLagText>(),
            ),
            ("/$defs/column", fields::<ColumnText>()),
            ("/$defs/code", fields::<CodeText>()),
            ("/$defs/rule", fields::<RuleText>()),
            ("/$defs/rule/properties/when", fields::<WhenText>()),
            ("/$defs/judgement", fields::<JudgementText>()),
        ] {
            let object = at(&schema, pointer);
            let published: BTreeSet<String> = object["properties"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect();
            assert_eq!(published, fields, "{pointer}");
            assert_eq!(object["additionalProperties"], false, "{pointer}");
        }
    }

    #[test]
    fn the_schema_names_the_words_that_contracts_take_and_no_other() {
        use super::super::column_text::TypeName;
        use super::super::rule_text::KindName;
        use super::super::{
            Comparison, Encoding, Every, Format, Meaning, Positions, Severity, ShortLines,
        };
        let schema: Value = serde_json::from_str(DATA_CONTRACT_SCHEMA).unwrap();
        let word = || json!("no such word");
        for (pointer, words) in [
            ("/properties/format", names::<Format>(word())),
            (
                "/$defs/fixed-width/properties/positions",
                names::<Positions>(word()),
            ),
            (
                "/$defs/fixed-width/properties/short-lines",
                names::<ShortLines>(word()),
            ),
            ("/$defs/column/properties/type", names::<TypeName>(word())),
            ("/$defs/rule/properties/kind", names::<KindName>(word())),
            ("/$defs/rule/properties/is", names::<Comparison>(word())),
            ("/$defs/rule/properties/every", names::<Every>(word())),
            (
                "/$defs/judgement/properties/severity",
                names::<Severity>(word()),
            ),
            ("/$defs/missing/properties/means", names::<Meaning>(word())),
            (
                "/$defs/dialect/properties/encoding",
                names::<Encoding>(word()),
            ),
        ] {
            let published: BTreeSet<String> = at(&schema, pointer)["enum"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap().to_owned())
                .collect();
            assert_eq!(published, words, "{pointer}");
        }
    }
}
