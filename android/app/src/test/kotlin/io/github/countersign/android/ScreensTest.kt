package io.github.countersign.android

import android.graphics.Bitmap
import androidx.activity.ComponentActivity
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.SemanticsMatcher.Companion.keyIsDefined
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.text.TextLayoutResult
import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.look.Look
import io.github.countersign.android.words.Words
import io.github.countersign.android.words.tagOf
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.security.MessageDigest
import java.time.ZoneOffset
import java.util.Locale

/**
 * Every screen in every state as a picture, in light and dark, five languages, and large type. The record beside the
 * sources holds the digest of each; when one changes, a test fails until somebody has looked and renewed the record.
 */
@RunWith(RobolectricTestRunner::class)
class ScreensTest {
    @get:Rule
    val rule = createAndroidComposeRule<ComponentActivity>()
    private var locale: Locale? = null
    private var drawn by mutableStateOf<@Composable () -> Unit>({})
    private var words by mutableStateOf(wordsOf(Language.ENGLISH))
    private val seen = sortedMapOf<String, String>()

    private fun wordsOf(language: Language) =
        Words(language, locale ?: Locale.forLanguageTag(tagOf(language)), ZoneOffset.UTC)

    private fun show(name: String, language: Language, variant: String, content: @Composable () -> Unit) {
        words = wordsOf(language)
        drawn = content
        rule.waitForIdle()
        // Whatever the type and the screen, nobody has to look for the two answers.
        if (name in setOf("request", "request-details", "request-number")) {
            answers(language).forEach { rule.onNodeWithText(it).assertIsDisplayed() }
        }
        nothingIsCut("$name.$variant")
        val picture = picture("$name.$variant", rule)
        seen["$name.$variant"] = digestOf(picture)
        if (isRenewed) Shown.keep(name, variant, picture)
    }

    private fun answers(language: Language) =
        listOf(Sentence.QUESTION_NO, Sentence.QUESTION_YES).map { wordsOf(language)[it] }

    /** No text is wider or higher than its room. */
    private fun nothingIsCut(name: String) {
        val texts = rule.onAllNodes(keyIsDefined(SemanticsActions.GetTextLayoutResult), useUnmergedTree = true)
        for (node in texts.fetchSemanticsNodes(atLeastOneRootRequired = false)) {
            // What is typed scrolls in its field.
            if (SemanticsProperties.EditableText in node.config) continue
            val laid = mutableListOf<TextLayoutResult>()
            node.config[SemanticsActions.GetTextLayoutResult].action?.invoke(laid)
            for (text in laid) assertFalse("$name: ${text.layoutInput.text}", isCut(text))
        }
    }

    private fun isCut(text: TextLayoutResult): Boolean {
        val lines = 0 until text.lineCount
        // A line that is measured in parts of a pixel is drawn in whole ones.
        val isWider = lines.any { text.getLineRight(it) - text.getLineLeft(it) > text.size.width + 1 }
        return isWider || text.multiParagraph.didExceedMaxLines ||
            text.getLineBottom(lines.last) > text.size.height + 1 || lines.any(text::isLineEllipsized)
    }

    private fun named(vararg parts: String) = parts.filter(String::isNotEmpty).joinToString("-")

    private fun all(variant: String, languages: List<Language> = listOf(Language.ENGLISH), only: Set<String>? = null) {
        rule.setContent { Look(words) { drawn() } }
        for ((name, content) in Gallery.screens) {
            if (only != null && name !in only) continue
            for (language in languages) {
                val spoken = if (languages.size > 1) tagOf(language).take(2) else ""
                show(name, language, named(variant, spoken), content)
            }
        }
        Record(named(variant, if (languages.size > 1) "languages" else "")).check(seen)
    }

    @Test
    @Config(qualifiers = "en-rGB-w411dp-h891dp-notnight-hdpi")
    fun light() = all("light")

    @Test
    @Config(qualifiers = "en-rGB-w411dp-h891dp-night-hdpi")
    fun dark() = all("dark")

    // Higher than any phone, so that all of each screen is seen at once.
    @Test
    @Config(qualifiers = "en-rGB-w360dp-h1500dp-notnight-hdpi", fontScale = 2.0f)
    fun large() = all("large")

    // The screens with the longest words and the most of them.
    @Test
    @Config(qualifiers = "w360dp-h1500dp-notnight-mdpi", fontScale = 2.0f)
    fun largeInAllLanguages() = all(
        "large",
        Language.entries,
        only = setOf(
            "add", "add-password-of-several", "add-found-in-file", "add-found-in-files", "add-kept-files", "export",
            "export-short", "codes-grouped", "questions", "request-details", "request-kept", "settings",
        ),
    )

