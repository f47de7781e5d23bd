package io.github.countersign.android.codes

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.os.Parcel
import android.view.WindowManager.LayoutParams.FLAG_SECURE
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.test.core.app.ActivityScenario
import io.github.countersign.android.MainActivity
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.SharedDocuments
import io.github.countersign.android.world.World
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

private const val PASSWORD = "five words are well enough"

/** The codes of other services on the screens of the real activity, with the system's chooser of documents. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class CodesActivityTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)
    private val shared = SharedDocuments(phone.app)
    private val encrypted = acceptedFile("aegis, encrypted")

    @After
    fun end() = world.close()

    private fun waitFor(text: String) = rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)

    private fun codes() = runBlocking { phone.parts.core.use { it.foreignCodes() } }

    private fun tap(text: String) = rule.onNodeWithText(text).performScrollTo().performClick()

    /** Opens the system's screen by this button, and gives what it was asked for and what the person chose there. */
    private fun ActivityScenario<MainActivity>.choose(button: String, chosen: Uri?): Intent {
        tap(button)
        return chosen(chosen)
    }

    private fun ActivityScenario<MainActivity>.chosen(chosen: Uri?): Intent {
        lateinit var asked: Intent
        var isAsked = false
        rule.waitUntil(timeoutMillis = PATIENCE) {
            onActivity { activity ->
                shadowOf(activity).nextStartedActivityForResult?.let {
                    asked = it.intent
                    isAsked = true
                    val result = if (chosen == null) Activity.RESULT_CANCELED else Activity.RESULT_OK
                    shadowOf(activity).receiveResult(it.intent, result, Intent().setData(chosen))
                }
            }
            isAsked
        }
        return asked
    }

    private fun launched() = ActivityScenario.launch(MainActivity::class.java)

    private fun toAdding() {
        waitFor("Add an account")
        rule.onNodeWithText("Add an account").performClick()
        waitFor("From a file of another app")
    }

    @Test
    fun aFileIsChosenOpenedWithItsPasswordLookedAtAndKept() {
        launched().use {
            toAdding()
            val asked = it.choose("From a file of another app", shared.of(encrypted.bytes))
            assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.action)
            waitFor("This file is encrypted. Type the password that it was exported with.")
            rule.onNodeWithTag("password").performTextInput("not this one")
            tap("Open the file")
            waitFor("The file does not open with this password. Type it again.")
            it.recreate()
            waitFor("The file does not open with this password. Type it again.")
            rule.onNodeWithTag("password").performTextReplacement(checkNotNull(encrypted.password))
            it.recreate()
            tap("Open the file")
            waitFor("Add the codes")
            it.recreate()
            waitFor("To be added: ${encrypted.groups.size}")
            it.onActivity { activity -> assertTrue(activity.window.attributes.flags and FLAG_SECURE != 0) }
            rule.onNodeWithTag("found").performScrollToNode(hasText("Group: Work", substring = true))
            rule.onNodeWithTag("found").performScrollToNode(hasText("Not taken: ${encrypted.reasons.size}"))
            rule.onNodeWithTag("found").performScrollToNode(hasText("Yandex", substring = true))
            assertEquals("nothing is kept before it is said", 0, codes().size)
            rule.onNodeWithTag("found").performScrollToNode(hasText("Add the codes"))
            rule.onNodeWithText("Add the codes").performClick()
            waitFor("Codes added: ${encrypted.groups.size}")
            assertEquals(encrypted.groups, codes().map { code -> code.group })
        }
    }

    @Test
    fun whoChoosesNoFileOrGoesBackKeepsNothing() {
        launched().use {
            toAdding()
            it.choose("From a file of another app", null)
            waitFor("From a file of another app")
            it.choose("From a file of another app", shared.of(acceptedFile("2fas, plain").bytes))
            waitFor("Add the codes")
            rule.onNodeWithContentDescription("Back").performClick()
            toAdding()
            assertEquals(0, codes().size)
        }
    }

    @Test
    fun aFileThatAnotherAppSharesOrOpensIsLookedAt() {
        val plain = shared.of(acceptedFile("ente, plain").bytes)
        val sent = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_STREAM, plain)
            .putExtra(Intent.EXTRA_TEXT, "my codes")
        val viewed = Intent(Intent.ACTION_VIEW).setDataAndType(plain, "application/json")
        for (intent in listOf(sent, viewed)) {
            ActivityScenario.launch<MainActivity>(intent.setClass(phone.app, MainActivity::class.java)).use {
                waitFor("Add the codes")
            }
        }
        val ofThisApp = Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, Uri.parse("file:///data/x"))
        ActivityScenario.launch<MainActivity>(ofThisApp.setClass(phone.app, MainActivity::class.java)).use {
            waitFor("This file cannot be read. Choose it again.")
        }
        assertEquals(0, codes().size)
    }

    @Test
    fun theEndOfTheProcessWhileThePasswordIsAskedLeavesNothingOfIt() {
        val saved = Bundle()
        val first = Robolectric.buildActivity(MainActivity::class.java).setup()
        toAdding()
        tap("From a file of another app")
        val asked = shadowOf(first.get()).nextStartedActivityForResult
        shadowOf(first.get()).receiveResult(
            asked.intent,
            Activity.RESULT_OK,
            Intent().setData(shared.of(encrypted.bytes)),
        )
        rule.waitUntilAtLeastOneExists(hasTestTag("password"), PATIENCE)
        rule.onNodeWithTag("password").performTextInput(PASSWORD)
        rule.waitForIdle()
        first.pause().stop().saveInstanceState(saved).destroy()
        val parcel = Parcel.obtain().apply { writeBundle(saved) }
        val bytes = parcel.marshall()
        parcel.recycle()
        for (text in listOf(bytes.toString(Charsets.UTF_8), bytes.toString(Charsets.UTF_16LE))) {
            assertFalse("the password is not written down", PASSWORD in text)
        }
        val again = phone.die()
        Robolectric.buildActivity(MainActivity::class.java).setup(saved)
        waitFor("This file is encrypted. Type the password that it was exported with.")
        assertEquals(0, runBlocking { again.parts.core.use { it.foreignCodes() } }.size)
    }

    private fun with(vararg links: String) = runBlocking {
        phone.parts.core.use { it.addCodes(links.joinToString("\n")) }
    }

    private fun link(service: String) = "otpauth://totp/$service:maya?secret=JBSWY3DPEHPK3PXP&issuer=$service"

    private fun ActivityScenario<MainActivity>.toCodes() {
        onActivity { }
        waitFor("Other codes")
        rule.onNodeWithText("Other codes").performClick()
        rule.waitUntilAtLeastOneExists(hasTestTag("search"), PATIENCE)
    }

    @Test
    fun theExportIsSealedSavedAndSaid() {
        with(link("Forge"))
        phone.parts.settings.change { it.copy(mustConfirm = true) }
        launched().use {
            it.toCodes()
            rule.onNodeWithText("Export the codes").performClick()
            rule.waitUntilAtLeastOneExists(hasTestTag("again"), PATIENCE)
            it.onActivity { activity -> assertTrue(activity.window.attributes.flags and FLAG_SECURE != 0) }
            rule.onNodeWithTag("password").performScrollTo().performTextInput("too short")
            rule.onNodeWithTag("again").performScrollTo().performTextInput("too short")
            tap("Choose where to save it")
            waitFor(
                "This password is too short to protect all codes. Choose one with 15 characters or more, " +
                    "such as five words.",
            )
            rule.onNodeWithTag("password").performScrollTo().performTextReplacement(PASSWORD)
            rule.onNodeWithTag("again").performScrollTo().performTextReplacement(PASSWORD)
            val (document, written) = shared.toWrite()
            val asked = it.choose("Choose where to save it", document)
            assertEquals(Intent.ACTION_CREATE_DOCUMENT, asked.action)
            val name = asked.getStringExtra(Intent.EXTRA_TITLE).orEmpty()
            assertTrue(name, Regex("""countersign-codes-\d{4}-\d\d-\d\d\.json""").matches(name))
            waitFor("The file is saved. The codes stay here too.")
            assertEquals(2, phone.parts.prompt.asked.size)
            assertTrue(written.toString().contains("countersign-codes"))
        }
    }

    @Test
    fun codesAreSearchedNamedGroupedMovedAndRemoved() {
        with(link("Forge"), link("Mail"), link("Bank"))
        launched().use {
            it.toCodes()
            menu("Mail", "Put into a group")
            rule.onNodeWithTag("group").performTextInput("Work")
            tap("Save")
            waitFor("Work")
            menu("Bank", "Put into a group")
            rule.onNodeWithText("Work").performClick()
            tap("Save")
            rule.waitUntil(timeoutMillis = PATIENCE) {
                codes().map { code -> code.group } ==
                    listOf(null, "Work", "Work")
            }
            rule.waitUntilAtLeastOneExists(hasContentDescription("More for Bank"), PATIENCE)
            rule.waitForIdle()
            menu("Bank", "Move up")
            rule.waitUntil(timeoutMillis = PATIENCE) {
                codes().map { code -> code.issuer } ==
                    listOf("Forge", "Bank", "Mail")
            }
            menu("Forge", "Change the names")
            rule.onNodeWithTag("service").performTextReplacement("Smithy")
            tap("Save")
            waitFor("Smithy")
            rule.onNodeWithTag("search").performTextInput("work ma")
            rule.waitUntilDoesNotExist(hasText("Smithy"), PATIENCE)
            waitFor("Mail")
            rule.onNodeWithTag("search").performTextReplacement("nowhere")
            waitFor("No code has these words in its names.")
            rule.onNodeWithTag("search").performTextReplacement("")
            waitFor("Smithy")
            menu("Smithy", "Remove")
            waitFor("Remove this code? The service still asks for it when you sign in.")
            rule.onNodeWithText("Remove").performClick()
            rule.waitUntil(timeoutMillis = PATIENCE) { codes().map { code -> code.issuer } == listOf("Bank", "Mail") }
            rule.onNodeWithText("Work").assertIsDisplayed()
        }
    }

    private fun menu(service: String, entry: String) {
        val label = "More for $service"
        rule.waitUntilAtLeastOneExists(hasContentDescription(label), PATIENCE)
        rule.onNodeWithTag("codes").performScrollToNode(hasContentDescription(label))
        rule.onNodeWithContentDescription(label).performClick()
        waitFor(entry)
        rule.onNodeWithText(entry).performClick()
    }
}
