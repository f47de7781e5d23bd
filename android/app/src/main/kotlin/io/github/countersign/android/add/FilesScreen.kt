package io.github.countersign.android.add

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import io.github.countersign.FoundCodes
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** What several files offer, file by file. */
@Composable
internal fun FoundInFilesScreen(state: AddState.FoundInFiles, keep: () -> Unit, cancel: () -> Unit) = Listed {
    val isFresh = state.files.any { ((it.outcome as? FileOutcome.Holds)?.codes?.fresh() ?: 0) > 0 }
    item { Heading(text(Sentence.APP_CODES_OF_OTHERS)) }
    // The buttons come first, as the lists may be long.
    item {
        Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
            if (isFresh) Wide(Sentence.APP_CODES_KEEP, onClick = keep)
            WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
        }
    }
    reports(state.files, state.notRead)
}

/** What came of several files, file by file. */
@Composable
internal fun KeptFilesScreen(state: AddState.KeptFiles, done: () -> Unit, again: () -> Unit) = Listed {
    item { Heading(text(Sentence.APP_CODES_OF_OTHERS)) }
    reports(state.files, state.notRead)
    item {
        Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
            Wide(Sentence.APP_DONE, onClick = done)
            WideOutlined(Sentence.APP_BEGIN, onClick = again)
        }
    }
}

private fun LazyListScope.reports(files: List<FileReport>, notRead: Int) {
    if (notRead > 0) item { Quietly(text(R.string.files_most, MOST_FILES, notRead)) }
    for (file in files) {
        item {
            HorizontalDivider(Modifier.padding(bottom = 16.dp))
            NameOf(file)
        }
        when (val outcome = file.outcome) {
            is FileOutcome.Holds -> codes(outcome.codes)

            is FileOutcome.Kept -> {
                item { Quietly(text(toldOfKept(outcome.codes))) }
                notTaken(outcome.codes)
            }

            is FileOutcome.Refused -> item { Quietly(text(outcome.told)) }

            FileOutcome.LeftOut -> item { Quietly(text(R.string.file_left_out)) }
        }
    }
}

@Composable
private fun NameOf(file: FileReport) = Text(
    file.name ?: text(R.string.file_number, file.number),
    Modifier.semantics { heading() },
    fontWeight = FontWeight.Bold,
    style = MaterialTheme.typography.titleLarge,
)

/** Which of several files a screen is about. */
@Composable
internal fun PlaceOf(place: FilePlace) {
    val name = place.name
    val told = if (name == null) {
        text(R.string.file_of, place.number, place.count)
    } else {
        text(R.string.file_of_named, place.number, place.count, name)
    }
    Text(told, style = MaterialTheme.typography.titleMedium)
}

/** How many of them are not kept yet. */
internal fun FoundCodes.fresh(): Int = codes.count { it.standing != io.github.countersign.CodeStanding.KNOWN }

/** The codes of one file, and what is not taken of it. */
internal fun LazyListScope.codes(found: FoundCodes) {
    if (found.codes.isNotEmpty()) item { Counted(Sentence.APP_CODES_TO_ADD, found.fresh()) }
    items(found.codes) { Offered(it) }
    notTaken(found)
}

private fun LazyListScope.notTaken(found: FoundCodes) {
    if (found.notTaken.isNotEmpty()) item { Counted(Sentence.APP_CODES_NOT_TAKEN, found.notTaken.size) }
    items(found.notTaken) { NotTaken(it) }
}

/** What became of the codes that were kept. */
internal fun toldOfKept(found: FoundCodes): Told {
    if (found.codes.isEmpty()) return Told(Sentence.APP_NO_CODES_OF_OTHERS)
    val count = found.fresh()
    return when {
        count == 0 && found.codes.size == 1 -> Told(Sentence.APP_CODE_KNOWN)
        count == 1 -> Told(Sentence.APP_CODE_ADDED)
        else -> Told(Sentence.APP_CODES_ADDED, mapOf("count" to count.toString()))
    }
}
