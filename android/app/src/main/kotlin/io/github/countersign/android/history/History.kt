package io.github.countersign.android.history

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import io.github.countersign.Past
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.margin
import io.github.countersign.android.look.text
import io.github.countersign.android.look.widest
import io.github.countersign.shortSentenceForOutcome
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

private const val MOST = 100u

/** What is behind the history. */
class HistoryModel(private val core: Core, scope: CoroutineScope) {
    private val shown = MutableStateFlow<Loaded<List<Past>>>(Loaded.Loading)

    /** What the screen shows, newest first. */
    val state: StateFlow<Loaded<List<Past>>> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { read() } }
    }

    /** Reads it again. */
    suspend fun read() {
        shown.value = loaded { core.use { it.history(MOST) } }
    }
}

/** The past requests; each leads to what can still be said of it. */
@Composable
fun HistoryScreen(state: Loaded<List<Past>>, open: (String) -> Unit, tryAgain: () -> Unit) = when (state) {
    Loaded.Loading -> OneMoment()

    is Loaded.Failed -> Failure(state.told, tryAgain)

    is Loaded.There ->
        if (state.value.isEmpty()) {
            Page { Heading(text(Sentence.ACCOUNT_NO_HISTORY)) }
        } else {
            Box(Modifier.fillMaxSize(), Alignment.TopCenter) {
                LazyColumn(Modifier.widthIn(max = widest).fillMaxWidth(), contentPadding = PaddingValues(margin)) {
                    items(state.value, { it.challenge.id }) { PastLine(it) { open(it.challenge.id) } }
                }
            }
        }
}

@Composable
private fun PastLine(past: Past, open: () -> Unit) {
    Line(Modifier.clickable(onClick = open)) {
        Column {
            Text(past.challenge.relyingParty, style = MaterialTheme.typography.titleLarge)
            Text(past.challenge.account, style = MaterialTheme.typography.bodyLarge)
            val outcome = text(shortSentenceForOutcome(past.outcome))
            val told = "$outcome, ${LocalWords.current.dayAndTime(past.at)}"
            Text(told, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
        }
    }
    HorizontalDivider()
}
