package io.github.countersign.android.accounts

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.AuthenticatorException
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.OneTimeCode
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.SECOND
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.core.loaded
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** A code as it is shown: its digits, and when others take their place. */
data class ShownCode(val code: OneTimeCode, val secondsLeft: Long)

/** An account in the list. */
data class AccountRow(
    val account: Account,
    /** Its code; null for one that is not in use, or has none. */
    val code: ShownCode?,
    /** Why there is none, where that is worth saying. */
    val told: Told?,
)

/** What is behind the list of accounts: their codes, renewed when their time is over. */
class AccountsModel(private val core: Core, private val ticks: Ticks, scope: CoroutineScope) {
    private val shown = MutableStateFlow<Loaded<List<AccountRow>>>(Loaded.Loading)
    private val reading = Mutex()
    private var readAt = 0L

    /** What the screen shows. */
    val state: StateFlow<Loaded<List<AccountRow>>> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { read() } }
        scope.launch { ticks.seconds.collect { tick() } }
    }

    /** Reads everything again. */
    suspend fun read() = reading.withLock {
        readAt = ticks.elapsedMillis()
        shown.value = loaded { core.use { library -> library.accounts().map { rowOf(library, it) } } }
    }

    private suspend fun tick() {
        val rows = (shown.value as? Loaded.There)?.value ?: return
        val passed = (ticks.elapsedMillis() - readAt) / SECOND
        val isOver = rows.any { row -> row.code?.let { it.code.secondsLeft.toLong() <= passed } == true }
        if (isOver) return read()
        shown.compareAndSet(Loaded.There(rows), Loaded.There(rows.map { it.after(passed) }))
    }

    private fun AccountRow.after(passed: Long): AccountRow =
        code?.let { copy(code = it.copy(secondsLeft = it.code.secondsLeft.toLong() - passed)) } ?: this

    private suspend fun rowOf(library: AuthenticatorInterface, account: Account): AccountRow {
        if (account.state != AccountState.Confirmed) return AccountRow(account, null, null)
        return try {
            val code = library.code(account.id)
            AccountRow(account, ShownCode(code, code.secondsLeft.toLong()), null)
        } catch (failure: AuthenticatorException) {
            AccountRow(account, null, failure.told())
        }
    }
}
