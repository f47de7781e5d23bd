package io.github.countersign.android.account

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import io.github.countersign.Account
import io.github.countersign.Device
import io.github.countersign.EnrolmentState
import io.github.countersign.Sentence
import io.github.countersign.android.accounts.stateOf
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Sure
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told
import kotlin.math.abs

/** What the screen of an account asks for. */
interface AccountActions {
    /** Asks the server again. */
    fun tryAgain()

    /** Removes the account, its server first. */
    fun remove()

    /** Removes it from this phone alone. */
    fun forget()

    /** Leaves. */
    fun leave()
}

/** One account: its state, its devices, and its removal. */
@Composable
fun AccountScreen(state: AccountDetails, actions: AccountActions) {
    if (state.isGone) {
        return Page {
            Heading(text(Sentence.ACCOUNT_REMOVED))
            Wide(Sentence.APP_DONE, onClick = actions::leave)
        }
    }
    when (val account = state.account) {
        Loaded.Loading -> OneMoment()

        is Loaded.Failed -> Failure(account.told, actions::tryAgain)

        is Loaded.There ->
            Page {
                Names(account.value)
                state.push?.let { Notice(it) }
                if (!account.value.isEnded()) Devices(state.devices, actions::tryAgain)
                Removal(account.value, state, actions)
            }
    }
}

@Composable
private fun Names(account: Account) {
    Heading(account.organisation)
    Text(account.account, style = MaterialTheme.typography.titleLarge)
    Text(account.serverUrl, style = MaterialTheme.typography.bodyMedium)
    Text(text(stateOf(account) ?: Told(Sentence.ACCOUNT_READY)), style = MaterialTheme.typography.bodyLarge)
    clockOf(account)?.let { Notice(it) }
}

/** From half a minute on, a wrong clock is worth telling. */
private fun clockOf(account: Account): Told? {
    val minutes = (abs(account.clockOffsetMs) + 30_000) / 60_000
    if (minutes == 0L) return null
    val sentence = if (account.clockOffsetMs > 0) Sentence.CODE_CLOCK_BEHIND else Sentence.CODE_CLOCK_AHEAD
    return Told(sentence, mapOf("minutes" to minutes.toString()))
}

@Composable
private fun ColumnScope.Devices(devices: Loaded<List<Device>>, tryAgain: () -> Unit) {
    Text(text(Sentence.APP_DEVICES), style = MaterialTheme.typography.titleMedium)
    when (devices) {
        Loaded.Loading -> Notice(Told(Sentence.APP_ONE_MOMENT))

        is Loaded.Failed -> {
            Notice(devices.told)
            WideOutlined(Sentence.APP_TRY_AGAIN, onClick = tryAgain)
        }

        is Loaded.There -> devices.value.forEach { DeviceLine(it) }
    }
}

@Composable
private fun DeviceLine(device: Device) = Line {
    Column {
        Text(device.name, style = MaterialTheme.typography.titleMedium)
        val words = LocalWords.current
        val state =
            when (device.state) {
                EnrolmentState.PROPOSED -> words[Sentence.ACCOUNT_WAITS_FOR_CONFIRMATION]
                EnrolmentState.VOID -> words[Sentence.APP_DEVICE_ENDED]
                EnrolmentState.CONFIRMED -> null
            }
        val here = words[Sentence.APP_THIS_DEVICE].takeIf { device.thisDevice }
        val told = listOfNotNull(here, state, words.dayAndTime(device.enrolledAt)).joinToString("\n")
        Text(told, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
    }
}

@Composable
private fun Removal(account: Account, state: AccountDetails, actions: AccountActions) {
    var isAsking by rememberSaveable { mutableStateOf(false) }
    state.notRemoved?.let {
        Notice(it)
        Text(text(Sentence.APP_FORGET_EXPLAINED), style = MaterialTheme.typography.bodyMedium)
        Quiet(Sentence.APP_FORGET, !state.isRemoving, actions::forget)
    }
    WideOutlined(Sentence.ACCOUNT_REMOVE, !state.isRemoving) { isAsking = true }
    if (isAsking) {
        Sure(Sentence.ACCOUNT_REMOVE_QUESTION, { isAsking = false }) {
            isAsking = false
            if (account.isEnded()) actions.forget() else actions.remove()
        }
    }
}
