package io.github.countersign.android.add

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.input.KeyboardCapitalization
import androidx.compose.ui.text.input.KeyboardType
import io.github.countersign.Sentence
import io.github.countersign.android.accounts.grouped
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** What the screen of adding asks for. */
interface AddActions {
    /** Opens the camera. */
    fun scan()

    /** Lets the person choose a picture. */
    fun picture()

    /** Lets the person choose a file of codes. */
    fun file()

    /** Opens that file with this password. */
    fun openFile(password: String)

    /** Takes a link. */
    fun take(text: String)

    /** Takes a key. */
    fun takeKey(key: String, service: String, account: String)

    /** Keeps what was found. */
    fun keep()

    /** Shows the ways again. */
    fun startAgain()

    /** Opens the system's settings of the screen lock. */
    fun systemSettings()

    /** Leaves. */
    fun leave()
}

/** Adding an account, or the code of another service. */
@Composable
fun AddScreen(state: AddState, actions: AddActions) = when (state) {
    is AddState.Choosing -> Choosing(state.told, actions)
    AddState.Working -> OneMoment()
    is AddState.Digits -> Digits(state, actions)
    is AddState.Found -> FoundScreen(state.codes, actions::keep, actions::startAgain)
    AddState.Opening -> Opening(actions::startAgain)
    is AddState.Password -> PasswordOfFile(state.told, actions::openFile, actions::startAgain)
    is AddState.FoundInFile -> FoundScreen(state.codes, actions::keep, actions::startAgain)
    is AddState.Done -> Done(state.told, actions)
}

@Composable
private fun Choosing(told: Told?, actions: AddActions) {
    var isTyping by rememberSaveable { mutableStateOf(false) }
    Page {
        Heading(text(Sentence.APP_BEGIN))
        told?.let {
            Notice(it)
            if (it.sentence ==
                Sentence.APP_NO_SCREEN_LOCK
            ) {
                WideOutlined(Sentence.APP_SYSTEM_SETTINGS, onClick = actions::systemSettings)
            }
        }
        if (isTyping) {
            KeyFields(actions)
        } else {
            Wide(Sentence.ACCOUNT_SCAN, onClick = actions::scan)
            WideOutlined(Sentence.APP_SCAN_PICTURE, onClick = actions::picture)
            WideOutlined(Sentence.APP_FROM_FILE, onClick = actions::file)
            LinkField(actions)
            Quiet(Sentence.APP_TYPE_KEY) { isTyping = true }
        }
    }
}

// What is typed here is a secret: it is remembered while the screen is there, and not written down.

@Composable
private fun LinkField(actions: AddActions) {
    var link by remember { mutableStateOf("") }
    Text(text(Sentence.ACCOUNT_PASTE_LINK), style = MaterialTheme.typography.titleMedium)
    Field(Sentence.ACCOUNT_LINK_LABEL, link, KeyboardType.Uri, "link") { link = it }
    WideOutlined(Sentence.ACCOUNT_ADD, link.isNotBlank()) { actions.take(link) }
}

@Composable
private fun KeyFields(actions: AddActions) {
    var key by remember { mutableStateOf("") }
    var service by remember { mutableStateOf("") }
    var account by remember { mutableStateOf("") }
    Field(Sentence.APP_SERVICE_LABEL, service, KeyboardType.Text, "service") { service = it }
    Field(Sentence.QUESTION_ACCOUNT, account, KeyboardType.Email, "account") { account = it }
    Field(Sentence.APP_KEY_LABEL, key, KeyboardType.Password, "key") { key = it }
    Wide(Sentence.ACCOUNT_ADD, key.isNotBlank()) { actions.takeKey(key, service, account) }
}

@Composable
private fun Field(label: Sentence, value: String, keyboard: KeyboardType, tag: String, change: (String) -> Unit) =
    OutlinedTextField(
        value,
        change,
        Modifier.fillMaxWidth().testTag(tag),
        label = { Text(text(label)) },
        keyboardOptions = KeyboardOptions(
            KeyboardCapitalization.None,
            autoCorrectEnabled = false,
            keyboardType = keyboard,
        ),
        singleLine = true,
    )

@Composable
private fun Digits(state: AddState.Digits, actions: AddActions) = Page {
    Heading(state.account.organisation)
    Text(state.account.account, style = MaterialTheme.typography.titleLarge)
    Notice(Told(Sentence.ACCOUNT_TYPE_THESE_DIGITS))
    val spoken = state.digits.toList().joinToString(" ")
    Text(
        grouped(state.digits),
        Modifier.semantics {
            contentDescription = spoken
        }.testTag("digits"),
        style = MaterialTheme.typography.displayLarge,
    )
    WideOutlined(Sentence.APP_DONE, onClick = actions::leave)
}

@Composable
private fun Done(told: Told, actions: AddActions) = Page {
    Heading(text(told))
    Wide(Sentence.APP_DONE, onClick = actions::leave)
    WideOutlined(Sentence.APP_BEGIN, onClick = actions::startAgain)
}
