package io.github.countersign.android.accounts

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
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
import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.Sentence
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Sure
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.margin
import io.github.countersign.android.look.text
import io.github.countersign.android.look.widest
import io.github.countersign.android.words.Told
import io.github.countersign.sentenceForEnd

/** What the list of accounts asks for. */
interface AccountsActions {
    /** Copies a code. */
    fun copy(code: String)

    /** Goes to an account. */
    fun open(account: String)

    /** Goes to the ways of adding one. */
    fun add()

    /** Reads again what could not be read. */
    fun tryAgain()

    /** Forgets what does not open on this phone, so that it can be added again. */
    fun beginAnew()
}

/** The accounts with their codes; before the first one, what this is. */
@Composable
fun AccountsScreen(
    state: Loaded<List<AccountRow>>,
    areCodesHidden: Boolean,
    warning: (@Composable () -> Unit)?,
    actions: AccountsActions,
) = when (state) {
    Loaded.Loading -> OneMoment()

    is Loaded.Failed ->
        if (state.told.sentence in lost) Lost(state.told, actions) else Failure(state.told, actions::tryAgain)

    is Loaded.There ->
        if (state.value.isEmpty()) Welcome(actions::add) else Accounts(state.value, areCodesHidden, warning, actions)
}

/** What is said of a store that came from another phone, or whose keys are gone. */
private val lost = setOf(Sentence.ACCOUNT_RESTORED_STORE, Sentence.ERROR_VAULT_UNREADABLE)

@Composable
private fun Lost(told: Told, actions: AccountsActions) {
    var isAsked by rememberSaveable { mutableStateOf(false) }
    Page {
        Notice(told)
        Wide(Sentence.APP_TRY_AGAIN, onClick = actions::tryAgain)
        WideOutlined(Sentence.ACCOUNT_REMOVE) { isAsked = true }
    }
    if (isAsked) {
        Sure(Sentence.ACCOUNT_REMOVE_QUESTION, { isAsked = false }) {
            isAsked = false
            actions.beginAnew()
        }
    }
}

@Composable
private fun Welcome(add: () -> Unit) = Page {
    Heading(text(Sentence.APP_WELCOME))
    Notice(Told(Sentence.APP_WELCOME_EXPLAINED))
    Wide(Sentence.APP_BEGIN, onClick = add)
}

@Composable
private fun Accounts(
    rows: List<AccountRow>,
    areCodesHidden: Boolean,
    warning: (@Composable () -> Unit)?,
    actions: AccountsActions,
) = Box(Modifier.fillMaxSize(), Alignment.TopCenter) {
    LazyColumn(
        Modifier.widthIn(max = widest).fillMaxWidth().testTag("accounts"),
        contentPadding = PaddingValues(margin),
    ) {
        if (warning != null) item { warning() }
        items(rows, { it.account.id }) { row ->
            AccountItem(row, areCodesHidden, actions)
            HorizontalDivider()
        }
        item { Box(Modifier.padding(top = margin)) { Wide(Sentence.APP_BEGIN, onClick = actions::add) } }
    }
}

@Composable
private fun AccountItem(row: AccountRow, areCodesHidden: Boolean, actions: AccountsActions) =
    Column(Modifier.padding(vertical = 8.dp), Arrangement.spacedBy(4.dp)) {
        Line(Modifier.clickable { actions.open(row.account.id) }) {
            Column {
                Text(row.account.organisation, style = MaterialTheme.typography.titleLarge)
                Text(
                    row.account.account,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                    style = MaterialTheme.typography.bodyLarge,
                )
            }
        }
        stateOf(row.account)?.let { Text(text(it), style = MaterialTheme.typography.bodyLarge) }
        row.told?.let { Text(text(it), style = MaterialTheme.typography.bodyLarge) }
        row.code?.let { CodeCard(it, areCodesHidden, actions::copy) }
        if (row.account.clockWasSet) Text(text(Sentence.CODE_CLOCK_SET), style = MaterialTheme.typography.bodyMedium)
    }

/** What is to be said of an account that is not simply in use. */
fun stateOf(account: Account): Told? = when (val state = account.state) {
    AccountState.Confirmed -> null
    is AccountState.Proposed -> Told(Sentence.ACCOUNT_TYPE_DIGITS, mapOf("digits" to grouped(state.confirmationCode)))
    is AccountState.Ended -> Told(sentenceForEnd(state.reason))
}
