package io.github.countersign.android

import android.view.ViewGroup
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.compose.runtime.Recomposer
import androidx.compose.ui.platform.findViewTreeCompositionContext
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.test.core.app.ActivityScenario
import io.github.countersign.Language
import io.github.countersign.android.codes.CodesModel
import io.github.countersign.android.codes.CodesScreen
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.look.Look
import io.github.countersign.android.words.Words
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.ScriptedWay
import io.github.countersign.android.world.World
import io.github.countersign.android.world.fcmOf
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.util.Locale

/** What android/test prints, measured on this machine with Robolectric in between. Only counts are a reason to fail. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class FiguresTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()

    @After
    fun end() = world.close()

    @Test
    fun fromSealedBytesToThePostedNotification() {
        val registration = world.install("fcm")
        val phone = Phone(world, { ScriptedWay(fcmOf(registration)) })
        val user = world.site.user()
        phone.enrol(user)
        val taken =
            (1..PUSHES).map {
                val asked = world.site.ask(user).getString("id")
                val sealed = world.push(registration)
                val millis =
                    millisOf {
                        runBlocking { phone.parts.arrivals.push(sealed) }
                        assertEquals(listOf(asked), phone.shown.map { it.tag })
                    }
                runBlocking { phone.parts.core.use { it.approve(asked, null) } }
                phone.parts.notices.over(asked)
                assertEquals("claimed", world.site.claim(asked))
                millis
            }
        figure("push bytes to posted notification: ${taken.sorted()[PUSHES / 2].short()} ms, the median of $PUSHES")
    }

    @Test
    fun twoHundredCodes() {
        val phone = Phone(world)
        val links = (1..CODES).joinToString("\n") { "otpauth://totp/Service$it:maya?secret=$SECRET&issuer=Service$it" }
        runBlocking { phone.parts.core.use { it.addCodes(links) } }
        lateinit var model: CodesModel
        val read =
            millisOf {
                model = CodesModel(phone.parts.core, phone.parts.ticks, phone.parts.scope)
                runBlocking { withTimeout(PATIENCE) { model.state.first { it.codes is Loaded.There } } }
            }
        val state = model.state.value
        val words = Words(Language.ENGLISH, Locale.UK)
        assertEquals(CODES, (state.codes as Loaded.There).value.size)
        ActivityScenario.launch(ComponentActivity::class.java).use { scenario ->
            val drawn =
                millisOf {
                    scenario.onActivity {
                        it.setContent { Look(words) { CodesScreen(state, false, Gallery.NoCodes) } }
                    }
                    rule.waitForIdle()
                    picture("codes-200", rule)
                }
            figure("$CODES codes: ${read.short()} ms to read them, ${drawn.short()} ms more to draw them")
            val rows = rule.onAllNodes(hasText("maya", substring = true)).fetchSemanticsNodes().size
            assertTrue("only what is seen is composed, not $rows rows", rows in 3..MOST_ROWS)
        }
    }

    /** As counts, which are the same on every machine, and grow when more is done before the first screen stands. */
    @Test
    fun fromNothingToTheFirstScreen() {
        Phone(world)
        ActivityScenario.launch(MainActivity::class.java).use { scenario ->
            rule.waitUntilAtLeastOneExists(hasText("Add an account"), PATIENCE)
            rule.waitForIdle()
            var changes = 0L
            scenario.onActivity {
                val content = it.findViewById<ViewGroup>(android.R.id.content).getChildAt(0)
                changes = (content.findViewTreeCompositionContext() as Recomposer).changeCount
            }
            figure("cold start to the first screen: $changes rounds of recomposition after the first composition")
            assertTrue("$changes rounds of recomposition", changes in 1..MOST_ROUNDS)
        }
    }

    private companion object {
        const val PUSHES = 50
        const val CODES = 200
        const val SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        const val MOST_ROWS = 40

        /** One was counted when this was written: nothing is there, then what was read. */
        const val MOST_ROUNDS = 3L
    }
}

private fun figure(text: String) = println("figure: $text")

private fun millisOf(work: () -> Unit): Double {
    val began = System.nanoTime()
    work()
    return (System.nanoTime() - began) / 1e6
}

private fun Double.short(): String = "%.1f".format(Locale.ROOT, this)
