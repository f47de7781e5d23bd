//! What a person sees who opens a link of the app in a browser, in the first of their languages that is spoken here.

use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};

/// A page in one language.
struct Text {
    /// The primary language subtag (RFC 5646, section 2.2.1).
    tag: &'static str,
    title: &'static str,
    enrolment: &'static str,
    challenge: &'static str,
}

/// The same five languages as the app's; English is the one for everybody else.
const TEXTS: [Text; 5] = [
    Text {
        tag: "en",
        title: "Open this link in the app",
        enrolment: "This link enrols a phone. Open the Countersign app, choose “Add the account” and scan the code on \
                    the page that showed it, or paste the link there. Show the link to nobody else.",
        challenge: "This link opens a sign-in request in the Countersign app on the phone that it is shown on. On \
                    another machine, open the app on your phone instead: the request waits there.",
    },
    Text {
        tag: "fr",
        title: "Ouvrez ce lien dans l’application",
        enrolment: "Ce lien ajoute un téléphone. Ouvrez l’application Countersign, choisissez d’ajouter le compte et \
                    scannez le code de la page qui l’affichait, ou collez-y le lien. Ne montrez ce lien à personne.",
        challenge: "Ce lien ouvre une demande de connexion dans l’application Countersign du téléphone qui l’affiche. \
                    Sur un autre appareil, ouvrez plutôt l’application de votre téléphone\u{202f}: la demande y attend.",
    },
    Text {
        tag: "de",
        title: "Öffnen Sie diesen Link in der App",
        enrolment: "Mit diesem Link wird ein Smartphone hinzugefügt. Öffnen Sie die Countersign-App, fügen Sie das \
                    Konto hinzu und scannen Sie den Code auf der Seite, die ihn gezeigt hat, oder fügen Sie den Link \
                    dort ein. Zeigen Sie den Link niemandem sonst.",
        challenge: "Dieser Link öffnet eine Anmeldeanfrage in der Countersign-App auf dem Smartphone, das ihn zeigt. \
                    Öffnen Sie sonst die App auf Ihrem Smartphone: Die Anfrage wartet dort.",
    },
    Text {
        tag: "it",
        title: "Aprire questo link nell’app",
        enrolment: "Questo link aggiunge un telefono. Aprire l’app Countersign, scegliere di aggiungere l’account e \
                    scansionare il codice della pagina che lo mostrava, oppure incollare lì il link. Non mostrare il \
                    link a nessun altro.",
        challenge: "Questo link apre una richiesta di accesso nell’app Countersign del telefono su cui è mostrato. Su \
                    un altro dispositivo, aprire invece l’app sul telefono: la richiesta attende lì.",
    },
    Text {
        tag: "es",
        title: "Abra este enlace en la aplicación",
        enrolment: "Este enlace añade un teléfono. Abra la aplicación Countersign, elija añadir la cuenta y escanee el \
                    código de la página que lo mostraba, o pegue allí el enlace. No muestre el enlace a nadie más.",
        challenge: "Este enlace abre una solicitud de acceso en la aplicación Countersign del teléfono que lo muestra. \
                    En otro dispositivo, abra la aplicación en su teléfono: la solicitud espera allí.",
    },
];

/// The first language of `Accept-Language` (RFC 9110, section 12.5.4) that is spoken here. Browsers list them by
/// preference, so the weights are not read.
fn chosen(headers: &HeaderMap) -> &'static Text {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let primary = |range: &str| range.trim().split([';', '-']).next().unwrap_or_default().to_ascii_lowercase();
    let mut asked = asked.split(',').map(primary);
    asked.find_map(|asked| TEXTS.iter().find(|text| text.tag == asked)).unwrap_or(&TEXTS[0])
}

fn page(text: &Text, sentence: &str) -> impl IntoResponse + use<> {
    let Text { tag, title, .. } = text;
    let page = format!(
        "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><h1>{title}</h1><p>{sentence}</p></html>"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::CONTENT_LANGUAGE, text.tag),
        (header::VARY, "accept-language"),
    ];
    (headers, Html(page))
}

/// What a person sees who opens an enrolment link in a browser instead of the app.
pub async fn enrolment(headers: HeaderMap) -> impl IntoResponse {
    let text = chosen(&headers);
    page(text, text.enrolment)
}

/// What a person sees who opens a challenge's link on a machine without the app.
pub async fn challenge(headers: HeaderMap) -> impl IntoResponse {
    let text = chosen(&headers);
    page(text, text.challenge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_first_language_that_is_spoken_here_is_chosen() {
        let tag = |asked: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(asked).unwrap());
            chosen(&headers).tag
        };
        assert_eq!(tag("de-CH,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(tag("pt-BR, ES;q=0.7"), "es");
        assert_eq!(tag("*"), "en");
        assert_eq!(chosen(&HeaderMap::new()).tag, "en");
    }
}
