package io.github.countersign.android.add

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import io.github.countersign.CodeStanding
import io.github.countersign.FoundCodes
import io.github.countersign.OfferedCode
import io.github.countersign.RefusedCode
import io.github.countersign.Sentence
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.margin
import io.github.countersign.android.look.text
import io.github.countersign.android.look.widest
import io.github.countersign.android.words.Told

/** What a link or a file offers: what would be kept, what is not and why. There may be thousands. */
@Composable
internal fun FoundScreen(found: FoundCodes, keep: () -> Unit, cancel: () -> Unit) = Listed {
    item { Heading(text(Sentence.APP_CODES_OF_OTHERS)) }
    // The buttons come first, as the lists may be long.
    item {
        Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
            if (found.fresh() > 0) Wide(Sentence.APP_CODES_KEEP, onClick = keep)
            WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
        }
    }
    codes(found)
}

/** A long list, in the middle of a wide screen. */
@Composable
internal fun Listed(content: LazyListScope.() -> Unit) = Box(Modifier.fillMaxSize(), Alignment.TopCenter) {
    LazyColumn(
        Modifier.widthIn(max = widest).fillMaxWidth().testTag("found"),
        contentPadding = PaddingValues(margin),
        verticalArrangement = Arrangement.spacedBy(16.dp),
        content = content,
    )
}

@Composable
internal fun Counted(sentence: Sentence, count: Int) = Text(
    text(Told(sentence, mapOf("count" to count.toString()))),
    Modifier.semantics { heading() },
    style = MaterialTheme.typography.titleMedium,
)

@Composable
internal fun Offered(code: OfferedCode) = Entry(code.issuer ?: code.account) {
    if (code.issuer != null && code.account.isNotEmpty()) {
        Text(code.account, style = MaterialTheme.typography.bodyLarge)
    }
    code.group?.let { Quietly(text(Told(Sentence.APP_CODE_GROUP, mapOf("name" to it)))) }
    when (code.standing) {
        CodeStanding.NEW -> Unit
        CodeStanding.SAME_NAMES -> Quietly(text(Sentence.APP_CODE_SAME_NAMES))
        CodeStanding.KNOWN -> Quietly(text(Sentence.APP_CODE_KNOWN))
    }
    code.warnings.forEach { Quietly(text(it)) }
}

@Composable
internal fun NotTaken(refused: RefusedCode) = Entry(refused.name) {
    Quietly(text(Told(refused.sentence, refused.values)))
}

/** One entry, which a screen reader says as a whole. */
@Composable
private fun Entry(name: String, content: @Composable () -> Unit) =
    Column(Modifier.fillMaxWidth().semantics(mergeDescendants = true) {}, Arrangement.spacedBy(4.dp)) {
        if (name.isNotEmpty()) Text(name, style = MaterialTheme.typography.titleLarge)
        content()
    }

@Composable
internal fun Quietly(text: String) = Text(text, style = MaterialTheme.typography.bodyMedium)
