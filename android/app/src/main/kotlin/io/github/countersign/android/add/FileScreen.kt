package io.github.countersign.android.add

import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
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
internal fun PasswordOfFile(told: Told, open: (String) -> Unit, cancel: () -> Unit) {
    // Remembered while the screen is there, and not written down.
    var password by remember { mutableStateOf("") }
    Page {
        Heading(text(Sentence.APP_CODES_OF_OTHERS))
        Notice(told)
        PasswordField(
            Sentence.APP_FILE_PASSWORD,
            password,
            "password",
            KeyboardActions(onDone = { if (password.isNotEmpty()) open(password) }),
        ) { password = it }
        Wide(Sentence.APP_FILE_OPEN, password.isNotEmpty()) { open(password) }
        WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
    }
}
