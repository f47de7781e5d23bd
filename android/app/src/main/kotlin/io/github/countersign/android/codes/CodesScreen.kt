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
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.itemsIndexed
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import io.github.countersign.ForeignCode
import io.github.countersign.Sentence
import io.github.countersign.android.accounts.CodeCard
import io.github.countersign.android.accounts.ShownCode
import io.github.countersign.android.accounts.grouped
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.margin
import io.github.countersign.android.look.text
import io.github.countersign.android.look.widest
import io.github.countersign.android.words.Told

/** What the codes of other services ask for. */
interface CodesActions {
    /** Copies a code. */
    fun copy(code: String)

    /** Makes the next code by counter. */
    fun next(id: String)

    /** Removes a code, after it was asked whether. */
    fun remove(id: String)

    /** Gives a code other names. */
    fun rename(id: String, issuer: String, account: String)

    /** Puts a code into a group; into none where the name is blank. */
    fun group(id: String, group: String)

    /** Moves a code one place. */
    fun move(id: String, isUp: Boolean)

    /** Shows only what answers to this. */
    fun search(text: String)

    /** Goes to the ways of adding one. */
    fun add()

    /** Goes to the export. */
    fun export()

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
    var changing by rememberSaveable { mutableStateOf<Pair<String, Change>?>(null) }
    val list = rememberLazyListState()
    // What was typed survives the end of the process, and what was found does not.
    LaunchedEffect(searched) { actions.search(searched) }
    val change = changing
    val changed = change?.let { (id, _) -> all.firstOrNull { it.id == id } }
    if (change != null && changed != null) {
        ChangeOf(changed, change.second, groupsOf(all).mapNotNull { it.name }, actions) { changing = null }
        if (change.second != Change.REMOVAL) return
    }
    val found = state.found?.let { ids -> all.filter { it.id in ids } } ?: all
    Box(Modifier.fillMaxSize(), Alignment.TopCenter) {
        LazyColumn(
            Modifier.widthIn(max = widest).fillMaxWidth().testTag("codes"),
            list,
            contentPadding = PaddingValues(margin),
        ) {
            item {
                Search(searched) { searched = it }
                Quiet(Sentence.APP_EXPORT, onClick = actions::export)
                state.told?.let { Notice(it) }
                if (found.isEmpty()) Notice(Told(Sentence.APP_NOTHING_FOUND))
            }
            for (group in groupsOf(found)) {
                codesOf(group) { code, place ->
                    // Where only some are shown, one place up is not what it looks like.
                    val mayMove = state.found == null
                    CodeItem(code, state, areCodesHidden, actions) {
                        CodeMenu(
                            code,
                            isFirst = place == 0 || !mayMove,
                            isLast = place == group.codes.lastIndex || !mayMove,
                            move = { actions.move(code.id, it) },
                            change = { changing = code.id to it },
                        )
                    }
                }
            }
            item { Box(Modifier.padding(top = margin)) { Wide(Sentence.APP_BEGIN, onClick = actions::add) } }
        }
    }
}

private fun LazyListScope.codesOf(group: Group, content: @Composable (ForeignCode, Int) -> Unit) {
    group.name?.let { name -> item { GroupName(name) } }
    itemsIndexed(group.codes, { _, code -> code.id }) { place, code ->
        content(code, place)
        HorizontalDivider()
    }
}

@Composable
private fun GroupName(name: String) = Text(
    name,
    Modifier.padding(top = 24.dp, bottom = 8.dp).semantics { heading() },
    color = MaterialTheme.colorScheme.primary,
    style = MaterialTheme.typography.titleMedium,
)

@Composable
private fun Search(searched: String, change: (String) -> Unit) = OutlinedTextField(
    searched,
    change,
    Modifier.fillMaxWidth().testTag("search"),
    label = { Text(text(Sentence.APP_SEARCH)) },
    singleLine = true,
)

@Composable
private fun CodeItem(
    code: ForeignCode,
    state: CodesState,
    areCodesHidden: Boolean,
    actions: CodesActions,
    menu: @Composable () -> Unit,
) = Column(Modifier.padding(vertical = 12.dp), Arrangement.spacedBy(8.dp)) {
    Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween, Alignment.CenterVertically) {
        Column(Modifier.weight(1f)) {
            Text(nameOf(code), style = MaterialTheme.typography.titleLarge)
            if (code.issuer != null) {
                Text(
                    code.account,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                    style = MaterialTheme.typography.bodyLarge,
                )
            }
        }
        menu()
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

/** How a code is called: by its service, where it has one. */
internal fun nameOf(code: ForeignCode): String = code.issuer ?: code.account
