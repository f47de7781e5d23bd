//! As much of OpenAPI and JSON Schema as the description uses. A keyword that is not known here is a fault: overlooked,
//! it would make a test that cannot fail.

use regex::Regex;
use serde_json::Value;

/// Keywords that say nothing about which values are right.
const SILENT: [&str; 4] = ["description", "title", "format", "default"];

/// The description of the server, and the schemas that it names.
pub struct Description(pub Value);

impl Description {
    /// What a reference leads to; anything else is itself.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let place = reference.strip_prefix('#').expect("a reference into this document");
                self.0.pointer(place).unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
            None => value,
        }
    }

    /// Each operation: its method, its path, itself.
    pub fn operations(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().iter();
                methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
            })
            .collect()
    }

    /// Everything in which a value differs from its schema.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        for (keyword, wanted) in schema.as_object().unwrap_or_else(|| panic!("{schema} is a schema")) {
            if let Some(fault) = self.fault(schema, keyword, wanted, value) {
                faults.push(fault);
            }
        }
        faults
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        self.faults(schema, value).is_empty()
    }

    fn fault(&self, schema: &Value, keyword: &str, wanted: &Value, value: &Value) -> Option<String> {
        let length = value.as_str().map(|text| text.chars().count() as f64);
        let items = value.as_array().map(|items| items.len() as f64);
        let bound = wanted.as_f64().unwrap_or_default();
        let at_least = |number: Option<f64>| number.is_none_or(|number| number >= bound);
        let at_most = |number: Option<f64>| number.is_none_or(|number| number <= bound);
        let fits = match keyword {
            "$ref" => return self.faults(self.resolve(schema), value).into_iter().next(),
            "allOf" => return alternatives(wanted).find_map(|one| self.faults(one, value).into_iter().next()),
            "oneOf" => alternatives(wanted).filter(|one| self.fits(one, value)).count() == 1,
            "type" => match wanted {
                Value::Array(several) => several.iter().any(|one| is_of(one, value)),
                one => is_of(one, value),
            },
            "enum" => alternatives(wanted).any(|one| one == value),
            "pattern" => value.as_str().is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
            "minLength" => at_least(length),
            "maxLength" => at_most(length),
            "minItems" => at_least(items),
            "maxItems" => at_most(items),
            "minimum" => at_least(value.as_f64()),
            "maximum" => at_most(value.as_f64()),
            "uniqueItems" => value
                .as_array()
                .is_none_or(|items| items.iter().enumerate().all(|(place, item)| !items[..place].contains(item))),
            "items" => {
                let faults = value.as_array().into_iter().flatten().flat_map(|item| self.faults(wanted, item));
                return faults.map(|fault| format!("item: {fault}")).next();
            }
            "required" => {
                let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                !value.is_object() || alternatives(wanted).all(has)
            }
            "properties" => {
                let faults = wanted.as_object().unwrap().iter().flat_map(|(name, of_member)| {
                    let faults = value.get(name).map(|member| self.faults(of_member, member)).unwrap_or_default();
                    faults.into_iter().map(move |fault| format!("{name}: {fault}"))
                });
                return faults.collect::<Vec<_>>().into_iter().next();
            }
            "additionalProperties" => {
                assert_eq!(wanted, &Value::Bool(false), "{schema}");
                let known = |name: &String| schema["properties"].get(name).is_some();
                value.as_object().is_none_or(|members| members.keys().all(known))
            }
            silent if SILENT.contains(&silent) => true,
            other => panic!("{other} is not known here: {schema}"),
        };
        (!fits).then(|| format!("{value} against {keyword} {wanted}"))
    }
}

pub fn alternatives(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().unwrap_or_else(|| panic!("{list} is a list")).iter()
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type that is known here"),
    }
}

#[test]
fn each_keyword_finds_its_fault() {
    let description = Description(serde_json::json!({ "a": { "type": "string" } }));
    let cases = serde_json::json!([
        [{ "type": ["string", "null"] }, "x", 1],
        [{ "type": "integer" }, 1, 1.5],
        [{ "enum": ["a", null] }, null, "b"],
        [{ "pattern": "^[a-z]+$" }, "ab", "aB"],
        [{ "minLength": 2 }, "éé", "é"],
        [{ "maxLength": 1 }, "é", "éé"],
        [{ "minItems": 1 }, [1], []],
        [{ "maxItems": 1 }, [1], [1, 2]],
        [{ "uniqueItems": true }, [1, 2], [1, 1]],
        [{ "minimum": 1 }, 1, 0],
        [{ "maximum": 1 }, 1, 2],
        [{ "items": { "type": "string" } }, ["a"], ["a", 1]],
        [{ "required": ["a"] }, { "a": 1 }, { "b": 1 }],
        [{ "properties": { "a": { "minimum": 3 } } }, { "a": 3 }, { "a": 2 }],
        [{ "properties": { "a": {} }, "additionalProperties": false }, { "a": 1 }, { "b": 1 }],
        [{ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }, 2, 3],
        [{ "oneOf": [{ "minimum": 1 }, { "maximum": 2 }] }, 3, 2],
        [{ "$ref": "#/a" }, "x", 1],
    ]);
    for case in cases.as_array().unwrap() {
        assert_eq!(description.faults(&case[0], &case[1]), Vec::<String>::new(), "{case}");
        assert_eq!(description.faults(&case[0], &case[2]).len(), 1, "{case}");
    }
}
