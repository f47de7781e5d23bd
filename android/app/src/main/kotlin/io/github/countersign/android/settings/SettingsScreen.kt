package io.github.countersign.android.settings

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.foundation.selection.toggleable
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.RadioButton
import androidx.compose.material3.Switch
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.unit.dp
import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.look.Appearance
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.ownNameOf

/** What the settings ask for. */
interface SettingsActions {
    /** Locks the app, or no longer. */
    fun lock(isWanted: Boolean)

    /** Has each YES confirmed, or no longer. */
    fun confirmEach(isWanted: Boolean)

    /** Hides codes until they are tapped. */
    fun hideCodes(isWanted: Boolean)

    /** Chooses a language; null is the system's. */
    fun speak(language: Language?)

    /** Chooses light or dark. */
    fun look(appearance: Appearance)

    /** Has the system allow notifications. */
    fun allowNotifications()

    /** Has the system let the app work in the background. */
    fun exemptFromBattery()

    /** Opens the system's settings of the screen lock. */
    fun screenLock()

    /** Copies what an administrator may need. */
    fun copyDiagnostics()
}

/** The settings. */
@Composable
fun SettingsScreen(state: SettingsState, actions: SettingsActions) = Page {
    val choices = state.choices
    Heading(text(Sentence.APP_SETTINGS))
    state.told?.let { Notice(it) }
    if (state.needsScreenLock) WideOutlined(Sentence.APP_SYSTEM_SETTINGS, onClick = actions::screenLock)
    Choice(Sentence.APP_LOCK, Sentence.APP_LOCK_EXPLAINED, choices.isLocked, actions::lock)
    Choice(Sentence.APP_VERIFY, Sentence.APP_VERIFY_EXPLAINED, choices.mustConfirm, actions::confirmEach)
    Choice(Sentence.APP_HIDE_CODES, null, choices.areCodesHidden, actions::hideCodes)
    HorizontalDivider()
    Notifications(state, actions)
    HorizontalDivider()
    OneOf(Sentence.APP_LANGUAGE, listOf(null) + Language.entries, choices.language, {
        it?.let(::ownNameOf)
            ?: text(Sentence.APP_AS_SYSTEM)
    }, actions::speak)
    HorizontalDivider()
    OneOf(Sentence.APP_THEME, Appearance.entries, choices.appearance, { text(nameOf(it)) }, actions::look)
    HorizontalDivider()
    Text(text(Sentence.APP_DIAGNOSTICS_EXPLAINED), style = MaterialTheme.typography.bodyMedium)
    WideOutlined(Sentence.APP_DIAGNOSTICS, onClick = actions::copyDiagnostics)
}

@Composable
private fun ColumnScope.Notifications(state: SettingsState, actions: SettingsActions) {
    Text(text(Sentence.ACCOUNT_NOTIFICATIONS), style = MaterialTheme.typography.titleMedium)
    Text(text(state.push), style = MaterialTheme.typography.bodyLarge)
    if (!state.areNotificationsAllowed) NotificationsOff(actions::allowNotifications)
    if (!state.isBatteryExempt) {
        Text(text(Sentence.APP_BATTERY_EXPLAINED), style = MaterialTheme.typography.bodyMedium)
        WideOutlined(Sentence.APP_BATTERY, onClick = actions::exemptFromBattery)
    }
}

/** That no notification comes, and the way back. */
@Composable
fun NotificationsOff(allow: () -> Unit) = Column(verticalArrangement = Arrangement.spacedBy(8.dp)) {
    Text(text(Sentence.APP_NOTIFICATIONS_OFF), style = MaterialTheme.typography.bodyLarge)
    WideOutlined(Sentence.APP_NOTIFICATIONS_ALLOW, onClick = allow)
}

@Composable
private fun Choice(label: Sentence, explained: Sentence?, isOn: Boolean, change: (Boolean) -> Unit) =
    Line(Modifier.toggleable(isOn, role = Role.Switch, onValueChange = change)) {
        Column(Modifier.weight(1f)) {
            Text(text(label), style = MaterialTheme.typography.titleMedium)
            explained?.let { Text(text(it), style = MaterialTheme.typography.bodyMedium) }
        }
        Switch(isOn, null)
    }

@Composable
private fun <T> OneOf(label: Sentence, all: List<T>, chosen: T, name: @Composable (T) -> String, choose: (T) -> Unit) =
    Column(Modifier.selectableGroup()) {
        Text(text(label), style = MaterialTheme.typography.titleMedium)
        for (one in all) {
            Line(Modifier.selectable(one == chosen, role = Role.RadioButton) { choose(one) }) {
                RadioButton(one == chosen, null)
                Text(name(one), style = MaterialTheme.typography.bodyLarge)
            }
        }
    }

private fun nameOf(appearance: Appearance): Sentence = when (appearance) {
    Appearance.SYSTEM -> Sentence.APP_AS_SYSTEM
    Appearance.LIGHT -> Sentence.APP_LIGHT
    Appearance.DARK -> Sentence.APP_DARK
}
