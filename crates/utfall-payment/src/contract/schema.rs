//! The published JSON Schema of a contract, for editors.

/// The JSON Schema of a contract. It is drawn from the types that read one, and a test compares.
pub const CONTRACT_SCHEMA: &str = include_str!("../../contract.schema.json");

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
    use serde::{Deserializer, forward_to_deserialize_any};
    use serde_json::{Map, Value, json};

    use super::super::RoundingRule;
    use super::super::document::{
        LINE_KINDS, LIST_KEYS, QUANTITY_KINDS, line_kind_named, rule_named,
    };
    use super::super::raw::*;
    use super::CONTRACT_SCHEMA;

    type Error = serde_json::Error;

    /// Learns the shape of a value by being asked for it.
    #[derive(Clone, Copy)]
    struct Asked<'s> {
        /// At the top of a type: the field to answer for.
        only: Option<usize>,
        shape: &'s RefCell<Value>,
        names: &'s RefCell<Vec<&'static str>>,
    }

    impl Asked<'_> {
        fn learns(self, shape: Value) -> Error {
            *self.shape.borrow_mut() = shape;
            Error::custom("learned")
        }
    }

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            // Only an operand asks for whatever there is.
            Err(self.learns(json!({ "$ref": "#/$defs/operand" })))
        }

        fn deserialize_bool<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.learns(json!({ "type": "boolean" })))
        }

        fn deserialize_u32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.learns(json!({ "type": "integer", "minimum": 0 })))
        }

        fn deserialize_str<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.learns(json!({ "type": "string" })))
        }

        fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.deserialize_str(visitor)
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let result = visitor.visit_some(self);
            let mut shape = self.shape.borrow_mut();
            shape["optional"] = json!(true);
            result
        }

        fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let result = visitor.visit_seq(self);
            let items = self.shape.take();
            *self.shape.borrow_mut() = json!({ "type": "array", "items": items });
            result
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            variants: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            Err(self.learns(json!({ "enum": variants })))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            name: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            if name.starts_with("$__") {
                // What keeps its place in the file asks for start, end and value.
                return visitor.visit_map(Spans {
                    asked: self,
                    fields,
                    next: 0,
                });
            }
            match self.only {
                None => Err(self.learns(json!({ "$ref": format!("#/$defs/{name}") }))),
                Some(only) => {
                    *self.names.borrow_mut() = fields.to_vec();
                    let field = fields.get(only).ok_or_else(|| Error::custom("no more"))?;
                    visitor.visit_map(OneField {
                        asked: self,
                        field: Some(field),
                    })
                }
            }
        }

        forward_to_deserialize_any! {
            i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
            newtype_struct tuple tuple_struct map identifier ignored_any
        }
    }

    impl<'de> SeqAccess<'de> for Asked<'_> {
        type Error = Error;

        fn next_element_seed<T: DeserializeSeed<'de>>(
            &mut self,
            seed: T,
        ) -> Result<Option<T::Value>, Error> {
            seed.deserialize(*self).map(Some)
        }
    }

    struct OneField<'s> {
        asked: Asked<'s>,
        field: Option<&'static str>,
    }

    impl<'de> MapAccess<'de> for OneField<'_> {
        type Error = Error;

        fn next_key_seed<K: DeserializeSeed<'de>>(
            &mut self,
            seed: K,
        ) -> Result<Option<K::Value>, Error> {
            let Some(field) = self.field.take() else {
                return Ok(None);
            };
            key(seed, field).map(Some)
        }

        fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
            seed.deserialize(Asked {
                only: None,
                ..self.asked
            })
        }
    }

    struct Spans<'s> {
        asked: Asked<'s>,
        fields: &'static [&'static str],
        next: usize,
    }

    impl<'de> MapAccess<'de> for Spans<'_> {
        type Error = Error;

        fn next_key_seed<K: DeserializeSeed<'de>>(
            &mut self,
            seed: K,
        ) -> Result<Option<K::Value>, Error> {
            let field = self.fields.get(self.next);
            self.next += 1;
            field.map(|field| key(seed, field)).transpose()
        }

        fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
            if self.next < self.fields.len() {
                return seed.deserialize(json!(0)).map_err(Error::custom);
            }
            seed.deserialize(self.asked)
        }
    }

    fn key<'de, K: DeserializeSeed<'de>>(seed: K, field: &'static str) -> Result<K::Value, Error> {
        seed.deserialize(serde::de::value::BorrowedStrDeserializer::<Error>::new(
            field,
        ))
    }

    /// The properties a type reads, and which of them it must have.
    fn object<T: DeserializeOwned>() -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let shape = RefCell::new(Value::Null);
        let names = RefCell::new(Vec::new());
        for only in 0.. {
            let asked = Asked {
                only: Some(only),
                shape: &shape,
                names: &names,
            };
            let _ = T::deserialize(asked);
            let Some(name) = names.borrow().get(only).copied() else {
                break;
            };
            let mut found = shape.take();
            let optional = found.as_object_mut().unwrap().remove("optional").is_some();
            if !optional && !has_default(name) {
                required.push(name);
            }
            properties.insert(name.to_owned(), found);
        }
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    /// Whether the type that reads a field takes its absence for an empty list or `false`.
    fn has_default(field: &str) -> bool {
        let field = field.replace('-', "_");
        include_str!("raw.rs")
            .split("#[serde(default)]")
            .skip(1)
            .any(|after| {
                after
                    .trim_start()
                    .starts_with(&format!("pub(super) {field}:"))
            })
    }

    /// Two objects read from one table.
    fn together(mut one: Value, other: Value) -> Value {
        let Value::Object(mut other) = other else {
            panic!()
        };
        let properties = other.remove("properties").unwrap();
        one["properties"]
            .as_object_mut()
            .unwrap()
            .extend(properties.as_object().unwrap().clone());
        let required = other["required"].as_array().unwrap().clone();
        one["required"].as_array_mut().unwrap().extend(required);
        one
    }

    fn of_kind(common: Value, kind: &str, own: Value) -> Value {
        let own = together(common, own);
        let tag = json!({ "properties": { "kind": { "const": kind } }, "required": ["kind"] });
        together(own, tag)
    }

    fn kinds(names: &str, one: impl Fn(&str) -> Value) -> Value {
        let all: Vec<Value> = names.split(',').map(|name| one(name.trim())).collect();
        json!({ "oneOf": all })
    }

    fn quantity(kind: &str) -> Value {
        let own = match kind {
            "input" => object::<RawInput>(),
            "constant" => object::<RawConstant>(),
            "difference" => object::<RawDifference>(),
            "ratio" => object::<RawRatio>(),
            "relative-reduction" => object::<RawRelativeReduction>(),
            "share-of" => object::<RawShareOf>(),
            "rounded" => object::<RawRounded>(),
            "adjusted-p-value" => object::<RawAdjustedP>(),
            "probability-above" => object::<RawProbabilityAbove>(),
            "compound" => object::<RawCompound>(),
            _ => object::<RawSeveral>(),
        };
        of_kind(object::<RawQuantity>(), kind, own)
    }

    fn line(kind: &str) -> Value {
        let own = match kind {
            "fixed" => object::<RawFixed>(),
            "per-unit" => object::<RawPerUnit>(),
            "share" => object::<RawShare>(),
            "steps" => object::<RawSteps>(),
            "piecewise" => object::<RawPiecewise>(),
            "pool" => object::<RawPool>(),
            other => panic!("{other}"),
        };
        of_kind(object::<RawLine>(), kind, own)
    }

    fn lists(mut object: Value) -> Value {
        for list in LIST_KEYS {
            object["properties"][list] =
                json!({ "type": "array", "items": { "$ref": format!("#/$defs/{list}") } });
        }
        object
    }

    fn schema() -> Value {
        let mut defs = json!({
            "operand": {
                "description": "A number, exact as written (12, 0.33, \"1/6\"), or the name of a quantity.",
                "type": ["integer", "number", "string"],
            },
            "effect": object::<RawEffect>(),
            "quantity": kinds(QUANTITY_KINDS, quantity),
            "line": kinds(LINE_KINDS, line),
            "group": object::<RawGroup>(),
            "party": object::<RawParty>(),
            "amendment": lists(object::<RawAmendment>()),
            "RoundingRule": object::<RoundingRule>(),
            "RawSetOff": object::<RawSetOff>(),
            "RawContractClaims": object::<RawContractClaims>(),
            "RawLineClaims": object::<RawLineClaims>(),
            "RawSustained": object::<RawSustained>(),
            "RawMinimum": object::<RawMinimum>(),
            "RawDeadweight": object::<RawDeadweight>(),
            "RawPer": object::<RawPer>(),
            "RawCondition": object::<RawCondition>(),
            "RawBand": object::<RawBand>(),
            "RawStep": object::<RawStep>(),
            "RawPoint": object::<RawPoint>(),
            "RawMetric": object::<RawMetric>(),
            "RawPerformance": object::<RawPerformance>(),
        });
        let mut root = lists(object::<RawHeader>());
        root["properties"]["amendment"] =
            json!({ "type": "array", "items": { "$ref": "#/$defs/amendment" } });
        root["required"].as_array_mut().unwrap().push(json!("line"));
        root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        root["title"] = json!("utfall outcome contract");
        defs.sort_all_objects();
        root["$defs"] = defs;
        let text = root
            .to_string()
            .replace("#/$defs/Raw", "#/$defs/")
            .replace("\"Raw", "\"");
        let mut named: Value = serde_json::from_str(&text).unwrap();
        let defs = named["$defs"].as_object().unwrap().keys().cloned();
        for name in defs.collect::<Vec<_>>() {
            assert!(
                text.contains(&format!("#/$defs/{name}\"")),
                "{name} is used by nothing"
            );
        }
        named.sort_all_objects();
        named
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let drawn = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("UTFALL_WRITE_SCHEMA").is_some() {
            let place = concat!(env!("CARGO_MANIFEST_DIR"), "/contract.schema.json");
            std::fs::write(place, &drawn).unwrap();
        }
        assert!(
            drawn == CONTRACT_SCHEMA,
            "contract.schema.json is stale; UTFALL_WRITE_SCHEMA=1 writes it anew, then build again"
        );
    }

    #[test]
    fn every_kind_that_the_schema_names_is_read() {
        for kind in LINE_KINDS.split(',') {
            assert!(line_kind_named(kind.trim()), "{kind}");
        }
        for kind in QUANTITY_KINDS.split(',') {
            assert!(rule_named(kind.trim()), "{kind}");
        }
    }
}
