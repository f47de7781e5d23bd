package io.github.countersign.android.codes

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import io.github.countersign.ForeignCode
import io.github.countersign.Sentence
import io.github.countersign.android.accounts.CodeCard
import io.github.countersign.android.accounts.ShownCode
import io.github.countersign.android.accounts.grouped
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Sure
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.margin
import io.github.countersign.android.look.text
import io.github.countersign.android.look.widest

/** What the codes of other services ask for. */
interface CodesActions {
    /** Copies a code. */
    fun copy(code: String)

    /** Makes the next code by counter. */
    fun next(id: String)

    /** Removes a code, after it was asked whether. */
    fun remove(id: String)

    /** Goes to the ways of adding one. */
    fun add()

    /** Reads again what could not be read. */
    fun tryAgain()
}

/** The codes of other services. */
@Composable
fun CodesScreen(state: CodesState, areCodesHidden: Boolean, actions: CodesActions) = when (val codes = state.codes) {
    Loaded.Loading -> OneMoment()

    is Loaded.Failed -> Failure(codes.told, actions::tryAgain)

    is Loaded.There ->
        if (codes.value.isEmpty()) {
            Page {
                Heading(text(Sentence.APP_NO_CODES_OF_OTHERS))
                Wide(Sentence.APP_BEGIN, onClick = actions::add)
            }
        } else {
            Codes(codes.value, state, areCodesHidden, actions)
        }
}

@Composable
private fun Codes(all: List<ForeignCode>, state: CodesState, areCodesHidden: Boolean, actions: CodesActions) {
    var searched by rememberSaveable { mutableStateOf("") }
    var leaving by rememberSaveable { mutableStateOf<String?>(null) }
    val found = all.filter { it.answersTo(searched) }
    Box(Modifier.fillMaxSize(), Alignment.TopCenter) {
        LazyColumn(
            Modifier.widthIn(max = widest).fillMaxWidth().testTag("codes"),
            contentPadding = PaddingValues(margin),
        ) {
            item {
                OutlinedTextField(searched, {
                    searched = it
                }, Modifier.fillMaxWidth(), label = { Text(text(Sentence.APP_SEARCH)) }, singleLine = true)
            }
            items(found, { it.id }) { code ->
                CodeItem(code, state, areCodesHidden, actions) { leaving = code.id }
                HorizontalDivider()
            }
            item { Box(Modifier.padding(top = margin)) { Wide(Sentence.APP_BEGIN, onClick = actions::add) } }
        }
    }
    leaving?.let { id ->
        Sure(Sentence.APP_CODE_REMOVE_QUESTION, { leaving = null }) {
            leaving = null
            actions.remove(id)
        }
    }
}

/** True for a code whose names have what was typed in them. */
fun ForeignCode.answersTo(searched: String): Boolean =
    searched.isBlank() || issuer.orEmpty().contains(searched.trim(), ignoreCase = true) ||
        account.contains(searched.trim(), ignoreCase = true)

@Composable
private fun CodeItem(
    code: ForeignCode,
    state: CodesState,
    areCodesHidden: Boolean,
    actions: CodesActions,
    remove: () -> Unit,
) = Column(Modifier.padding(vertical = 12.dp), Arrangement.spacedBy(8.dp)) {
    Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween, Alignment.CenterVertically) {
        Column(Modifier.weight(1f)) {
            Text(code.issuer ?: code.account, style = MaterialTheme.typography.titleLarge)
            if (code.issuer !=
                null
            ) {
                Text(
                    code.account,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                    style = MaterialTheme.typography.bodyLarge,
                )
            }
        }
        Quiet(Sentence.ACCOUNT_REMOVE, onClick = remove)
    }
    val shown = code.shown
    val counted = state.counted[code.id]
    if (shown != null) {
        CodeCard(
            ShownCode(shown, (shown.secondsLeft.toLong() - state.secondsPassed).coerceAtLeast(0)),
            areCodesHidden,
            actions::copy,
        )
    } else {
        if (counted != null) Text(grouped(counted), style = MaterialTheme.typography.displaySmall)
        WideOutlined(Sentence.APP_CODE_NEXT_ONE) { actions.next(code.id) }
    }
}
