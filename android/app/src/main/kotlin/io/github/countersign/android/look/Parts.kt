package io.github.countersign.android.look

import androidx.annotation.StringRes
import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.RectangleShape
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.input.KeyboardCapitalization
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.text.input.PasswordVisualTransformation
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import io.github.countersign.Sentence
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told

/** A screen that scrolls, in the middle of a wide one. */
@Composable
fun Page(modifier: Modifier = Modifier, content: @Composable ColumnScope.() -> Unit) {
    Box(modifier.fillMaxSize(), Alignment.TopCenter) {
        Column(
            Modifier.widthIn(max = widest).fillMaxWidth().verticalScroll(rememberScrollState()).padding(margin),
            Arrangement.spacedBy(16.dp),
            content = content,
        )
    }
}

/** A screen that scrolls above something that is always in sight, however much is above it. */
@Composable
fun PageAbove(below: @Composable ColumnScope.() -> Unit, content: @Composable ColumnScope.() -> Unit) =
    Column(Modifier.fillMaxSize(), horizontalAlignment = Alignment.CenterHorizontally) {
        Page(Modifier.weight(1f), content)
        HorizontalDivider()
        Column(
            Modifier.widthIn(max = widest).fillMaxWidth().padding(margin),
            Arrangement.spacedBy(16.dp),
            content = below,
        )
    }

/** What a screen is about. */
@Composable
fun Heading(text: String) =
    Text(text, Modifier.semantics { heading() }, style = MaterialTheme.typography.headlineMedium)

/** Something that a person reads, and that is read aloud when it comes. */
@Composable
fun Notice(told: Told) = Text(
    text(told),
    Modifier.semantics {
        liveRegion = LiveRegionMode.Polite
    },
    style = MaterialTheme.typography.bodyLarge,
)

/** In place of what is not there yet. */
@Composable
fun OneMoment() = Page { Notice(Told(Sentence.APP_ONE_MOMENT)) }

/** In place of what could not be read. */
@Composable
fun Failure(told: Told, tryAgain: () -> Unit) = Page {
    Notice(told)
    Wide(Sentence.APP_TRY_AGAIN, onClick = tryAgain)
}

/** The button of a screen. */
@Composable
fun Wide(label: Sentence, enabled: Boolean = true, onClick: () -> Unit) =
    Button(onClick, Modifier.fillMaxWidth().heightIn(min = 56.dp), enabled) { OnButton(text(label)) }

/** A button beside it. */
@Composable
fun WideOutlined(label: Sentence, enabled: Boolean = true, onClick: () -> Unit) =
    WideOutlined(text(label), enabled, onClick)

/** The same with a text of this app's own. */
@Composable
fun WideOutlined(@StringRes label: Int, enabled: Boolean = true, onClick: () -> Unit) =
    WideOutlined(text(label), enabled, onClick)

@Composable
private fun WideOutlined(label: String, enabled: Boolean, onClick: () -> Unit) = OutlinedButton(
    onClick,
    Modifier.fillMaxWidth().heightIn(min = 56.dp),
    enabled,
    colors = ButtonDefaults.outlinedButtonColors(contentColor = MaterialTheme.colorScheme.primary),
    border = BorderStroke(1.dp, MaterialTheme.colorScheme.outline),
) { OnButton(label) }

// In large type it has several lines.
@Composable
private fun OnButton(label: String) = Text(label, textAlign = TextAlign.Center)

/** A button of less weight. */
@Composable
fun Quiet(label: Sentence, enabled: Boolean = true, onClick: () -> Unit) = Quiet(text(label), enabled, onClick)

/** The same with a text of this app's own. */
@Composable
fun Quiet(@StringRes label: Int, enabled: Boolean = true, onClick: () -> Unit) = Quiet(text(label), enabled, onClick)

@Composable
private fun Quiet(label: String, enabled: Boolean, onClick: () -> Unit) =
    // Round corners would cut into words that begin at the edge.
    TextButton(
        onClick,
        Modifier.heightIn(min = 48.dp),
        enabled,
        RectangleShape,
        contentPadding = PaddingValues(vertical = 8.dp),
    ) { Text(label) }

/** A field for a password: it is not shown, not kept by the keyboard, and not written down. */
@Composable
fun PasswordField(label: Sentence, typed: Typed, tag: String, actions: KeyboardActions = KeyboardActions.Default) =
    OutlinedTextField(
        typed.text,
        { typed.text = it },
        Modifier.fillMaxWidth().testTag(tag),
        label = { Text(text(label)) },
        visualTransformation = PasswordVisualTransformation(),
        keyboardOptions = KeyboardOptions(
            KeyboardCapitalization.None,
            autoCorrectEnabled = false,
            keyboardType = KeyboardType.Password,
        ),
        keyboardActions = actions,
        singleLine = true,
    )

/** A line of a list, at least as high as a thumb. */
@Composable
fun Line(
    modifier: Modifier = Modifier,
    padding: PaddingValues = PaddingValues(vertical = 12.dp),
    content: @Composable RowScope.() -> Unit,
) = Row(
    modifier.fillMaxWidth().heightIn(min = 56.dp).padding(padding),
    Arrangement.spacedBy(16.dp),
    Alignment.CenterVertically,
    content = content,
)

/** Asks before something is removed. */
@Composable
fun Sure(question: Sentence, cancel: () -> Unit, remove: () -> Unit) = AlertDialog(
    cancel,
    confirmButton = { Quiet(Sentence.ACCOUNT_REMOVE, onClick = remove) },
    dismissButton = { Quiet(Sentence.APP_CANCEL, onClick = cancel) },
    text = { Text(text(question), style = MaterialTheme.typography.bodyLarge) },
)
