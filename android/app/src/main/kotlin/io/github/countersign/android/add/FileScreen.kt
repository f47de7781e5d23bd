package io.github.countersign.android.add

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.clearAndSetSemantics
import io.github.countersign.Sentence
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
internal fun Opening(cancel: () -> Unit) = Page {
    Notice(Told(Sentence.APP_FILE_OPENING))
    LinearProgressIndicator(Modifier.fillMaxWidth().clearAndSetSemantics {})
    WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
}

/** Asks for the password of a file. */
@Composable
internal fun PasswordOfFile(told: Told, password: Typed, open: (String) -> Unit, cancel: () -> Unit) {
    Page {
        Heading(text(Sentence.APP_CODES_OF_OTHERS))
        Notice(told)
        PasswordField(
            Sentence.APP_FILE_PASSWORD,
            password,
            "password",
            KeyboardActions(onDone = { if (password.text.isNotEmpty()) open(password.text) }),
        )
        Wide(Sentence.APP_FILE_OPEN, password.text.isNotEmpty()) { open(password.text) }
        WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
    }
}
