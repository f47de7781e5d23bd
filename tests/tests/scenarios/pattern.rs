//! What a step must give, and how values stand in a step.

use serde_json::{Map, Value};

/// Whether a value fits a pattern.
pub fn fits(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Object(members), _) if members.contains_key("one_of") => {
            members["one_of"].as_array().is_some_and(|patterns| patterns.iter().any(|pattern| fits(pattern, value)))
        }
        (Value::Object(members), Value::Object(_)) => members.iter().all(|(name, member)| fits(member, &value[name])),
        (Value::Array(patterns), Value::Array(values)) => {
            patterns.len() == values.len() && patterns.iter().zip(values).all(|(pattern, value)| fits(pattern, value))
        }
        (Value::String(any), _) if any == "*" => !value.is_null(),
        _ => pattern == value,
    }
}

/// A value with every `${reference}` in it replaced.
///
/// # Errors
/// The reference that names nothing.
pub fn replaced(value: &Value, kept: &Map<String, Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => replaced_text(text, kept)?,
        Value::Array(values) => values.iter().map(|value| replaced(value, kept)).collect::<Result<_, _>>()?,
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| Ok((name.clone(), replaced(member, kept)?));
            members.iter().map(member).collect::<Result<_, String>>()?
        }
        other => other.clone(),
    })
}

fn replaced_text(text: &str, kept: &Map<String, Value>) -> Result<Value, String> {
    if let Some(reference) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        && !reference.contains('}')
    {
        return looked_up(reference, kept).cloned();
    }
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (reference, after) = after.split_once('}').ok_or_else(|| format!("{text:?} has no closing brace"))?;
        whole.push_str(before);
        match looked_up(reference, kept)? {
            Value::String(value) => whole.push_str(value),
            Value::Number(value) => whole.push_str(&value.to_string()),
            other => return Err(format!("{reference} is {other}, in the middle of {text:?}")),
        }
        rest = after;
    }
    Ok(Value::String(whole + rest))
}

fn looked_up<'a>(reference: &str, kept: &'a Map<String, Value>) -> Result<&'a Value, String> {
    let missing = || format!("nothing is kept as {reference}");
    let mut parts = reference.split('.');
    let first = kept.get(parts.next().unwrap_or_default()).ok_or_else(missing)?;
    parts
        .try_fold(first, |value, part| match value {
            Value::Array(values) => part.parse::<usize>().ok().and_then(|place| values.get(place)),
            _ => value.get(part),
        })
        .ok_or_else(missing)
}
