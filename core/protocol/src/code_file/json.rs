//! JSON of other apps, which other versions of them write differently: a member of another type than expected is one
//! bad member, and not the end of the file.

use crate::otpauth::LinkRefusal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// What stands for a member of a type that none of its kind has: no secret, number or name of an algorithm reads so.
const NEITHER: &str = "?";

/// The most objects of a file, and the most values: many times those of the largest export. What is built of them in
/// memory is then some ten megabytes, whoever wrote the file.
const MOST_OBJECTS: usize = 100_000;
const MOST_VALUES: usize = 1_000_000;

/// The whole file.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, LinkRefusal> {
    // Those that are in a text are counted too, which costs a file nothing that an app wrote.
    let count = |wanted: &[u8]| text.bytes().filter(|byte| wanted.contains(byte)).count();
    if count(b"{") > MOST_OBJECTS || count(b"{[,") > MOST_VALUES {
        return Err(LinkRefusal::LargeFile);
    }
    serde_json::from_str(text).map_err(|_| LinkRefusal::DamagedFile)
}

/// A text or a whole number. A text is borrowed from the file where it can be, so that a secret is not copied.
#[derive(Default)]
pub(super) enum Loose<'a> {
    /// Left out, or null.
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Number(u64),
    /// Anything else.
    Neither,
}

impl Loose<'_> {
    /// The value, for a member that codes are made from. What is neither text nor whole number reads as no value does.
    pub(super) fn value(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Neither => Cow::Borrowed(NEITHER),
        }
    }

    /// The text, for a member that is only shown. Empty where there is none.
    pub(super) fn name(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The number, where it is one.
    pub(super) fn number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Loose::Neither)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // Some libraries write every number with a fraction.
        Ok(match number {
            whole if whole.fract() == 0.0 && (0.0..1e15).contains(&whole) => Loose::Text(format!("{whole:.0}").into()),
            _ => Loose::Neither,
        })
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose::Neither)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Neither)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Neither)
    }
}

/// An object, or nothing in the place of anything else.
pub(super) struct Object<T>(pub Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(ShapeVisitor::<T, IgnoredAny>(PhantomData))? {
            Shape::Object(object) => Ok(Self(Some(object))),
            Shape::List(_) | Shape::Other => Ok(Self(None)),
        }
    }
}

/// A list, or nothing in the place of anything else.
pub(super) struct List<T>(Option<Vec<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> List<T> {
    /// Its elements; none where there is no list.
    pub(super) fn elements(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Its elements, of a list without which the file is not whole.
    pub(super) fn required(&self) -> Result<&[T], LinkRefusal> {
        self.0.as_deref().ok_or(LinkRefusal::DamagedFile)
    }
}

impl<T> List<Object<T>> {
    /// The objects in it.
    pub(super) fn objects(&self) -> impl Iterator<Item = &T> {
        self.elements().iter().filter_map(|element| element.0.as_ref())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(ShapeVisitor::<IgnoredAny, T>(PhantomData))? {
            Shape::List(list) => Ok(Self(Some(list))),
            Shape::Object(_) | Shape::Other => Ok(Self(None)),
        }
    }
}

enum Shape<O, E> {
    Object(O),
    List(Vec<E>),
    Other,
}

/// Reads an object and a list, and passes over everything else.
struct ShapeVisitor<O, E>(PhantomData<(O, E)>);

impl<'de, O: Deserialize<'de>, E: Deserialize<'de>> Visitor<'de> for ShapeVisitor<O, E> {
    type Value = Shape<O, E>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        O::deserialize(MapAccessDeserializer::new(members)).map(Shape::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Shape::List(elements))
    }

    fn visit_str<F: Error>(self, _: &str) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }

    fn visit_u64<F: Error>(self, _: u64) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }

    fn visit_i64<F: Error>(self, _: i64) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }

    fn visit_f64<F: Error>(self, _: f64) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }

    fn visit_bool<F: Error>(self, _: bool) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }

    fn visit_unit<F: Error>(self) -> Result<Self::Value, F> {
        Ok(Shape::Other)
    }
}
