package io.github.countersign.android.codes

import io.github.countersign.Clock
import io.github.countersign.Sentence
import io.github.countersign.SystemClock
import io.github.countersign.android.add.AddModel
import io.github.countersign.android.add.AddState
import io.github.countersign.android.add.ChosenFiles
import io.github.countersign.android.core.Core
import io.github.countersign.android.export.ExportModel
import io.github.countersign.android.export.ExportState
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.platform.SystemDocuments
import io.github.countersign.android.scenarios.Heard
import io.github.countersign.android.scenarios.PhoneContext
import io.github.countersign.android.scenarios.PlayedParts
import io.github.countersign.android.scenarios.PlayedWay
import io.github.countersign.android.words.Told
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.android.world.ScriptedPerson
import io.github.countersign.android.world.SharedDocuments
import io.github.countersign.mostBytesOfCodeFile
import io.github.countersign.scenarios.ScriptedVault
import io.github.countersign.sentenceFromKey
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.InputStream
import java.nio.file.Files
import java.time.Instant

private const val PASSWORD = "five words are well enough"
private const val LINKS =
    "otpauth://totp/Forge:maya?secret=JBSWY3DPEHPK3PXP&issuer=Forge\n" +
        "otpauth://hotp/Bank:4711?secret=GEZDGNBVGY3TQOJQ&issuer=Bank&counter=7\n" +
        "otpauth://totp/Mail:maya?secret=MFRGGZDFMZTWQ2LK&issuer=Mail&digits=8&algorithm=SHA256&period=60"