    @Test
    @Config(qualifiers = "en-rGB-w891dp-h411dp-land-notnight-hdpi")
    fun landscape() = all("landscape", only = setOf("request", "request-number", "accounts", "settings"))

    @Test
    @Config(qualifiers = "ar-rEG-ldrtl-w411dp-h891dp-notnight-hdpi")
    fun rightToLeft() {
        // English words in the place of a language that is not spoken here yet.
        locale = Locale.forLanguageTag("ar-EG")
        all("rtl", only = setOf("request", "request-number", "accounts", "settings"))
    }

    @Test
    @Config(qualifiers = "w1280dp-h800dp-notnight-mdpi")
    fun tablet() = all("tablet", only = setOf("request", "accounts"))

    @Test
    @Config(qualifiers = "w411dp-h891dp-notnight-mdpi")
    fun languages() = all("", Language.entries)
}

/** The digests of pictures that somebody has looked at. */
private class Record(name: String) {
    private val file = File(System.getProperty("countersign.android"), "app/src/test/pictures/$name.sha256")

    fun check(seen: Map<String, String>) {
        // Each Android draws a little differently: the record is of the newest.
        if (android.os.Build.VERSION.SDK_INT < 36) return
        val text = seen.entries.joinToString("") { (picture, digest) -> "$digest  $picture\n" }
        if (isRenewed) {
            Shown.write()
            file.parentFile?.mkdirs()
            file.writeText(text)
        }
        val known = if (file.exists()) file.readText() else ""
        val changed = (text.lines() - known.lines().toSet()).map { it.substringAfter("  ") }
        assertEquals(
            "look at these in android/build/pictures, then renew with COUNTERSIGN_RENEW=1",
            emptyList<String>(),
            changed,
        )
        assertEquals("pictures that are no longer drawn", text, known)
    }
}

private val isRenewed = System.getProperty("countersign.renew") == "1"

/** The page of screenshots in docs/, small, for people who will not run the tests. */
private object Shown {
    private const val WIDTH = 240
    private val docs = File(System.getProperty("countersign.android"), "../docs").canonicalFile
    private val folder = File(docs, "android-screens")
    private val alsoIn = setOf("dark", "large", "rtl", "landscape", "fr", "de", "it", "es")

    fun keep(name: String, variant: String, picture: Bitmap) {
        if (variant != "light" && !(name == "request" && variant in alsoIn)) return
        folder.mkdirs()
        val width = if (picture.width > picture.height) WIDTH * 2 else WIDTH
        val small = Bitmap.createScaledBitmap(picture, width, picture.height * width / picture.width, true)
        File(folder, "$name.$variant.png").outputStream().use { small.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    fun write() {
        val names = folder.list().orEmpty().filter { it.endsWith(".png") }.map { it.removeSuffix(".png") }.sorted()
        val (light, others) = names.partition { it.endsWith(".light") }
        val row = { it: String ->
            "| ${it.substringBefore('.')} | ![${it.substringBefore('.')}](android-screens/$it.png) |\n"
        }
        val other = { it: String ->
            "| ${it.substringAfter('.')} | ![${it.substringAfter('.')}](android-screens/$it.png) |\n"
        }
        val page = listOf(ABOUT, TABLE, light.joinToString("", transform = row), OTHERS, TABLE) + others.map(other)
        File(docs, "android-screens.md").writeText(page.joinToString(""))
    }

    private const val TABLE = "| | |\n|---|---|\n"
    private const val OTHERS = "\n## The question in dark, large, right to left, landscape, other languages\n\n"
    private val ABOUT =
        """
        |# The screens of the Android app
        |
        |Drawn by `android/test` with the real Compose on Android's own code, not on a phone; written by
        |`COUNTERSIGN_RENEW=1 android/test`, never by hand. People and places are invented.
        |
        |## Every screen, in light
        |
        |
        """.trimMargin()
}

private fun digestOf(picture: Bitmap): String {
    val pixels = IntArray(picture.width * picture.height)
    picture.getPixels(pixels, 0, picture.width, 0, 0, picture.width, picture.height)
    val digest = MessageDigest.getInstance("SHA-256")
    // What rounding does to the last bits of a colour is nothing that a person sees.
    for (pixel in pixels) {
        for (shift in listOf(19, 11, 3)) digest.update((pixel shr shift and 31).toByte())
    }
    return digest.digest().joinToString("") { "%02x".format(it) }
}
