package io.github.countersign.android

import android.content.ClipDescription
import android.content.ClipboardManager
import android.content.Intent
import android.net.Uri
import android.view.WindowManager.LayoutParams.FLAG_SECURE
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertHeightIsAtLeast
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertIsNotEnabled
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.unit.dp
import androidx.test.core.app.ActivityScenario
import io.github.countersign.Outcome
import io.github.countersign.android.accounts.grouped
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.platform.CODE_STAYS
import io.github.countersign.android.platform.SystemClipboard
import io.github.countersign.android.world.FakeKeystore
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.World
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.TestScope
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** The activity on the real framework: where it is led, what survives, what is hidden. */
@OptIn(ExperimentalTestApi::class, ExperimentalCoroutinesApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class ActivityTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)
    private val user = world.site.user()
    private val account = phone.enrol(user)

    @After
    fun end() = world.close()

    private fun waitFor(text: String) = rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)

    private fun ask(digits: Int? = null, seconds: Int = 600): org.json.JSONObject {
        val asked = world.site.ask(user, digits, seconds = seconds)
        runBlocking { phone.parts.arrivals.pullAll() }
        return asked
    }

    private fun opened(challenge: String) =
        ActivityScenario.launch<MainActivity>(Entry.Request(challenge).intent(phone.app))

    @Test
    fun aNotificationLandsOnExactlyItsRequestAlsoThroughTheLock() {
        ask()
        val asked = ask().getString("id")
        phone.parts.settings.change { it.copy(isLocked = true) }
        phone.parts.prompt.agrees = false
        phone.parts.lock.close()
        opened(asked).use {
            waitFor("The app is locked.")
            // The lock asks by itself once, which is refused.
            rule.waitUntil(timeoutMillis = PATIENCE) { phone.parts.prompt.asked.isNotEmpty() }
            rule.waitForIdle()
            phone.parts.prompt.agrees = true
            rule.onNodeWithText("Unlock the app").performClick()
            waitFor("YES")
            rule.onNodeWithText("One more question waits after this one.").performScrollTo().assertIsDisplayed()
            // Two at once ask for their number, which only the page of this one shows.
            rule.onNodeWithTag(
                "number",
            ).performScrollTo().performTextInput(world.site.call("GET /v1/challenges/$asked").getString("number"))
            rule.onNodeWithText("YES").performClick()
            waitFor("Approved. The page goes on by itself.")
            assertEquals("approved", world.site.state(asked))
        }
    }

    @Test
    fun theNumberOfThePageIsTyped() {
        val asked = ask(digits = 6)
        opened(asked.getString("id")).use {
            waitFor("YES")
            rule.onNodeWithText("YES").assertIsNotEnabled()
            rule.onNodeWithTag("number").performScrollTo().performTextInput(asked.getString("number"))
            it.recreate()
            rule.onNodeWithText("YES").performClick()
            waitFor("Approved. The page goes on by itself.")
            assertEquals("claimed", world.site.claim(asked.getString("id")))
        }
    }

    @Test
    fun noAndThisWasNotMeAreOneTapApart() {
        val asked = ask().getString("id")
        opened(asked).use {
            waitFor("NO")
            rule.onNodeWithText("NO").assertHeightIsAtLeast(72.dp).performClick()
            waitFor("Denied. The sign-in was stopped.")
            rule.onNodeWithText("This was not me").performScrollTo().performClick()
            waitFor("Reported. No more prompts come until they are allowed again.")
            assertEquals(
                Outcome.REPORTED,
                runBlocking {
                    phone.parts.core.use { core -> core.history(1u) }
                }.single().outcome,
            )
        }
    }

    @Test
    fun withTheServerGoneTheAnswerIsKeptAndTheCodeIsShown() {
        val asked = ask().getString("id")
        world.network("down")
        opened(asked).use {
            waitFor("YES")
            rule.onNodeWithText("YES").performClick()
            waitFor("The server cannot be reached. Your answer is kept and sent again.")
            val code = runBlocking { phone.parts.core.use { core -> core.code(account) } }.code
            rule.onNodeWithText(grouped(code)).performScrollTo().assertIsDisplayed()
            world.network("clear")
            rule.onNodeWithText("Try again").performScrollTo().performClick()
            waitFor("Approved. The page goes on by itself.")
            assertEquals("approved", world.site.awaitAnswer(asked))
        }
    }

    @Test
    fun aTurnedPhoneAndTheEndOfTheProcessKeepThePlaceAndAnswerNothing() {
        val asked = ask().getString("id")
        opened(asked).use {
            waitFor("YES")
            it.recreate()
            waitFor("YES")
            assertEquals("pending", world.site.state(asked))
            rule.onNodeWithText("NO").performClick()
            waitFor("Denied. The sign-in was stopped.")
            it.recreate()
            waitFor("Denied. The sign-in was stopped.")
            assertEquals("denied", world.site.state(asked))
        }
    }

    @Test
    fun aRequestThatIsWithdrawnOrOverSaysSo() {
        val asked = ask().getString("id")
        opened(asked).use {
            waitFor("YES")
            world.site.call("POST /v1/challenges/$asked/cancel")
            waitFor("The site took the question back.")
        }
        opened("AAAAAAAAAAAAAAAAAAAAAA").use {
            waitFor("This question is over, or not for this phone. If you still need it, start the sign-in again.")
        }
    }

    @Test
    fun theCountdownEndsTheQuestion() {
        val asked = ask(seconds = 600).getString("id")
        opened(asked).use {
            waitFor("YES")
            rule.waitUntilAtLeastOneExists(hasTestTag("countdown"), PATIENCE)
            val before = secondsShown()
            phone.parts.ticks.pass(20)
            rule.waitUntil(timeoutMillis = PATIENCE) { secondsShown() <= before - 20 }
        }
    }

    /** What the countdown says to a screen reader. */
    private fun secondsShown(): Int {
        val node = rule.onNodeWithTag("countdown").fetchSemanticsNode()
        return node.config[SemanticsProperties.ContentDescription].joinToString("").filter(Char::isDigit).toInt()
    }

    @Test
    fun aRefusedConfirmationSendsNothing() {
        phone.parts.settings.change { it.copy(mustConfirm = true) }
        phone.parts.prompt.agrees = false
        val asked = ask().getString("id")
        opened(asked).use {
            waitFor("YES")
            rule.onNodeWithText("YES").performClick()
            waitFor("Nothing was sent without your confirmation. The question still waits.")
            assertEquals("pending", world.site.state(asked))
            assertEquals("Customer area", phone.parts.prompt.asked.last().values["relying_party"])
            phone.parts.prompt.agrees = true
            rule.onNodeWithText("YES").performClick()
            waitFor("Approved. The page goes on by itself.")
        }
    }

    @Test
    fun aLinkOfThisSamePhoneOpensItsRequest() {
        val asked = world.site.ask(user)
        val link = asked.optString("link")
        val text = link.ifEmpty { linkOf(asked.getString("id")) }
        ActivityScenario.launch<MainActivity>(
            Intent(Intent.ACTION_VIEW, Uri.parse(text)).setClass(phone.app, MainActivity::class.java),
        ).use {
            waitFor("YES")
        }
    }

    /** The link that a page makes for its own phone, from what it knows: the server's address and fingerprint. */
    private fun linkOf(challenge: String): String {
        val enrolment = world.site.link(user)
        val (server, fragment) = enrolment.split("/enrol#")
        return "$server/challenge#c=$challenge&k=${fragment.substringAfter("&k=")}"
    }

    @Test
    fun codesAreHiddenFromPicturesOfTheScreen() {
        ActivityScenario.launch(MainActivity::class.java).use {
            waitFor("maya")
            it.onActivity { activity -> assertTrue(activity.window.attributes.flags and FLAG_SECURE != 0) }
            rule.onNodeWithText("History").performClick()
            waitFor("No requests yet.")
            it.onActivity { activity -> assertTrue(activity.window.attributes.flags and FLAG_SECURE == 0) }
            rule.onNodeWithContentDescription("Settings").performClick()
            waitFor("Lock the app")
        }
    }

    @Test
    fun aCopiedCodeIsSensitiveAndLeavesTheClipboard() {
        val clipboard = phone.app.getSystemService(ClipboardManager::class.java)
        val scope = TestScope()
        SystemClipboard(phone.app, scope).copyCode("492039")
        assertEquals("492039", clipboard.primaryClip?.getItemAt(0)?.text.toString())
        assertTrue(clipboard.primaryClipDescription?.extras?.getBoolean(ClipDescription.EXTRA_IS_SENSITIVE) == true)
        scope.testScheduler.advanceTimeBy(CODE_STAYS - 1)
        assertNotNull(clipboard.primaryClip)
        scope.testScheduler.advanceTimeBy(2)
        assertNull(clipboard.primaryClip)
        SystemClipboard(phone.app, scope).copyCode("111111")
        clipboard.setPrimaryClip(android.content.ClipData.newPlainText("note", "mine"))
        scope.testScheduler.advanceTimeBy(2 * CODE_STAYS)
        assertEquals("what came later stays", "mine", clipboard.primaryClip?.getItemAt(0)?.text.toString())
    }

    @Test
    fun aCopyFromAnotherPhoneIsForgottenAndThePhoneAddedAgain() {
        phone.parts.core.close()
        FakeKeystore.names().forEach(FakeKeystore::lose)
        ActivityScenario.launch(MainActivity::class.java).use {
            waitFor("The keys on this phone cannot be read. Add this phone again from the account’s page.")
            rule.onNodeWithText("Remove").performClick()
            rule.onAllNodes(hasText("Remove"))[1].performClick()
            waitFor("Add an account")
            phone.enrol(world.site.user("noa"))
            waitFor("noa")
        }
    }

    @Test
    fun anAccountIsRemovedByItsServerOrWithoutIt() {
        ActivityScenario.launch(MainActivity::class.java).use {
            waitFor("maya")
            rule.onNodeWithText("maya").performClick()
            waitFor("This phone", substring = true)
            world.network("down")
            rule.onNodeWithText("Remove").performScrollTo().performClick()
            rule.onAllNodes(hasText("Remove"))[1].performClick()
            waitFor("Remove without the server")
            rule.onNodeWithText("Remove without the server").performScrollTo().performClick()
            waitFor("The account is no longer on this phone.")
            assertTrue(runBlocking { phone.parts.core.use { core -> core.accounts() } }.isEmpty())
        }
    }

    private fun waitFor(text: String, substring: Boolean) =
        rule.waitUntilAtLeastOneExists(hasText(text, substring = substring), PATIENCE)
}
