package io.github.countersign.android.add

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.AuthenticatorException
import io.github.countersign.CodeStanding
import io.github.countersign.FoundCodes
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.notices.Arrivals
import io.github.countersign.android.platform.Documents
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.toldOfLink
import io.github.countersign.sentenceForEnd
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** How long one question to the server waits for the digits to be typed on the page. */
private const val WAIT_SECONDS = 30u

/** How long the phone waits before it asks a server again that did not answer. */
private const val PATIENCE = 3_000L

/** What the screen of adding shows. */
sealed interface AddState {
    /** The ways, and what came of the last one. */
    data class Choosing(val told: Told? = null) : AddState

    /** The server is being asked. */
    data object Working : AddState

    /** These digits are to be typed on the page. */
    data class Digits(val account: Account, val digits: String) : AddState

    /** These codes of other services are about to be kept. */
    data class Found(val text: String, val codes: FoundCodes) : AddState

    /** A file is read and opened, which takes as long as the app that wrote it wants. Of several it is this one. */
    data class Opening(val place: FilePlace? = null) : AddState

    /** A file needs its password; this says so, or that the last one was wrong. Of several it is this one. */
    data class Password(val told: Told, val place: FilePlace? = null) : AddState

    /** The codes of this file are about to be kept. */
    data class FoundInFile(val codes: FoundCodes) : AddState

    /** The codes of these files are about to be kept; so many were not read. */
    data class FoundInFiles(val files: List<FileReport>, val notRead: Int) : AddState

    /** What came of these files. */
    data class KeptFiles(val files: List<FileReport>, val notRead: Int) : AddState

    /** It is there. */
    data class Done(val told: Told) : AddState
}

/** What is behind adding an account, or the code of another service. */
class AddModel(
    private val core: Core,
    private val arrivals: Arrivals,
    documents: Documents,
    private val deviceName: String,
    private val mayEnrol: () -> Boolean,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow<AddState>(AddState.Choosing())

    /** What is typed. */
    val typed = AddFields()
    private val files = FileModel(core, documents, shown, typed.password, scope)

    /** What the screen shows. */
    val state: StateFlow<AddState> = shown.asStateFlow()

    /** Which files are looked at, so that they need not be chosen again after the end of the process. */
    val chosen: ChosenFiles get() = files.chosen

    /** Takes files that other apps exported, or this one. */
    fun takeFiles(chosen: ChosenFiles) = files.take(chosen)

    /** Opens the file with this password. */
    fun openFile(password: String) = files.open(password)

    /** Goes on without the file whose password is asked for. */
    fun leaveOutFile() = files.leaveOut()

    /** The person has left: lets what was typed go, and a file that was not kept. */
    fun leave() {
        files.leave()
        typed.forget()
    }

    /** Takes what was scanned, pasted or opened, whatever it is: a link of ours, or codes of other services. */
    fun take(text: String) = working {
        val found = core.use { it.previewCodes(text) }
        val isOurs = found.notTaken.any { it.sentence == Sentence.LINK_ENROLMENT }
        if (isOurs) enrol(text) else offer(text, found)
    }

    /** Takes a key that was typed, under these names. */
    fun takeKey(key: String, service: String, account: String) =
        working { shown.value = kept(core.use { it.addKey(key, service.ifBlank { null }, account) }) }

    /** Keeps what was found. */
    fun keep() {
        when (val found = shown.value) {
            is AddState.Found -> working { shown.value = kept(core.use { it.addCodes(found.text) }) }
            is AddState.FoundInFile, is AddState.FoundInFiles -> files.keep(::kept)
            else -> Unit
        }
    }

    /** Shows the ways again. */
    fun startAgain() {
        leave()
        shown.value = AddState.Choosing()
    }

    /** Says what came of a picture or the camera when it was no code. */
    fun say(sentence: Sentence) {
        files.leave()
        shown.value = AddState.Choosing(Told(sentence))
    }

    private fun working(work: suspend () -> Unit) {
        val before = shown.value
        if (before is AddState.Working || before is AddState.Opening) return
        if (!shown.compareAndSet(before, AddState.Working)) return
        scope.launch {
            try {
                work()
            } catch (failure: AuthenticatorException) {
                shown.value = AddState.Choosing(failure.toldOfLink())
            }
        }
    }

    private fun offer(text: String, found: FoundCodes) {
        val refused = found.notTaken.firstOrNull()
        shown.value =
            when {
                found.codes.isEmpty() && refused != null -> AddState.Choosing(Told(refused.sentence, refused.values))

                found.codes.isEmpty() -> AddState.Choosing(Told(Sentence.LINK_NONE))

                found.codes.all {
                    it.standing == CodeStanding.KNOWN
                } -> AddState.Choosing(Told(Sentence.APP_CODE_KNOWN))

                else -> AddState.Found(text, found)
            }
    }

    private fun kept(found: FoundCodes): AddState {
        core.touched()
        val refused = found.notTaken.firstOrNull()
        return when {
            found.codes.isNotEmpty() -> AddState.Done(toldOfKept(found)).also { typed.forget() }
            refused != null -> AddState.Choosing(Told(refused.sentence, refused.values))
            else -> AddState.Choosing(Told(Sentence.LINK_NONE))
        }
    }

    private suspend fun enrol(link: String) {
        if (!mayEnrol()) {
            shown.value = AddState.Choosing(Told(Sentence.APP_NO_SCREEN_LOCK))
            return
        }
        val account = core.use { it.enrol(link, deviceName) }
        typed.forget()
        core.touched()
        show(account)
        while (shown.value is AddState.Digits) {
            try {
                arrivals.pull(account.id, WAIT_SECONDS)
            } catch (_: AuthenticatorException) {
                // The digits stay on the screen; the server is asked again.
                delay(PATIENCE)
            }
            core.use { it.accounts() }.firstOrNull { it.id == account.id }?.let(::show)
        }
    }

    private fun show(account: Account) {
        shown.value =
            when (val state = account.state) {
                is AccountState.Proposed -> AddState.Digits(account, state.confirmationCode)
                AccountState.Confirmed -> AddState.Done(Told(Sentence.ACCOUNT_READY))
                is AccountState.Ended -> AddState.Choosing(Told(sentenceForEnd(state.reason)))
            }
    }
}
