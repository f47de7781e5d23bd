package io.github.countersign.android.export

import io.github.countersign.AuthenticatorException
import io.github.countersign.Clock
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.platform.Documents
import io.github.countersign.android.platform.Written
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import java.time.ZoneId
import java.util.concurrent.atomic.AtomicBoolean

/** What the screen of the export shows. */
sealed interface ExportState {
    /** The password is asked for, and what came of the last try is told. */
    data class Asking(val told: Told? = null) : ExportState

    /** The codes are being sealed, or written. */
    data object Working : ExportState

    /** They are sealed, and the person is to choose where a document of this name is made. */
    data class Choosing(val name: String) : ExportState

    /** The file is written. */
    data object Done : ExportState
}

/** The password, as it is typed twice. */
data class ExportFields(val password: Typed = Typed(), val again: Typed = Typed()) {
    /** Lets both go. */
    fun forget() {
        password.forget()
        again.forget()
    }
}

/**
 * What is behind the export of the codes of other services. They leave the library only sealed with the password;
 * what was sealed is in memory until it is written.
 */
class ExportModel(
    private val core: Core,
    private val prompt: PersonPrompt,
    private val mustAsk: () -> Boolean,
    private val documents: Documents,
    private val clock: Clock,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow<ExportState>(ExportState.Asking())

    @Volatile private var sealed: String? = null
    private val toBeChosen = AtomicBoolean()

    /** What the screen shows. */
    val state: StateFlow<ExportState> = shown.asStateFlow()

    /** What is typed. */
    val typed = ExportFields()

    /** Seals the codes with the password that was typed twice, once the person has agreed. */
    fun seal() {
        val password = typed.password.text
        val before = shown.value as? ExportState.Asking ?: return
        if (password != typed.again.text) {
            shown.value = ExportState.Asking(Told(Sentence.APP_PASSWORDS_DIFFER))
            return
        }
        if (!shown.compareAndSet(before, ExportState.Working)) return
        scope.launch {
            shown.value =
                try {
                    sealedWith(password)
                } catch (failure: AuthenticatorException) {
                    ExportState.Asking(failure.told())
                }
        }
    }

    /** True once for each sealed export: its place is to be chosen now. */
    fun mayChoose(): Boolean = toBeChosen.getAndSet(false)

    /** Writes what was sealed into this document, which is new; null when the person chose none. */
    fun write(document: String?) {
        val text = sealed
        sealed = null
        if (document == null) {
            shown.value = ExportState.Asking()
            return
        }
        shown.value = ExportState.Working
        scope.launch {
            shown.value =
                if (text == null) {
                    // The process ended while the place was chosen, and what was sealed with it.
                    val left = if (documents.remove(document)) null else Sentence.APP_EXPORT_LEFT
                    ExportState.Asking(Told(left ?: Sentence.APP_EXPORT_INTERRUPTED))
                } else {
                    written(documents.write(document, text))
                }
        }
    }

    private suspend fun sealedWith(password: String): ExportState {
        if (mustAsk()) {
            if (!prompt.isDeviceSecure()) return ExportState.Asking(Told(Sentence.APP_NO_SCREEN_LOCK))
            if (!prompt.ask(Told(Sentence.APP_EXPORT))) {
                return ExportState.Asking(Told(Sentence.APP_EXPORT_NOT_CONFIRMED))
            }
        }
        sealed = core.use { it.exportCodes(password) }
        typed.forget()
        toBeChosen.set(true)
        val today = clock.now().atZone(ZoneId.systemDefault()).toLocalDate()
        return ExportState.Choosing("countersign-codes-$today.json")
    }

    private fun written(written: Written): ExportState = when (written) {
        Written.WHOLE -> ExportState.Done
        Written.NOTHING -> ExportState.Asking(Told(Sentence.APP_EXPORT_FAILED))
        Written.LEFT -> ExportState.Asking(Told(Sentence.APP_EXPORT_LEFT))
    }
}
