package io.github.countersign.android.add

import io.github.countersign.AuthenticatorException
import io.github.countersign.CodeFile
import io.github.countersign.FoundCodes
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.platform.Documents
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.mostBytesOfCodeFile
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch

/**
 * What is behind adding codes from files, which are read and opened one after the other. What was read of one and what
 * they hold are in memory while the person looks at it, and nowhere else; a password goes once it is tried.
 */
internal class FileModel(
    private val core: Core,
    private val documents: Documents,
    private val shown: MutableStateFlow<AddState>,
    private val password: Typed,
    private val scope: CoroutineScope,
) {
    private var choice = ChosenFiles.none
    private val looked = mutableListOf<Looked>()
    private var bytes: ByteArray? = null
    private var working: Job? = null

    /** A file that was read: what is told of it, and what would be kept of it. */
    private class Looked(val report: FileReport, val opened: CodeFile?)

    private sealed interface Look {
        class Asks(val told: Told) : Look

        class Of(val outcome: FileOutcome, val opened: CodeFile? = null) : Look
    }

    /** Which files are looked at; none once they are kept or left. */
    @get:Synchronized
    val chosen: ChosenFiles get() = choice

    /** Reads these files, and opens each that needs no password. */
    @Synchronized
    fun take(chosen: ChosenFiles) {
        forget()
        choice = chosen
        working { lookOn() }
    }

    /** Opens the file that is asked about with this password. */
    @Synchronized
    fun open(password: String) {
        val read = bytes ?: return
        working { lookOn(read, password) }
    }

    /** Goes on without the file that is asked about. */
    @Synchronized
    fun leaveOut() {
        if (bytes == null) return
        working {
            val name = nameOf(looked.size)
            step { found(Look.Of(FileOutcome.LeftOut), name) }
            lookOn()
        }
    }

    /** Keeps what is in them; the one file that was chosen is told of in this way. */
    fun keep(kept: (FoundCodes) -> AddState) {
        val files = synchronized(this) { looked.toList() }
        if (files.none { it.opened != null }) return
        working {
            val now =
                if (choice.isOne) {
                    kept(core.use { it.addCodeFile(checkNotNull(files.single().opened)) })
                } else {
                    AddState.KeptFiles(files.map { keptOf(it) }, choice.notRead).also { core.touched() }
                }
            (
                {
                    forget()
                    shown.value = now
                }
                )
        }
    }

    /** Lets everything go. What was not kept by then is not kept. */
    @Synchronized
    fun leave() {
        working?.cancel()
        working = null
        forget()
        if (shown.value.isOfFile()) shown.value = AddState.Choosing()
    }

    /** Does something that takes a while, and shows what came of it, unless the person has left meanwhile. */
    @Synchronized
    private fun working(work: suspend () -> () -> Unit) {
        working?.cancel()
        shown.value = AddState.Opening(placeOf(looked.size, null))
        working =
            scope.launch {
                val show =
                    try {
                        work()
                    } catch (failure: AuthenticatorException) {
                        choosing(failure.told())
                    }
                synchronized(this@FileModel) { if (isActive) show() }
            }
    }

    /** Does this at once and whole, unless the person has left meanwhile. */
    private suspend fun step(work: () -> Unit) {
        val context = currentCoroutineContext()
        synchronized(this) {
            context.ensureActive()
            work()
        }
    }

    /** Looks at all that was not looked at, the first of which may be read already and have a password. */
    private suspend fun lookOn(first: ByteArray? = null, password: String? = null): () -> Unit {
        var known = first
        var given = password
        while (looked.size < choice.documents.size) {
            val at = looked.size
            val name = nameOf(at)
            step { shown.value = AddState.Opening(placeOf(at, name)) }
            // One byte more than is read at all, so that the library says that it is too large.
            val read = known ?: documents.read(choice.documents[at], mostBytesOfCodeFile().toInt() + 1)
            val look = look(read, given)
            if (look is Look.Asks) return asking(read, look.told, placeOf(at, name))
            known = null
            given = null
            try {
                step { found(look as Look.Of, name) }
            } catch (left: CancellationException) {
                (look as Look.Of).opened?.close()
                throw left
            }
        }
        return report()
    }

    private suspend fun look(read: ByteArray?, password: String?): Look {
        if (read == null) return Look.Of(FileOutcome.Refused(Told(Sentence.APP_FILE_UNREADABLE)))
        val opened =
            try {
                CodeFile.open(read, password)
            } catch (failure: AuthenticatorException) {
                val asks = failure is AuthenticatorException.PasswordNeeded ||
                    failure is AuthenticatorException.WrongPassword
                return if (asks) Look.Asks(failure.told()) else Look.Of(FileOutcome.Refused(failure.told()))
            }
        val outcome =
            try {
                outcomeOf(core.use { it.previewCodeFile(opened) })
            } catch (failure: AuthenticatorException) {
                FileOutcome.Refused(failure.told())
            }
        if (outcome is FileOutcome.Holds) return Look.Of(outcome, opened)
        opened.close()
        return Look.Of(outcome)
    }

    private fun outcomeOf(found: FoundCodes): FileOutcome {
        val refused = found.notTaken.singleOrNull()?.takeIf { found.codes.isEmpty() && it.name.isEmpty() }
        return when {
            refused != null -> FileOutcome.Refused(Told(refused.sentence, refused.values))

            found.codes.isEmpty() && found.notTaken.isEmpty() ->
                FileOutcome.Refused(Told(Sentence.APP_NO_CODES_OF_OTHERS))

            else -> FileOutcome.Holds(found)
        }
    }

    private fun found(look: Look.Of, name: String?) {
        bytes = null
        password.forget()
        looked += Looked(FileReport(looked.size + 1, name, look.outcome), look.opened)
    }

    private suspend fun keptOf(file: Looked): FileReport {
        val opened = file.opened ?: return file.report
        val outcome =
            try {
                FileOutcome.Kept(core.use { it.addCodeFile(opened) })
            } catch (failure: AuthenticatorException) {
                FileOutcome.Refused(failure.told())
            }
        return file.report.copy(outcome = outcome)
    }

    private suspend fun nameOf(at: Int): String? = if (choice.isOne) null else documents.name(choice.documents[at])

    private fun placeOf(at: Int, name: String?): FilePlace? =
        if (choice.isOne) null else FilePlace(at + 1, choice.documents.size, name)

    private fun report(): () -> Unit {
        val outcome = looked.singleOrNull()?.takeIf { choice.isOne }?.report?.outcome
        return when (outcome) {
            is FileOutcome.Holds -> showing(AddState.FoundInFile(outcome.codes))
            is FileOutcome.Refused -> choosing(outcome.told)
            else -> showing(AddState.FoundInFiles(looked.map { it.report }, choice.notRead))
        }
    }

    private fun showing(state: AddState): () -> Unit = { shown.value = state }

    private fun asking(read: ByteArray?, told: Told, place: FilePlace?): () -> Unit = {
        bytes = read
        password.forget()
        shown.value = AddState.Password(told, place)
    }

    private fun choosing(told: Told): () -> Unit = {
        forget()
        shown.value = AddState.Choosing(told)
    }

    private fun forget() {
        bytes = null
        password.forget()
        choice = ChosenFiles.none
        looked.forEach { it.opened?.close() }
        looked.clear()
    }
}

/** True while a file is looked at. */
internal fun AddState.isOfFile(): Boolean = this is AddState.Opening || this is AddState.Password ||
    this is AddState.FoundInFile || this is AddState.FoundInFiles
