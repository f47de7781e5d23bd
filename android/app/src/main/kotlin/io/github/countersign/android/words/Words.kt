package io.github.countersign.android.words

import io.github.countersign.AuthenticatorException
import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.languageFromTag
import io.github.countersign.sentence
import io.github.countersign.sentenceForError
import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.FormatStyle
import java.util.Locale
import java.util.concurrent.ConcurrentHashMap

/** A sentence to be told, with the values of its placeholders: what a model says without knowing the language. */
data class Told(val sentence: Sentence, val values: Map<String, String> = emptyMap())

/** What a person reads about a call that failed. */
fun AuthenticatorException.told(): Told = Told(sentenceForError(this))

/** The same while a link is used: what was refused was the link. */
fun AuthenticatorException.toldOfLink(): Told =
    told().let { if (it.sentence == Sentence.ERROR_MESSAGE_REFUSED) Told(Sentence.ERROR_LINK_NOT_TRUSTED) else it }

/** The core's catalogue in one language, and what a language does to times. */
class Words(val language: Language, val locale: Locale, private val zone: ZoneId = ZoneId.systemDefault()) {
    private val known = ConcurrentHashMap<Sentence, String>()

    /** A sentence without placeholders. */
    operator fun get(which: Sentence): String = known.getOrPut(which) { sentence(which, language, emptyMap()) }

    /** A sentence with values. */
    operator fun get(told: Told): String =
        if (told.values.isEmpty()) get(told.sentence) else sentence(told.sentence, language, told.values)

    /** The time of day. */
    fun time(at: Instant): String = formatted(DateTimeFormatter.ofLocalizedTime(FormatStyle.SHORT), at)

    /** Day and time of day. */
    fun dayAndTime(at: Instant): String =
        formatted(DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM, FormatStyle.SHORT), at)

    private fun formatted(formatter: DateTimeFormatter, at: Instant): String =
        formatter.withLocale(locale).withZone(zone).format(at)
}

/** The words for a chosen language, or for the first of the system's that is spoken here; English for all others. */
fun wordsFor(chosen: Language?, system: List<Locale>): Words {
    val locale = system.firstOrNull { languageFromTag(it.toLanguageTag()) != null } ?: Locale.UK
    val language = chosen ?: languageFromTag(locale.toLanguageTag()) ?: Language.ENGLISH
    return Words(
        language,
        if (language ==
            languageFromTag(locale.toLanguageTag())
        ) {
            locale
        } else {
            Locale.forLanguageTag(tagOf(language))
        },
    )
}

/** The tag of a language. */
fun tagOf(language: Language): String = when (language) {
    Language.ENGLISH -> "en-GB"
    Language.FRENCH -> "fr"
    Language.GERMAN -> "de"
    Language.ITALIAN -> "it"
    Language.SPANISH -> "es"
}

/** A language in its own words. */
fun ownNameOf(language: Language): String = when (language) {
    Language.ENGLISH -> "English"
    Language.FRENCH -> "Français"
    Language.GERMAN -> "Deutsch"
    Language.ITALIAN -> "Italiano"
    Language.SPANISH -> "Español"
}
