package io.github.countersign.android.add

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
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
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told

/** What the screen of adding asks for. */
interface AddActions {
    /** Opens the camera. */
    fun scan()

    /** Lets the person choose a picture. */
    fun picture()

    /** Lets the person choose files of codes. */
    fun file()

    /** Opens that file with this password. */
    fun openFile(password: String)

    /** Goes on without that file, one of several. */
    fun leaveOutFile()

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
fun AddScreen(state: AddState, typed: AddFields, actions: AddActions) = when (state) {
    is AddState.Choosing -> Choosing(state.told, typed, actions)
    AddState.Working -> OneMoment()
    is AddState.Digits -> Digits(state, actions)
    is AddState.Found -> FoundScreen(state.codes, actions::keep, actions::startAgain)
    is AddState.Opening -> Opening(state.place, actions::startAgain)
    is AddState.Password -> PasswordOfFile(state, typed.password, actions)
    is AddState.FoundInFile -> FoundScreen(state.codes, actions::keep, actions::startAgain)
    is AddState.FoundInFiles -> FoundInFilesScreen(state, actions::keep, actions::startAgain)
    is AddState.KeptFiles -> KeptFilesScreen(state, actions::leave, actions::startAgain)
    is AddState.Done -> Done(state.told, actions)
}

@Composable
private fun Choosing(told: Told?, typed: AddFields, actions: AddActions) {
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
        if (typed.isKeyTyped) {
            KeyFields(typed, actions)
        } else {
            Wide(Sentence.ACCOUNT_SCAN, onClick = actions::scan)
            WideOutlined(Sentence.APP_SCAN_PICTURE, onClick = actions::picture)
            WideOutlined(Sentence.APP_FROM_FILE, onClick = actions::file)
            LinkField(typed.link, actions)
            Quiet(Sentence.APP_TYPE_KEY) { typed.isKeyTyped = true }
        }
    }
}

@Composable
private fun LinkField(link: Typed, actions: AddActions) {
    Text(text(Sentence.ACCOUNT_PASTE_LINK), style = MaterialTheme.typography.titleMedium)
    Field(Sentence.ACCOUNT_LINK_LABEL, link, KeyboardType.Uri, "link")
    WideOutlined(Sentence.ACCOUNT_ADD, link.text.isNotBlank()) { actions.take(link.text) }
}

@Composable
private fun KeyFields(typed: AddFields, actions: AddActions) {
    Field(Sentence.APP_SERVICE_LABEL, typed.service, KeyboardType.Text, "service")
    Field(Sentence.QUESTION_ACCOUNT, typed.account, KeyboardType.Email, "account")
    Field(Sentence.APP_KEY_LABEL, typed.key, KeyboardType.Password, "key")
    Wide(Sentence.ACCOUNT_ADD, typed.key.text.isNotBlank()) {
        actions.takeKey(typed.key.text, typed.service.text, typed.account.text)
    }
}

@Composable
private fun Field(label: Sentence, typed: Typed, keyboard: KeyboardType, tag: String) = OutlinedTextField(
    typed.text,
    { typed.text = it },
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