/** Files of codes, from the document that was chosen to the store of the real library and back. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB")
class CodeFilesTest {
    private val app: io.github.countersign.android.App =
        androidx.test.core.app.ApplicationProvider.getApplicationContext()
    private val shared = SharedDocuments(app)
    private val documents = SystemDocuments(app)

    /** A phone with nothing on it, and what is behind adding there. */
    private inner class Fresh {
        private val folder = Files.createTempDirectory("countersign-codes").resolve("phone")
        private val vault = ScriptedVault(folder.resolveSibling("vault"))
        private val parts = PlayedParts(PhoneContext(app, folder), folder, vault, SystemClock, PlayedWay(), Heard())
        val core: Core = parts.core
        val adding = AddModel(core, parts.arrivals, documents, "Telephone", { true }, scope())

        fun exporting(person: PersonPrompt, mustAsk: Boolean, clock: Clock = SystemClock) =
            ExportModel(core, person, { mustAsk }, documents, clock, scope())

        fun codes() = runBlocking { core.use { it.foreignCodes() } }
    }

    private fun scope() = CoroutineScope(Dispatchers.Default)

    private fun <T> StateFlow<T>.await(isSo: (T) -> Boolean): T =
        runBlocking { withTimeout(PATIENCE) { first { isSo(it) } } }

    /** Types a password twice, and seals with it. */
    private fun ExportModel.seal(password: String, again: String) {
        typed.password.text = password
        typed.again.text = again
        seal()
    }

    private fun AddModel.takeFile(document: String) = takeFiles(ChosenFiles.of(listOf(document)))

    private fun AddModel.settled() = state.await { it !is AddState.Opening && it != AddState.Working }

    private fun AddModel.looksAt(bytes: ByteArray, password: String?): AddState {
        takeFile(shared.of(bytes).toString())
        if (settled() is AddState.Password && password != null) openFile(password)
        return settled()
    }

    @Test
    fun everyFileOfTheVectorsIsLookedAtAndNothingIsKeptBeforeThePersonSaysSo() {
        val phone = Fresh()
        assertTrue(acceptedFiles.size >= 9)
        for (file in acceptedFiles) {
            val state = phone.adding.looksAt(file.bytes, file.password)
            if (file.groups.isEmpty() && file.reasons.isEmpty()) {
                assertEquals(file.name, AddState.Choosing(Told(Sentence.APP_NO_CODES_OF_OTHERS)), state)
                continue
            }
            val found = (state as AddState.FoundInFile).codes
            assertEquals(file.name, file.groups, found.codes.map { it.group })
            assertEquals(file.name, file.reasons, found.notTaken.map { it.reason })
            phone.adding.leave()
            assertEquals(file.name, AddState.Choosing(), phone.adding.state.value)
        }
        assertEquals(emptyList<Any>(), phone.codes())
    }

    @Test
    fun whatIsKeptIsWhatWasShownAndASecondTimeItIsKnown() {
        val phone = Fresh()
        val file = acceptedFile("aegis, encrypted")
        val shown = (phone.adding.looksAt(file.bytes, file.password) as AddState.FoundInFile).codes
        phone.adding.keep()
        val told = Told(Sentence.APP_CODES_ADDED, mapOf("count" to "${shown.codes.size}"))
        assertEquals(AddState.Done(told), phone.adding.settled())
        assertEquals(
            shown.codes.map { listOf(it.issuer, it.account, it.group) },
            phone.codes().map { listOf(it.issuer, it.account, it.group) },
        )
        val again = (phone.adding.looksAt(file.bytes, file.password) as AddState.FoundInFile).codes
        assertTrue(again.codes.all { it.standing == io.github.countersign.CodeStanding.KNOWN })
    }

    @Test
    fun anEncryptedFileAsksForItsPasswordAndAsksAgainAfterAWrongOne() {
        for (file in acceptedFiles.filter { it.password != null && it.groups.isNotEmpty() }) {
            val phone = Fresh()
            phone.adding.takeFile(shared.of(file.bytes).toString())
            assertEquals(file.name, AddState.Password(Told(Sentence.LINK_PASSWORD_NEEDED)), phone.adding.settled())
            repeat(2) {
                phone.adding.openFile("not the password")
                val asked = phone.adding.settled()
                assertEquals(file.name, AddState.Password(Told(Sentence.LINK_WRONG_PASSWORD)), asked)
            }
            phone.adding.openFile(checkNotNull(file.password))
            assertTrue(file.name, phone.adding.settled() is AddState.FoundInFile)
        }
    }

    @Test
    fun hostileAndDamagedFilesAreRefusedInWords() {
        val phone = Fresh()
        assertTrue(refusedFiles.size >= 40)
        for (file in refusedFiles) {
            val sentence = checkNotNull(sentenceFromKey("link_${file.reason}"))
            val now = phone.adding.looksAt(file.bytes, file.password)
            val told = (now as? AddState.Password)?.told ?: (now as AddState.Choosing).told
            assertEquals(file.name, Told(sentence), told)
            phone.adding.leave()
        }
        val nothingAtAll = phone.adding.looksAt(ByteArray(2000) { 0xFF.toByte() }, null)
        assertEquals(AddState.Choosing(Told(Sentence.LINK_UNKNOWN_FILE)), nothingAtAll)
        assertEquals(emptyList<Any>(), phone.codes())
    }

    @Test
    fun nothingIsReadBeyondTheLargestFile() {
        var read = 0L
        val endless =
            object : InputStream() {
                override fun read(): Int = ' '.code.also { read += 1 }

                override fun read(into: ByteArray, offset: Int, length: Int): Int {
                    into.fill(' '.code.toByte(), offset, offset + length)
                    read += length
                    return length
                }
            }
        val phone = Fresh()
        phone.adding.takeFile(shared.reading { endless }.toString())
        assertEquals(AddState.Choosing(Told(Sentence.LINK_LARGE_FILE)), phone.adding.settled())
        assertEquals(mostBytesOfCodeFile().toLong() + 1, read)
    }

    @Test
    fun aDocumentThatCannotBeReadSaysSo() {
        val phone = Fresh()
        phone.adding.takeFile(shared.reading { throw java.io.FileNotFoundException() }.toString())
        assertEquals(AddState.Choosing(Told(Sentence.APP_FILE_UNREADABLE)), phone.adding.settled())
        // Another app may name a file of this app's own.
        phone.adding.takeFile(android.net.Uri.fromFile(java.io.File(app.filesDir, "x")).toString())
        assertEquals(AddState.Choosing(Told(Sentence.APP_FILE_UNREADABLE)), phone.adding.settled())
    }

    @Test
    fun whoLeavesWhileAFileIsOpenedKeepsNothingAndSeesNothingOfItLater() {
        val phone = Fresh()
        val file = acceptedFile("our own")
        phone.adding.takeFile(shared.of(file.bytes).toString())
        phone.adding.settled()
        phone.adding.openFile(checkNotNull(file.password))
        phone.adding.leave()
        assertEquals(AddState.Choosing(), phone.adding.state.value)
        // Its password would open it, and there is nothing to open.
        phone.adding.openFile(checkNotNull(file.password))
        phone.adding.keep()
        assertEquals(AddState.Choosing(), phone.adding.state.value)
        assertEquals(emptyList<Any>(), phone.codes())
    }

    @Test
    fun whatOnePhoneExportsAnotherTakes() {
        val (phone, other) = Fresh() to Fresh()
        runBlocking {
            phone.core.use { core ->
                val bank = core.addCodes(LINKS).codes.single { it.issuer == "Bank" }
                core.groupForeignCode(bank.id, "Money")
                core.arrangeForeignCodes(core.foreignCodes().map { it.id }.reversed())
            }
        }
        val clock = object : Clock {
            override fun now(): Instant = Instant.parse("2026-11-27T12:00:00Z")
        }
        val exporting = phone.exporting(ScriptedPerson(), mustAsk = false, clock)
        exporting.seal(PASSWORD, PASSWORD)
        val name = exporting.state.await { it != ExportState.Working }
        assertEquals(ExportState.Choosing("countersign-codes-2026-11-27.json"), name)
        val (document, written) = shared.toWrite()
        exporting.write(document.toString())
        exporting.state.await { it == ExportState.Done }
        assertFalse("no secret is in the file", "JBSWY3DPEHPK3PXP" in written.toString())

        other.adding.looksAt(written.toByteArray(), PASSWORD)
        other.adding.keep()
        assertTrue(other.adding.settled() is AddState.Done)
        val names = { fresh: Fresh -> fresh.codes().map { listOf(it.issuer, it.account, it.group) } }
        assertEquals(names(phone), names(other))
        assertEquals(listOf("Mail", "Bank", "Forge"), other.codes().map { it.issuer })
        val digits = { fresh: Fresh ->
            val bank = fresh.codes().single { it.issuer == "Bank" }
            runBlocking { fresh.core.use { it.nextForeignCode(bank.id) } }
        }
        assertEquals("the counter comes along", digits(phone), digits(other))
    }

    @Test
    fun thePersonIsAskedBeforeTheCodesLeaveAndWhatIsTypedIsChecked() {
        val phone = Fresh()
        runBlocking { phone.core.use { it.addCodes(LINKS) } }
        val person = ScriptedPerson()
        val exporting = phone.exporting(person, mustAsk = true)
        val told = { password: String, again: String ->
            exporting.seal(password, again)
            (exporting.state.await { it != ExportState.Working } as? ExportState.Asking)?.told?.sentence
        }
        assertEquals(Sentence.APP_PASSWORDS_DIFFER, told(PASSWORD, "$PASSWORD "))
        assertEquals("nobody is asked for that", 0, person.asked.size)
        person.agrees = false
        assertEquals(Sentence.APP_EXPORT_NOT_CONFIRMED, told(PASSWORD, PASSWORD))
        person.isSecure = false
        assertEquals(Sentence.APP_NO_SCREEN_LOCK, told(PASSWORD, PASSWORD))
        person.isSecure = true
        person.agrees = true
        assertEquals(Sentence.ERROR_SHORT_PASSWORD, told("fourteen chars", "fourteen chars"))
        assertEquals(null, told("fifteen charact", "fifteen charact"))
        assertEquals(3, person.asked.size)
        exporting.write(null)
        assertEquals("who chooses no place is where they were", ExportState.Asking(), exporting.state.value)
    }

    @Test
    fun whatCannotBeWrittenIsSaidAndNotLeftHalf() {
        val phone = Fresh()
        val exporting = phone.exporting(ScriptedPerson(), mustAsk = false)
        val written = { document: android.net.Uri ->
            exporting.seal(PASSWORD, PASSWORD)
            exporting.state.await { it is ExportState.Choosing }
            exporting.write(document.toString())
            (exporting.state.await { it is ExportState.Asking } as ExportState.Asking).told?.sentence
        }
        val full = shared.full()
        assertEquals(Sentence.APP_EXPORT_FAILED, written(full))
        assertEquals(listOf(full), shared.removed)
        shared.isReadOnly = true
        assertEquals(Sentence.APP_EXPORT_LEFT, written(shared.full()))
        shared.isReadOnly = false
        // A place that is chosen for an export that the end of the process took along.
        val (document, nothing) = shared.toWrite()
        exporting.write(document.toString())
        val now = exporting.state.await { it is ExportState.Asking } as ExportState.Asking
        assertEquals(Sentence.APP_EXPORT_INTERRUPTED, now.told?.sentence)
        assertEquals(0, nothing.size())
        assertTrue(document in shared.removed)
    }
}
