package io.github.countersign.android.settings

import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.look.Appearance
import io.github.countersign.android.platform.SystemState
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.words.Told
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** What the screen of the settings shows. */
data class SettingsState(
    val choices: Choices,
    val areNotificationsAllowed: Boolean,
    /** True where the system lets the app work in the background already. */
    val isBatteryExempt: Boolean,
    val push: Told,
    /** What happened to the last choice. */
    val told: Told? = null,
    /** True when that needs the system's settings of the screen lock. */
    val needsScreenLock: Boolean = false,
)

/** What is behind the settings. */
class SettingsModel(
    private val settings: Settings,
    private val system: SystemState,
    private val prompt: PersonPrompt,
    private val push: PushWay,
    private val core: Core,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow(now())

    /** What the screen shows. */
    val state: StateFlow<SettingsState> = shown.asStateFlow()

    init {
        scope.launch { settings.choices.collect { choices -> shown.update { it.copy(choices = choices) } } }
    }

    /** Reads what the system says again, as when the person comes back from its settings. */
    fun look() = shown.update {
        now().copy(
            told = it.told,
            needsScreenLock =
            it.needsScreenLock && !prompt.isDeviceSecure(),
        )
    }

    /** Locks the app, or no longer; only its owner may say so. */
    fun lock(isWanted: Boolean) = confirmed { settings.change { it.copy(isLocked = isWanted) } }

    /** Has each YES confirmed, or no longer; only the owner may say so. */
    fun confirmEach(isWanted: Boolean) = confirmed { settings.change { it.copy(mustConfirm = isWanted) } }

    /** Hides codes until they are tapped. */
    fun hideCodes(isWanted: Boolean) = settings.change { it.copy(areCodesHidden = isWanted) }

    /** Chooses a language; null is the system's. */
    fun speak(language: Language?) = settings.change { it.copy(language = language) }

    /** Chooses light or dark. */
    fun look(appearance: Appearance) = settings.change { it.copy(appearance = appearance) }

    /** Versions and states, without names, codes, keys or addresses. */
    suspend fun diagnostics(): String {
        val accounts = core.use { it.accounts() }
        val lines = system.diagnostics() + listOf("push: ${push.javaClass.simpleName}", "accounts: ${accounts.size}")
        return (
            lines + accounts.map {
                "account: ${it.state.javaClass.simpleName}, clock offset ${it.clockOffsetMs} ms"
            }
            ).joinToString("\n")
    }

    private fun confirmed(change: () -> Unit) {
        if (!prompt.isDeviceSecure()) {
            shown.update { it.copy(told = Told(Sentence.APP_NO_SCREEN_LOCK), needsScreenLock = true) }
            return
        }
        scope.launch {
            val agreed = prompt.ask(Told(Sentence.APP_UNLOCK))
            if (agreed) change()
            shown.update {
                it.copy(told = if (agreed) null else Told(Sentence.ERROR_NOT_CONFIRMED), needsScreenLock = false)
            }
        }
    }

    private fun now() =
        SettingsState(settings.choices.value, system.areNotificationsAllowed(), system.isBatteryExempt(), push.told())
}
