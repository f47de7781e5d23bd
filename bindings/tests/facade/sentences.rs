//! An app speaks in the words of the catalogue.

use countersign_bindings::sentences::{Language, Sentence, language_from_tag, sentence, sentence_from_key};
use countersign_device::sentences as catalogue;
use std::collections::HashMap;

#[test]
fn an_app_reads_every_sentence_in_the_language_of_its_tag() {
    for language in catalogue::Language::ALL {
        let spoken = language_from_tag(language.tag()).unwrap();
        for one in catalogue::Sentence::ALL {
            let known = sentence_from_key(one.key()).unwrap();
            assert_eq!(sentence(known, spoken, &HashMap::new()), one.text(language));
        }
    }
    assert_eq!(language_from_tag("de-CH"), Some(Language::German));
    assert_eq!(language_from_tag("C"), None);
    assert_eq!(sentence_from_key("page_welcom"), None);
}

#[test]
fn an_app_puts_values_into_a_sentence() {
    let values = HashMap::from([("number".to_owned(), "42".to_owned())]);
    let typed = sentence(Sentence::PageTypeThisNumber, Language::German, &values);
    assert_eq!(typed, "Geben Sie 42 auf Ihrem Smartphone ein.");
}
