package io.github.countersign.android.codes

import android.app.Activity
import android.content.ClipData
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import androidx.compose.ui.test.ExperimentalTestApi
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextReplacement
import androidx.test.core.app.ActivityScenario
import io.github.countersign.Sentence
import io.github.countersign.android.MainActivity
import io.github.countersign.android.Session
import io.github.countersign.android.add.AddModel
import io.github.countersign.android.add.AddState
import io.github.countersign.android.add.ChosenFiles
import io.github.countersign.android.add.FileOutcome
import io.github.countersign.android.add.FilePlace
import io.github.countersign.android.add.fresh
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.navigation.entryOf
import io.github.countersign.android.words.Told
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.SharedDocuments
import io.github.countersign.android.world.World
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** Several files of codes at once, chosen or shared, and what the end of the process leaves of the choice. */
@OptIn(ExperimentalTestApi::class)
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB-w411dp-h891dp-420dpi")
class SeveralFilesTest {
    @get:Rule
    val rule = createEmptyComposeRule()
    private val world = World()
    private val phone = Phone(world)
    private val shared = SharedDocuments(phone.app)
    private val plain = acceptedFile("2fas, plain")
    private val other = acceptedFile("ente, plain")
    private val encrypted = acceptedFile("aegis, encrypted")
    private val adding: AddModel = Session(phone.parts, listOf("accounts", "add")).add

    @After
    fun end() = world.close()

    private fun codes(of: Phone = phone) = runBlocking { of.parts.core.use { it.foreignCodes() } }

    private fun AddModel.settled(): AddState =
        runBlocking { withTimeout(PATIENCE) { state.first { it !is AddState.Opening && it != AddState.Working } } }

    private fun AddModel.take(vararg documents: Uri): AddState {
        takeFiles(ChosenFiles.of(documents.map(Uri::toString)))
        return settled()
    }

    private fun waitFor(text: String) = rule.waitUntilAtLeastOneExists(hasText(text), PATIENCE)

    private fun tap(text: String) = rule.onNodeWithText(text).performScrollTo().performClick()

    private fun four() = arrayOf(
        shared.of(plain.bytes, "2fas.json"),
        shared.of(encrypted.bytes, "aegis\u202Enosj.json"),
        shared.of(ByteArray(2000) { 0xFF.toByte() }, "photo.json"),
        shared.of(other.bytes, null),
    )

    /** How many codes of each file were not kept before. */
    private fun fresh(kept: AddState.KeptFiles) =
        kept.files.map { (it.outcome as? FileOutcome.Kept)?.codes?.fresh() ?: 0 }

    @Test
    fun eachFileIsReadInItsTurnAndOnePasswordLosesNoneOfTheOthers() {
        val place = FilePlace(2, 4, "aegisnosj.json")
        assertEquals(AddState.Password(Told(Sentence.LINK_PASSWORD_NEEDED), place), adding.take(*four()))
        adding.typed.password.text = "not this"
        adding.openFile("not this")
        assertEquals(AddState.Password(Told(Sentence.LINK_WRONG_PASSWORD), place), adding.settled())
        assertEquals("it is let go once it was tried", "", adding.typed.password.text)
        adding.openFile(checkNotNull(encrypted.password))
        val found = adding.settled() as AddState.FoundInFiles
        assertEquals(listOf("2fas.json", "aegisnosj.json", "photo.json", null), found.files.map { it.name })
        assertEquals(listOf(1, 2, 3, 4), found.files.map { it.number })
        val held = found.files.map { (it.outcome as? FileOutcome.Holds)?.codes?.codes?.map { code -> code.group } }
        assertEquals(listOf(plain.groups, encrypted.groups, null, other.groups), held)
        assertEquals(FileOutcome.Refused(Told(Sentence.LINK_UNKNOWN_FILE)), found.files[2].outcome)
        assertEquals(0, codes().size)
        adding.keep()
        val kept = adding.settled() as AddState.KeptFiles
        val inAll = kept.files.sumOf { (it.outcome as? FileOutcome.Kept)?.codes?.codes?.size ?: 0 }
        assertEquals(plain.groups.size + encrypted.groups.size + other.groups.size, inAll)
        assertEquals(found.files[2], kept.files[2])
        assertEquals(fresh(kept).sum(), codes().size)
        assertEquals(ChosenFiles.none, adding.chosen)
    }

    @Test
    fun aFileWhosePasswordIsNotKnownIsLeftOut() {
        assertTrue(adding.take(*four()) is AddState.Password)
        adding.leaveOutFile()
        val found = adding.settled() as AddState.FoundInFiles
        assertEquals(FileOutcome.LeftOut, found.files[1].outcome)
        adding.keep()
        val kept = adding.settled() as AddState.KeptFiles
        assertEquals(FileOutcome.LeftOut, kept.files[1].outcome)
        assertEquals(fresh(kept).sum(), codes().size)
        assertEquals(listOf(true, false, false, true), kept.files.map { it.outcome is FileOutcome.Kept })
    }

    @Test
    fun whatIsInTwoFilesIsKeptOnce() {
        assertTrue(adding.take(shared.of(plain.bytes), shared.of(plain.bytes)) is AddState.FoundInFiles)
        adding.keep()
        val kept = adding.settled() as AddState.KeptFiles
        assertEquals(listOf(plain.groups.size, 0), fresh(kept))
        assertEquals(plain.groups.size, codes().size)
    }

