package io.github.countersign.android

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.os.Parcel
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextReplacement
import androidx.test.core.app.ActivityScenario
import androidx.test.platform.app.InstrumentationRegistry
import io.github.countersign.android.codes.acceptedFile
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.SharedDocuments
import io.github.countersign.android.world.World
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.File

/** Every screen on which something is typed: what a turned phone does to it, and what is written down of it. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class TypedTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)
    private val shared = SharedDocuments(phone.app)
    private val asked: String

    init {
        val user = world.site.user()
        phone.enrol(user)
        asked = world.site.ask(user, digits = 6).getString("id")
        runBlocking {
            phone.parts.arrivals.pullAll()
            phone.parts.core.use { it.addCodes("otpauth://totp/Forge:maya?secret=JBSWY3DPEHPK3PXP&issuer=Forge") }
        }
    }

    @After
    fun end() = world.close()

    /** A screen, what is typed there by the fields' tags, and which of that is a secret. */
    private inner class Screen(
        val name: String,
        val typed: Map<String, String>,
        val secrets: Set<String> = emptySet(),
        val go: ActivityScenario<MainActivity>.() -> Unit,
    )

    private val screens =
        listOf(
            Screen("adding: the link", mapOf("link" to "https://login.example/enrol#e=SECRETLINK"), setOf("link")) {
                at(Place.Add)
            },
            Screen(
                "adding: a key",
                mapOf("service" to "Forgery", "account" to "maya@", "key" to "MFRGGZDFMZTWQ2LK"),
                setOf("key"),
            ) {
                at(Place.Add)
                tap("Type a key instead")
            },
            Screen("the password of a file", mapOf("password" to "five words are"), setOf("password")) {
                at(Place.Add)
                tap("From a file of another app")
                choose(acceptedFile("aegis, encrypted").bytes)
            },
            Screen(
                "the export",
                mapOf("password" to "five words are well", "again" to "five words ar"),
                setOf("password", "again"),
            ) { at(Place.Export) },
            Screen("the number of a request", mapOf("number" to "4711")) { at(Place.Request(asked)) },
            Screen("the search", mapOf("search" to "for")) { at(Place.Codes) },
            Screen("the names of a code", mapOf("service" to "Smithy", "account" to "noa")) {
                at(Place.Codes)
                menu("Change the names")
            },
            Screen("the group of a code", mapOf("group" to "Wor")) {
                at(Place.Codes)
                menu("Put into a group")
            },
        )

    private fun ActivityScenario<MainActivity>.at(place: Place) {
        onActivity { session(it).navigator.go(place) }
        rule.waitForIdle()
    }

    private fun session(activity: MainActivity) = androidx.lifecycle.ViewModelProvider(activity)[Session::class.java]

    private fun tap(text: String) {
        rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)
        rule.onNodeWithText(text).performScrollTo().performClick()
    }

    private fun menu(entry: String) {
        rule.waitUntilAtLeastOneExists(hasContentDescription("More for Forge"), PATIENCE)
        rule.onNodeWithContentDescription("More for Forge").performClick()
        rule.waitUntilAtLeastOneExists(hasText(entry), PATIENCE)
        rule.onNodeWithText(entry).performClick()
    }

    private fun ActivityScenario<MainActivity>.choose(bytes: ByteArray) {
        rule.waitForIdle()
        onActivity {
            val asked = shadowOf(it).nextStartedActivityForResult
            shadowOf(it).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(shared.of(bytes)))
        }
    }

    private fun shown(tag: String): String {
        rule.waitUntilAtLeastOneExists(hasTestTag(tag), PATIENCE)
        return rule.onNodeWithTag(tag).fetchSemanticsNode().config[SemanticsProperties.EditableText].text
    }

    private fun ActivityScenario<MainActivity>.written(): String {
        val saved = Bundle()
        onActivity { InstrumentationRegistry.getInstrumentation().callActivityOnSaveInstanceState(it, saved) }
        val parcel = Parcel.obtain().apply { writeBundle(saved) }
        val bytes = parcel.marshall()
        parcel.recycle()
        return bytes.toString(Charsets.UTF_8) + bytes.toString(Charsets.UTF_16LE)
    }

    @Test
    fun whatIsTypedSurvivesATurnedPhoneAndNoSecretIsWrittenDown() {
        for (screen in screens) {
            ActivityScenario.launch(MainActivity::class.java).use {
                it.go(screen)
                for ((tag, text) in screen.typed) {
                    shown(tag)
                    rule.onNodeWithTag(tag).performScrollTo().performTextReplacement(text)
                }
                rule.waitForIdle()
                for ((tag, text) in screen.typed) assertEquals(screen.name, text.length, shown(tag).length)
                val before = screen.typed.keys.map(::shown)
                it.recreate()
                rule.waitForIdle()
                assertEquals(screen.name, before, screen.typed.keys.map(::shown))
                val written = it.written()
                for (tag in screen.secrets) {
                    assertFalse("${screen.name}: $tag", screen.typed.getValue(tag) in written)
                }
            }
        }
    }

    @Test
    fun whoLeavesLetsGoOfWhatTheyTyped() {
        for (screen in screens.filter { it.secrets.isNotEmpty() }) {
            ActivityScenario.launch(MainActivity::class.java).use {
                it.go(screen)
                for (tag in screen.secrets) {
                    shown(tag)
                    rule.onNodeWithTag(tag).performScrollTo().performTextReplacement(screen.typed.getValue(tag))
                }
                it.at(Place.Accounts)
                it.go(screen)
                for (tag in screen.secrets) assertEquals(screen.name, "", shown(tag))
            }
        }
    }

    private fun ActivityScenario<MainActivity>.go(screen: Screen) = screen.go(this)

    @Test
    fun everyFieldOfTheAppIsInTheTableAndNoneIsOfTheScreenAlone() {
        val folder = File(System.getProperty("countersign.android"), "app/src/main/kotlin")
        val source = folder.walk().filter { it.extension == "kt" }.joinToString("") { it.readText() }
        val fields =
            Regex("""\b(?:Field|PasswordField|Name)\((?!\))[^()]*?"(\w+)"""").findAll(source) +
                Regex(
                    """OutlinedTextField\((?:(?!OutlinedTextField)[\s\S]){0,200}?testTag\("(\w+)"\)""",
                ).findAll(source)
        assertEquals(
            fields.map { it.groupValues[1] }.toSortedSet(),
            screens.flatMap { it.typed.keys }.toSortedSet(),
        )
        val ofTheScreen = Regex("""remember \{ mutableStateOf\((?!true|false).*""").findAll(source)
        assertEquals(emptyList<String>(), ofTheScreen.map { it.value }.toList())
    }
}
