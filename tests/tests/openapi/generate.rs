//! Values after a schema: right ones, on their bounds too, and ones in which one thing is wrong.

use super::schema::{Description, alternatives};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// Makes values, always the same ones from the same seed.
pub struct Generator<'a> {
    pub description: &'a Description,
    /// Values for members whose rules a schema says only in words, or which name something that exists.
    pub known: &'a dyn Fn(&str) -> Vec<Value>,
    runner: TestRunner,
}

impl<'a> Generator<'a> {
    pub fn new(description: &'a Description, known: &'a dyn Fn(&str) -> Vec<Value>, seed: u8) -> Self {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        Self { description, known, runner: TestRunner::new_with_rng(Config::default(), rng) }
    }

    /// A whole number from 0 up to `end`, without it.
    fn below(&mut self, end: usize) -> usize {
        (0..end).new_tree(&mut self.runner).unwrap().current()
    }

    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// A value that the schema allows.
    pub fn value(&mut self, schema: &Value) -> Value {
        let schema = self.description.resolve(schema);
        for several in ["oneOf", "enum"] {
            if let Some(choices) = schema[several].as_array() {
                let chosen = self.one_of(choices);
                return if several == "enum" { chosen } else { self.value(&chosen) };
            }
        }
        let kind = match &schema["type"] {
            // Bounds that exclude each other leave no number.
            Value::Array(_) if schema["minimum"].as_f64() > schema["maximum"].as_f64() => json!("null"),
            Value::Array(kinds) => self.one_of(kinds),
            one => one.clone(),
        };
        match kind.as_str() {
            Some("object") | None => self.object(schema),
            Some("array") => self.array(schema),
            Some("string") => Value::String(self.text(schema)),
            Some("integer") => {
                let (least, most) =
                    (schema["minimum"].as_i64().unwrap_or(0), schema["maximum"].as_i64().unwrap_or(1_000_000));
                let between = (least..=most).new_tree(&mut self.runner).unwrap().current();
                json!(self.one_of(&[least, most, between]))
            }
            Some("boolean") => json!(self.below(2) == 1),
            Some("null") => Value::Null,
            Some(other) => panic!("{other}: {schema}"),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = json!({});
        for (name, of_member) in schema["properties"].as_object().into_iter().flatten() {
            if !required.contains(&name.as_str()) && self.below(2) == 0 {
                continue;
            }
            let known = (self.known)(name);
            object[name] = if known.is_empty() { self.value(of_member) } else { self.one_of(&known) };
        }
        object
    }

    fn array(&mut self, schema: &Value) -> Value {
        let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxItems"].as_u64().unwrap_or(3) as usize;
        let length = least + self.below(most - least + 1);
        let mut items = Vec::new();
        while items.len() < length {
            let item = self.value(&schema["items"]);
            if schema["uniqueItems"] != true || !items.contains(&item) {
                items.push(item);
            }
        }
        Value::Array(items)
    }

    fn text(&mut self, schema: &Value) -> String {
        let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxLength"].as_u64().unwrap_or(40) as usize;
        if let Some(pattern) = schema["pattern"].as_str() {
            // The generator reads no anchors: what it makes fits the whole pattern.
            let whole = pattern.trim_start_matches('^').trim_end_matches('$');
            return proptest::string::string_regex(whole).unwrap().new_tree(&mut self.runner).unwrap().current();
        }
        let length = self.one_of(&[least, most, (least + most) / 2]);
        "a".repeat(length)
    }

    /// What differs from a right value in one thing, so that its schema does not allow it.
    pub fn spoiled(&mut self, schema: &Value, right: &Value) -> Vec<Value> {
        let mut candidates = vec![json!(null), json!([]), json!([right]), json!("x"), json!(1), json!({})];
        let mut with = |member: &str, value: Value| {
            let mut changed = if right.is_object() { right.clone() } else { json!({}) };
            changed[member] = value;
            candidates.push(changed);
        };
        let resolved = self.description.resolve(schema);
        for (name, of_member) in resolved["properties"].as_object().into_iter().flatten() {
            for wrong in wrong_values() {
                with(name, wrong);
            }
            let member = self.description.resolve(of_member);
            let nested = alternatives_of(member);
            for one in nested {
                let inner = self.description.resolve(one);
                if inner["properties"].is_object() {
                    let valid = self.value(inner);
                    for wrong in self.spoiled(inner, &valid) {
                        with(name, wrong);
                    }
                }
            }
        }
        with("also", json!(1));
        for name in right.as_object().into_iter().flatten().map(|(name, _)| name) {
            let mut without = right.clone();
            without.as_object_mut().unwrap().remove(name);
            candidates.push(without);
        }
        candidates.retain(|candidate| !self.description.faults(schema, candidate).is_empty());
        candidates
    }
}

fn alternatives_of(schema: &Value) -> Vec<&Value> {
    if schema["oneOf"].is_array() { alternatives(&schema["oneOf"]).collect() } else { vec![schema] }
}

/// Of every type, and past every bound.
fn wrong_values() -> Vec<Value> {
    let texts = ["", " ", "x", "7", "\u{0}", "é", "a\tb"].map(Value::from);
    let long = [21, 22, 23, 43, 101, 121, 256].map(|length| Value::from("k".repeat(length)));
    let numbers = [json!(-1), json!(0), json!(3), json!(601), json!(1.5), json!(1e300), json!(u64::MAX)];
    let others = [json!(null), json!(true), json!([]), json!(["push", "push"]), json!([1]), json!({}), json!({"a": 1})];
    texts.into_iter().chain(long).chain(numbers).chain(others).collect()
}
