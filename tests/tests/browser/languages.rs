//! Five languages: every sentence of the page follows the choice, those that were said before too.

use crate::visit::Visit;
use countersign_device::sentences::{Language, Sentence};

#[tokio::test]
async fn every_sentence_follows_the_language() {
    let visit = Visit::enrolled().await;
    visit.choose("ask", "2").await;
    visit.sign_in().await;
    visit.screen(1, "prompt").await;
    for language in [Language::French, Language::German, Language::Italian, Language::Spanish, Language::English] {
        visit.choose("language", language.tag()).await;
        visit.browser.until(&format!("return document.documentElement.lang === '{}'", language.tag())).await;
        let number = visit.number("page-number").await;
        visit.says("page-number", &Sentence::PageTypeThisNumber.with(language, &[("number", &number)])).await;
        visit.phone_says(1, "yes", Sentence::QuestionYes.text(language)).await;
        visit.phone_says(1, "report", Sentence::QuestionThisWasNotMe.text(language)).await;
        let keys = "return document.body.innerText.match(\
                    /\\b(question|outcome|limit|code|account|error|page|enrol|demo)_\\w+|\
                    \\{\\w+\\}/g)";
        assert_eq!(visit.browser.run(keys).await, serde_json::Value::Null, "{language:?}: no key is seen");
        let read = "return [document.title, document.querySelector('.travelled h2').textContent]";
        let read = visit.browser.run(read).await;
        let (title, travelled) = (read[0].as_str().unwrap(), read[1].as_str().unwrap());
        let english = language == Language::English;
        assert_eq!((title == "Countersign demo", travelled == "What travelled"), (english, english), "{language:?}");
        visit.picture(&format!("language-{}", language.tag())).await;
    }
    visit.choose("language", "fr").await;
    visit.tap(1, "no").await;
    visit.view("stopped").await;
    visit.says("why-stopped", Sentence::PageAnsweredNo.text(Language::French)).await;
    visit.phone_says(1, "phone-notice", Sentence::OutcomeDenied.text(Language::French)).await;
    // What the server side said before is said in the language chosen after.
    visit.choose("language", "de").await;
    visit.phone_says(1, "phone-notice", Sentence::OutcomeDenied.text(Language::German)).await;
    visit.phone_says(1, "history", Sentence::OutcomeDeniedShort.text(Language::German)).await;
    visit.picture("language-de-stopped").await;

    visit.browser.open(&visit.demo.url).await;
    visit.browser.until("return document.documentElement.lang === 'de'").await;
    visit.no_complaints().await;
}
