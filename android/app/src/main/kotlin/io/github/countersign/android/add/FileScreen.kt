package io.github.countersign.android.add

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.clearAndSetSemantics
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.PasswordField
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told

/** While a file is opened. */
@Composable
internal fun Opening(place: FilePlace?, cancel: () -> Unit) = Page {
    place?.let { PlaceOf(it) }
    Notice(Told(Sentence.APP_FILE_OPENING))
    LinearProgressIndicator(Modifier.fillMaxWidth().clearAndSetSemantics {})
    WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
}

/** Asks for the password of a file. */
@Composable
internal fun PasswordOfFile(state: AddState.Password, password: Typed, actions: AddActions) {
    Page {
        Heading(text(Sentence.APP_CODES_OF_OTHERS))
        state.place?.let { PlaceOf(it) }
        Notice(state.told)
        PasswordField(
            Sentence.APP_FILE_PASSWORD,
            password,
            "password",
            KeyboardActions(onDone = { if (password.text.isNotEmpty()) actions.openFile(password.text) }),
        )
        Wide(Sentence.APP_FILE_OPEN, password.text.isNotEmpty()) { actions.openFile(password.text) }
        if (state.place != null) WideOutlined(R.string.file_leave_out, onClick = actions::leaveOutFile)
        WideOutlined(Sentence.APP_CANCEL, onClick = actions::startAgain)
    }
}
