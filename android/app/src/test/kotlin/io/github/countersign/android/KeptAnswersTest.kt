package io.github.countersign.android

import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.test.core.app.ActivityScenario
import io.github.countersign.AuthenticatorException
import io.github.countersign.Sentence
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.questions.QuestionsModel
import io.github.countersign.android.request.RequestModel
import io.github.countersign.android.request.RequestState
import io.github.countersign.android.words.Told
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.World
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

private val KEPT = Told(Sentence.ERROR_UNREACHABLE_ANSWER_KEPT)

/** An answer that was given without a network is kept, and a YES among them can be taken back until it is sent. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class KeptAnswersTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)
    private val user = world.site.user()

    init {
        phone.enrol(user)
    }

    @After
    fun end() = world.close()

    private fun waitFor(text: String) = rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)

    private fun tap(text: String) = rule.onNodeWithText(text).performScrollTo().performClick()

    private fun ask(): String = world.site.ask(user).getString("id").also {
        runBlocking { phone.parts.arrivals.pullAll() }
    }

    /** A request with a YES that the server does not have. */
    private fun approvedWithoutNetwork(): String = ask().also {
        world.network("down")
        runBlocking {
            try {
                phone.parts.core.use { core -> core.approve(it, null) }
            } catch (_: AuthenticatorException.Unreachable) {
                // The signed answer is kept.
            }
        }
    }

    private fun opened(challenge: String) =
        ActivityScenario.launch<MainActivity>(Entry.Request(challenge).intent(phone.app))

    private fun <T> StateFlow<T>.await(isSo: (T) -> Boolean): T =
        runBlocking { withTimeout(PATIENCE) { first { isSo(it) } } }

    private fun modelOf(challenge: String): RequestModel =
        Session(phone.parts, emptyList()).request(Place.Request(challenge))

    private fun RequestModel.kept() = state.await { it is RequestState.Kept && !it.isTrying } as RequestState.Kept

    private fun questions(): QuestionsModel = Session(phone.parts, emptyList()).questions()

    private fun QuestionsModel.settled() = state.await { !it.isChecking && it.waiting is Loaded.There }

    @Test
    fun withTheServerDownAYesIsTakenBackAndTheServerHearsNo() {
        val asked = ask()
        world.network("down")
        opened(asked).use {
            waitFor("YES")
            rule.onNodeWithText("YES").performClick()
            waitFor("The server cannot be reached. Your answer is kept and sent again.")
            rule.onNodeWithText(
                "A YES that the server does not have yet can be taken back: NO then takes its place.",
            ).performScrollTo().assertIsDisplayed()
            tap("Answer NO instead")
            waitFor("Your answer is NO.")
            rule.waitUntilDoesNotExist(hasText("Answer NO instead"), PATIENCE)
            it.recreate()
            waitFor("Your answer is NO.")
            assertEquals("pending", world.site.state(asked))
            world.network("clear")
            tap("Try again")
            waitFor("Denied. The sign-in was stopped.")
            assertEquals("denied", world.site.awaitAnswer(asked))
        }
    }

    @Test
    fun theListOffersToTakeAYesBack() {
        val asked = approvedWithoutNetwork()
        ActivityScenario.launch(MainActivity::class.java).use {
            waitFor("Questions")
            rule.onNodeWithText("Questions").performClick()
            waitFor("Answer NO instead")
            tap("Answer NO instead")
            waitFor("Your answer is NO.")
            world.network("clear")
            tap("Check now")
            waitFor("Nothing waits for an answer.")
            assertEquals("denied", world.site.awaitAnswer(asked))
        }
    }

    @Test
    fun afterTheEndOfTheProcessAKeptYesIsStillTakenBack() {
        val asked = approvedWithoutNetwork()
        val again = phone.die()
        val model = Session(again.parts, emptyList()).request(Place.Request(asked))
        assertFalse(model.kept().isRefused)
        world.network("clear")
        model.no()
        model.state.await { it is RequestState.Over }
        assertEquals("denied", world.site.awaitAnswer(asked))
    }

    @Test
    fun aYesThatTheServerHasByThenIsToldAsOne() {
        val asked = approvedWithoutNetwork()
        val (model, list) = modelOf(asked) to questions()
        model.kept()
        list.settled()
        world.network("clear")
        runBlocking { phone.parts.core.use { core -> core.pull(phone.account().id, 0u) } }
        list.takeBack(asked)
        assertEquals(Told(Sentence.OUTCOME_APPROVED), list.state.await { it.told != null }.told)
        model.no()
        val over = model.state.await { it is RequestState.Over } as RequestState.Over
        assertEquals(Told(Sentence.OUTCOME_APPROVED), over.told)
        assertTrue("it can still be reported", over.mayReport)
        assertEquals("approved", world.site.state(asked))
    }

    @Test
    fun aReportTakesThePlaceOfAKeptYes() {
        val asked = approvedWithoutNetwork()
        val model = modelOf(asked)
        model.kept()
        model.report()
        assertEquals(KEPT, (model.state.await { it is RequestState.Over } as RequestState.Over).told)
        world.network("clear")
        runBlocking { phone.parts.arrivals.pullAll() }
        assertEquals("reported", world.site.state(asked))
    }

    @Test
    fun aReportWithoutANetworkIsSaidToBeKept() {
        val asked = ask()
        world.network("down")
        val model = modelOf(asked)
        model.state.await { it is RequestState.Asking }
        model.report()
        assertEquals(KEPT, (model.state.await { it is RequestState.Over } as RequestState.Over).told)
        assertTrue("its notification is gone", phone.shown.isEmpty())
    }

    @Test
    fun aNoThatIsKeptIsNotOfferedToBeTakenBack() {
        val asked = ask()
        world.network("down")
        phone.press(phone.waitForNotification().notification, "NO")
        val waiting = (questions().settled().waiting as Loaded.There).value
        assertEquals(listOf(true to true), waiting.map { it.isAnswering to it.isRefused })
        assertTrue(modelOf(asked).kept().isRefused)
    }
}
