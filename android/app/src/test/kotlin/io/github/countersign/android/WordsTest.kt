package io.github.countersign.android

import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.wordsFor
import io.github.countersign.sentence
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import java.io.File
import java.time.Instant
import java.util.Locale

/** What people read, from the core's catalogue and from the few resources that the system reads. */
@RunWith(RobolectricTestRunner::class)
class WordsTest {
    private val sources = File(System.getProperty("countersign.android"), "app/src")

    private fun kotlinOfTheApp(): String = listOf("main", "foss", "gms").joinToString("") { flavour ->
        File(sources, "$flavour/kotlin").walk().filter { it.extension == "kt" }.joinToString("") { it.readText() }
    }

    @Test
    fun everySentenceOfTheAppIsUsed() {
        val text = kotlinOfTheApp()
        val ofTheApp = Sentence.entries.filter { it.name.startsWith("APP_") }
        val unused = ofTheApp.filterNot { Regex("""Sentence\.${it.name}\b""").containsMatchIn(text) }
        assertEquals(emptyList<Sentence>(), unused)
    }

    @Test
    fun noScreenWordsAnythingItself() {
        val literal = Regex("""\bText\(\s*"[^"]*[A-Za-z]{3}""")
        assertEquals(emptyList<String>(), literal.findAll(kotlinOfTheApp()).map { it.value }.toList())
    }

    @Test
    fun theSystemsTextsAreThereInEachLanguage() {
        val names = Regex("""<string name="([a-z_]+)"(?! translatable="false")""")
        val byFolder =
            listOf("", "-fr", "-de", "-it", "-es").associateWith { language ->
                val file = File(sources, "main/res/values$language/strings.xml")
                names.findAll(file.readText()).map { it.groupValues[1] }.toSet()
            }
        assertEquals(1, byFolder.values.toSet().size)
        val used = kotlinOfTheApp()
        assertEquals(emptySet<String>(), byFolder.getValue("").filterNot { "R.string.$it" in used }.toSet())
    }

    @Test
    fun theTextsOfThisAppHaveTheSamePlacesInEachLanguage() {
        val text = Regex("""<string name="([a-z_]+)"[^>]*>(.*)</string>""")
        val place = Regex("""%[0-9]\$[sd]""")
        val byFolder =
            listOf("", "-fr", "-de", "-it", "-es").associateWith { language ->
                val file = File(sources, "main/res/values$language/strings.xml").readText()
                text.findAll(file).filterNot { it.groupValues[1] == "app_name" }.associate {
                    assertFalse("$language: ${it.value}", it.groupValues[2].isBlank())
                    it.groupValues[1] to place.findAll(it.groupValues[2]).map { at -> at.value }.toSortedSet()
                }
            }
        for ((language, places) in byFolder) assertEquals(language, byFolder.getValue(""), places)
    }

    @Test
    fun theFirstLanguageThatIsSpokenHereIsTaken() {
        val portuguese = Locale.forLanguageTag("pt-BR")
        assertEquals(Language.FRENCH, wordsFor(null, listOf(portuguese, Locale.FRANCE, Locale.GERMANY)).language)
        assertEquals(Language.ENGLISH, wordsFor(null, listOf(portuguese)).language)
        assertEquals(Language.ITALIAN, wordsFor(Language.ITALIAN, listOf(Locale.FRANCE)).language)
        val swiss = wordsFor(null, listOf(Locale.forLanguageTag("de-CH")))
        assertFalse("no AM or PM in German", swiss.time(Instant.EPOCH).contains("M"))
    }

    @Test
    fun valuesTakeTheirPlaces() {
        val words = wordsFor(null, listOf(Locale.UK))
        assertEquals(
            "9 s left",
            words[Told(Sentence.QUESTION_SECONDS_LEFT, mapOf("seconds" to "9"))].replace('\u00a0', ' '),
        )
        assertEquals(sentence(Sentence.QUESTION_YES, Language.ENGLISH, emptyMap()), words[Sentence.QUESTION_YES])
    }
}
