package io.github.countersign.android

import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextInput
import androidx.test.core.app.ActivityScenario
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.World
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** A whole login as a person does it: the real server, the real library, the app's own screens. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class LoginTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)

    @After
    fun end() = world.close()

    private fun waitFor(text: String) = rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)

    @Test
    fun aLinkIsPastedTheDigitsAreTypedAndYesLetsThePageGoOn() {
        val user = world.site.user()
        ActivityScenario.launch(MainActivity::class.java).use {
            waitFor("Add an account")
            rule.onNodeWithText("Add an account").performClick()
            rule.onNodeWithTag("link").performScrollTo().performTextInput(world.site.link(user))
            rule.onNodeWithText("Add the account").performScrollTo().performClick()
            rule.waitUntilAtLeastOneExists(hasTestTag("digits"), PATIENCE)
            picture("enrol-digits-flow", rule)
            val account = phone.account()
            world.site.confirm(account.id, phone.digits())
            waitFor("Ready.")
            rule.onNodeWithText("Done").performClick()
            waitFor("maya")
            val asked = world.site.ask(user, message = "Order 4711").getString("id")
            // The open app waits at the server, and the question comes without any push.
            phone.waitForNotification()
            rule.onNodeWithText("Questions").performClick()
            waitFor("Customer area")
            rule.onNodeWithText("Customer area").performClick()
            waitFor("YES")
            rule.onNodeWithText("Order 4711").assertIsDisplayed()
            picture("request-flow", rule)
            rule.onNodeWithText("YES").performClick()
            waitFor("Approved. The page goes on by itself.")
            assertEquals("approved", world.site.awaitAnswer(asked))
            assertEquals("claimed", world.site.claim(asked))
        }
    }
}
