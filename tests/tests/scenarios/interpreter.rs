//! Does what the table says, step by step.

use crate::pattern::{fits, replaced};
use crate::phone::Phone;
use countersign_tests::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One scenario as it is played.
pub struct Interpreter {
    world: World,
    procedures: Value,
    phones: BTreeMap<String, Phone>,
    kept: Map<String, Value>,
}

impl Interpreter {
    /// In a fresh world.
    pub fn new(world: World, procedures: Value) -> Self {
        let kept = Map::from_iter([("folder".into(), json!(world.folder()))]);
        Self { world, procedures, phones: BTreeMap::new(), kept }
    }

    /// Plays the steps, and gives what the last of them gave.
    ///
    /// # Errors
    /// The first step that did not give what it must.
    pub async fn play(&mut self, steps: &Value) -> Result<Value, String> {
        let mut gave = Value::Null;
        for step in steps.as_array().ok_or("steps are a list")? {
            gave = if let Some(procedure) = step["run"].as_str() {
                Box::pin(self.run(procedure, &step["with"])).await?
            } else if !step["repeat"].is_null() {
                Box::pin(self.repeat(step)).await?
            } else {
                self.act(step).await?
            };
        }
        Ok(gave)
    }

    async fn run(&mut self, procedure: &str, with: &Value) -> Result<Value, String> {
        let Value::Object(given) = replaced(with, &self.kept)? else { return Err("with is an object".into()) };
        let body = self.procedures.get(procedure).cloned().ok_or_else(|| format!("no procedure {procedure}"))?;
        for (name, value) in body["defaults"].as_object().into_iter().flatten() {
            if !given.contains_key(name) {
                let value = replaced(value, &self.kept)?;
                self.kept.insert(name.clone(), value);
            }
        }
        self.kept.extend(given);
        self.play(&body["steps"]).await.map_err(|fault| format!("{procedure}: {fault}"))
    }

    async fn repeat(&mut self, step: &Value) -> Result<Value, String> {
        let number = |name: &str| step[name].as_u64().ok_or_else(|| format!("{name} is a count"));
        let (mut count, by, most) = (number("from")?, number("by")?, number("at_most")?);
        let counting = step["counting"].as_str().ok_or("counting names a value")?;
        while count <= most {
            self.kept.insert(counting.into(), count.into());
            let gave = self.play(&step["repeat"]).await.map_err(|fault| format!("{counting} {count}: {fault}"))?;
            if fits(&replaced(&step["until"], &self.kept)?, &gave) {
                return Ok(gave);
            }
            count += by;
        }
        Err(format!("{counting} went past {most}"))
    }

    /// A step of the world, of the relying party or of a phone.
    async fn act(&mut self, step: &Value) -> Result<Value, String> {
        let step = replaced(step, &self.kept)?;
        let gave = match step["phone"].as_str() {
            Some(name) => self.phone(name).act(&step).await,
            None => self.world.step(&step).await?,
        };
        let right = match step.get("gives") {
            Some(pattern) => fits(pattern, &gave),
            None if step.get("site").is_some() => gave["status"].as_u64().is_some_and(|status| status / 100 == 2),
            None => gave.get("error").is_none(),
        };
        if !right {
            return Err(format!("{step} gave {gave}"));
        }
        if let Some(name) = step["as"].as_str() {
            self.kept.insert(name.to_owned(), gave.clone());
        }
        Ok(gave)
    }

    fn phone(&mut self, name: &str) -> &mut Phone {
        let folder = self.world.folder();
        self.phones.entry(name.to_owned()).or_insert_with(|| Phone::new(folder, name))
    }
}
