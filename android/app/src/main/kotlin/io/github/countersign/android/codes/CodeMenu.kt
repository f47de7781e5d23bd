package io.github.countersign.android.codes

import androidx.activity.compose.BackHandler
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.RadioButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.semantics.Role
import io.github.countersign.ForeignCode
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Sure
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** What a person does with one code, and is asked about. */
internal enum class Change { NAMES, GROUP, REMOVAL }

/** What can be done with one code. Moving is two buttons, which a screen reader can press. */
@Composable
internal fun CodeMenu(
    code: ForeignCode,
    isFirst: Boolean,
    isLast: Boolean,
    move: (Boolean) -> Unit,
    change: (Change) -> Unit,
) = Box {
    var isOpen by remember { mutableStateOf(false) }
    val label = text(Told(Sentence.APP_MORE_OF, mapOf("name" to nameOf(code))))
    IconButton({ isOpen = true }) { Icon(painterResource(R.drawable.more), label) }
    DropdownMenu(isOpen, { isOpen = false }) {
        val entry: @Composable (Sentence, () -> Unit) -> Unit = { sentence, then ->
            DropdownMenuItem({ Text(text(sentence)) }, {
                isOpen = false
                then()
            })
        }
        entry(Sentence.APP_CODE_RENAME) { change(Change.NAMES) }
        entry(Sentence.APP_CODE_TO_GROUP) { change(Change.GROUP) }
        if (!isFirst) entry(Sentence.APP_CODE_UP) { move(true) }
        if (!isLast) entry(Sentence.APP_CODE_DOWN) { move(false) }
        entry(Sentence.ACCOUNT_REMOVE) { change(Change.REMOVAL) }
    }
}

/** Asks about a change. */
@Composable
internal fun ChangeOf(
    code: ForeignCode,
    change: Change,
    groups: List<String>,
    actions: CodesActions,
    close: () -> Unit,
) = when (change) {
    Change.NAMES -> Names(code, close) { issuer, account -> actions.rename(code.id, issuer, account) }
    Change.GROUP -> Groups(code, groups, close) { actions.group(code.id, it) }
    Change.REMOVAL -> Sure(Sentence.APP_CODE_REMOVE_QUESTION, close) { actions.remove(code.id).also { close() } }
}

@Composable
private fun Names(code: ForeignCode, close: () -> Unit, save: (String, String) -> Unit) {
    var issuer by rememberSaveable { mutableStateOf(code.issuer.orEmpty()) }
    var account by rememberSaveable { mutableStateOf(code.account) }
    Changing(Sentence.APP_CODE_RENAME, issuer.isNotBlank() || account.isNotBlank(), close, { save(issuer, account) }) {
        Name(Sentence.APP_SERVICE_LABEL, issuer, "service") { issuer = it }
        Name(Sentence.QUESTION_ACCOUNT, account, "account") { account = it }
    }
}

@Composable
private fun Groups(code: ForeignCode, groups: List<String>, close: () -> Unit, save: (String) -> Unit) {
    var group by rememberSaveable { mutableStateOf(code.group.orEmpty()) }
    Changing(Sentence.APP_CODE_TO_GROUP, true, close, { save(group) }) {
        Column(Modifier.selectableGroup()) {
            for (one in listOf("") + groups) {
                Line(Modifier.selectable(one == group, role = Role.RadioButton) { group = one }) {
                    RadioButton(one == group, null)
                    Text(one.ifEmpty { text(Sentence.APP_CODE_NO_GROUP) }, style = MaterialTheme.typography.bodyLarge)
                }
            }
        }
        Name(Sentence.APP_GROUP_LABEL, group, "group") { group = it }
    }
}

/** In place of the list: a dialogue would have no room for it in large type. */
@Composable
private fun Changing(
    title: Sentence,
    mayBe: Boolean,
    close: () -> Unit,
    save: () -> Unit,
    content: @Composable ColumnScope.() -> Unit,
) {
    BackHandler(onBack = close)
    Page {
        Heading(text(title))
        content()
        Wide(Sentence.APP_SAVE, mayBe) {
            save()
            close()
        }
        WideOutlined(Sentence.APP_CANCEL, onClick = close)
    }
}

@Composable
private fun Name(label: Sentence, value: String, tag: String, change: (String) -> Unit) = OutlinedTextField(
    value,
    change,
    Modifier.fillMaxWidth().testTag(tag),
    label = { Text(text(label)) },
    singleLine = true,
)
