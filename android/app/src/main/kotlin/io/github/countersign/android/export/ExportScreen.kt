package io.github.countersign.android.export

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import io.github.countersign.Sentence
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.PasswordField
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** The export of the codes of other services: what it is, and the password twice. */
@Composable
fun ExportScreen(state: ExportState, typed: ExportFields, seal: () -> Unit, leave: () -> Unit) = when (state) {
    is ExportState.Asking -> Asking(state.told, typed, seal)

    // The system's own screen is over this one.
    ExportState.Working, is ExportState.Choosing -> OneMoment()

    ExportState.Done ->
        Page {
            Notice(Told(Sentence.APP_EXPORTED))
            Wide(Sentence.APP_DONE, onClick = leave)
        }
}

@Composable
private fun Asking(told: Told?, typed: ExportFields, seal: () -> Unit) {
    val (password, again) = typed
    Page {
        Heading(text(Sentence.APP_EXPORT))
        told?.let { Notice(it) }
        Text(text(Sentence.APP_EXPORT_EXPLAINED), style = MaterialTheme.typography.bodyLarge)
        Text(text(Sentence.APP_EXPORT_PASSWORD_EXPLAINED), style = MaterialTheme.typography.bodyLarge)
        PasswordField(Sentence.APP_EXPORT_PASSWORD, password, "password")
        PasswordField(Sentence.APP_PASSWORD_AGAIN, again, "again")
        Wide(Sentence.APP_EXPORT_SAVE, password.text.isNotEmpty() && again.text.isNotEmpty(), seal)
    }
}