    @Test
    fun noMoreThanTwentyAreReadAndTheOthersAreCounted() {
        var read = 0
        val many = (1..23).map {
            shared.reading {
                read += 1
                "nothing".byteInputStream()
            }
        }
        val found = adding.take(*many.toTypedArray(), many[0]) as AddState.FoundInFiles
        assertEquals(20, read)
        assertEquals(20, found.files.size)
        assertEquals("none is counted twice", 3, found.notRead)
    }

    @Test
    fun whoLeavesKeepsNothingOfAny() {
        assertTrue(adding.take(*four()) is AddState.Password)
        adding.leave()
        assertEquals(AddState.Choosing(), adding.state.value)
        adding.openFile(checkNotNull(encrypted.password))
        adding.leaveOutFile()
        adding.keep()
        assertEquals(AddState.Choosing(), adding.state.value)
        assertEquals(0, codes().size)
    }

    @Test
    fun filesThatAnotherAppSharesAreLookedAtAndToldFileByFile() {
        val sent = Intent(Intent.ACTION_SEND_MULTIPLE).setType("*/*")
            .putParcelableArrayListExtra(Intent.EXTRA_STREAM, arrayListOf(*four()))
        ActivityScenario.launch<MainActivity>(sent.setClass(phone.app, MainActivity::class.java)).use {
            waitFor("Leave this file out")
            rule.onNodeWithText("File 2 of 4: aegisnosj.json").assertIsDisplayed()
            rule.onNodeWithTag("password").performTextReplacement(checkNotNull(encrypted.password))
            tap("Open the file")
            waitFor("Add the codes")
            it.recreate()
            for (text in listOf("2fas.json", "aegisnosj.json", "photo.json", "File 4")) {
                rule.onNodeWithTag("found").performScrollToNode(hasText(text))
            }
            rule.onNodeWithTag("found").performScrollToNode(hasText("Add the codes"))
            rule.onNodeWithText("Add the codes").performClick()
            waitFor("Codes added: ${plain.groups.size}")
            rule.onNodeWithTag("found").performScrollToNode(hasText("Done"))
            rule.onNodeWithText("Done").performClick()
            waitFor("Add an account")
        }
    }

    @Test
    fun severalAreChosenInTheSystemsScreen() {
        ActivityScenario.launch(MainActivity::class.java).use {
            toFiles()
            it.onActivity { activity ->
                val asked = shadowOf(activity).nextStartedActivityForResult.intent
                assertTrue(asked.getBooleanExtra(Intent.EXTRA_ALLOW_MULTIPLE, false))
                val chosen = ClipData.newRawUri(null, shared.of(plain.bytes, "2fas.json"))
                chosen.addItem(ClipData.Item(shared.of(other.bytes, "ente.txt")))
                shadowOf(activity).receiveResult(asked, Activity.RESULT_OK, Intent().apply { clipData = chosen })
            }
            waitFor("2fas.json")
            rule.onNodeWithTag("found").performScrollToNode(hasText("ente.txt"))
        }
    }

    private fun toFiles() {
        waitFor("Add an account")
        rule.onNodeWithText("Add an account").performClick()
        waitFor("From a file of another app")
        tap("From a file of another app")
        rule.waitForIdle()
    }

    @Test
    fun whatIsNoListOfFilesIsNone() {
        val several = { Intent(Intent.ACTION_SEND_MULTIPLE) }
        assertEquals(Entry.Plain, entryOf(several()))
        assertEquals(Entry.Plain, entryOf(several().putExtra(Intent.EXTRA_STREAM, "content://x/y")))
        val others = arrayListOf<android.os.Parcelable>(Bundle(), Uri.parse("content://x/y"))
        val entry = entryOf(several().putParcelableArrayListExtra(Intent.EXTRA_STREAM, others))
        assertTrue("$entry", entry == Entry.Plain || entry == Entry.AddFiles(listOf("content://x/y")))
    }

    /** The end of the process while these are looked at, and the same activity begun anew. */
    private fun died(vararg documents: Uri): Phone {
        val saved = Bundle()
        val sent = Intent(Intent.ACTION_SEND_MULTIPLE)
            .putParcelableArrayListExtra(Intent.EXTRA_STREAM, arrayListOf(*documents))
        val first = Robolectric.buildActivity(MainActivity::class.java, sent).setup()
        rule.waitUntilAtLeastOneExists(hasTestTag("password"), PATIENCE)
        first.pause().stop().saveInstanceState(saved).destroy()
        val again = phone.die()
        Robolectric.buildActivity(MainActivity::class.java, sent).setup(saved)
        return again
    }

    @Test
    fun afterTheEndOfTheProcessTheFilesNeedNotBeChosenAgain() {
        val again = died(shared.of(plain.bytes, "2fas.json"), shared.of(encrypted.bytes, "aegis.json"))
        waitFor("Leave this file out")
        rule.onNodeWithText("File 2 of 2: aegis.json").assertIsDisplayed()
        tap("Leave this file out")
        waitFor("Add the codes")
        rule.onNodeWithText("Add the codes").performClick()
        waitFor("Codes added: ${plain.groups.size}")
        assertEquals(plain.groups.size, codes(again).size)
    }

    @Test
    fun whereTheFileMayNoLongerBeReadItSaysSo() {
        var isAllowed = true
        val lent = shared.reading {
            if (isAllowed) encrypted.bytes.inputStream().also { isAllowed = false } else throw SecurityException()
        }
        died(lent)
        waitFor("This file cannot be read. Choose it again.")
        waitFor("From a file of another app")
    }
}
