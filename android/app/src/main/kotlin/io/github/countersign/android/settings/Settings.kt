package io.github.countersign.android.settings

import android.content.SharedPreferences
import androidx.core.content.edit
import io.github.countersign.Language
import io.github.countersign.android.look.Appearance
import io.github.countersign.android.words.tagOf
import io.github.countersign.languageFromTag
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** What a person has chosen. */
data class Choices(
    /** The app opens only for its owner. */
    val isLocked: Boolean = false,
    /** Each YES asks for the owner. */
    val mustConfirm: Boolean = false,
    /** Codes are shown when they are tapped. */
    val areCodesHidden: Boolean = false,
    /** Null is the system's. */
    val language: Language? = null,
    val appearance: Appearance = Appearance.SYSTEM,
    /** True once the app has asked for notifications, so that it asks once. */
    val wasAskedForNotifications: Boolean = false,
)

/** Keeps what a person has chosen. */
interface Settings {
    /** What is chosen at this moment. */
    val choices: StateFlow<Choices>

    /** Chooses. */
    fun change(how: (Choices) -> Choices)
}

/** The choices, in the app's own file. */
class KeptSettings(private val file: SharedPreferences) : Settings {
    private val kept = MutableStateFlow(read())

    override val choices: StateFlow<Choices> = kept.asStateFlow()

    @Synchronized
    override fun change(how: (Choices) -> Choices) {
        val now = how(kept.value)
        file.edit(commit = true) {
            putBoolean("locked", now.isLocked)
            putBoolean("confirm", now.mustConfirm)
            putBoolean("hidden", now.areCodesHidden)
            putString("language", now.language?.let(::tagOf))
            putString("appearance", now.appearance.name)
            putBoolean("asked", now.wasAskedForNotifications)
        }
        kept.value = now
    }

    private fun read() = Choices(
        isLocked = file.getBoolean("locked", false),
        mustConfirm = file.getBoolean("confirm", false),
        areCodesHidden = file.getBoolean("hidden", false),
        language = file.getString("language", null)?.let(::languageFromTag),
        appearance =
        Appearance.entries.firstOrNull { it.name == file.getString("appearance", null) } ?: Appearance.SYSTEM,
        wasAskedForNotifications = file.getBoolean("asked", false),
    )
}
