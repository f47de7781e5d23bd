package io.github.countersign.android.account

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.AuthenticatorException
import io.github.countersign.Device
import io.github.countersign.PushStatus
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.loaded
import io.github.countersign.android.notices.Arrivals
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.sentenceForPushFailure
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** One account, as its screen shows it. */
data class AccountDetails(
    val account: Loaded<Account> = Loaded.Loading,
    /** Its devices, as the server knows them. */
    val devices: Loaded<List<Device>> = Loaded.Loading,
    /** How pushes fare, where there is something to say. */
    val push: Told? = null,
    val isRemoving: Boolean = false,
    /** Why it could not be removed by its server, so that only this phone is left to forget it. */
    val notRemoved: Told? = null,
    /** True once it is gone from this phone. */
    val isGone: Boolean = false,
)

/** What is behind the screen of one account. */
class AccountModel(
    private val id: String,
    private val core: Core,
    private val arrivals: Arrivals,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow(AccountDetails())

    /** What the screen shows. */
    val state: StateFlow<AccountDetails> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { readAccount() } }
        read()
    }

    /** Asks the server of the account for its devices, and how pushes fare. */
    fun read() {
        scope.launch {
            shown.update { it.copy(devices = Loaded.Loading) }
            val devices = loaded { core.use { it.devices(id) } }
            shown.update { it.copy(devices = devices) }
        }
        scope.launch {
            try {
                val pulled = arrivals.pull(id)
                val failure = pulled.pushFailure
                val told =
                    when {
                        failure != null -> Told(sentenceForPushFailure(failure))
                        pulled.push == PushStatus.NONE -> Told(Sentence.ACCOUNT_PUSH_NONE)
                        pulled.push == PushStatus.GONE -> Told(Sentence.ACCOUNT_PUSH_REPAIRED)
                        else -> null
                    }
                shown.update { it.copy(push = told) }
            } catch (_: AuthenticatorException) {
                // The list of devices says why.
            }
        }
    }

    /** Removes the account, its server first. */
    fun remove() = removing { it.remove(id) }

    /** Removes it from this phone alone. */
    fun forget() = removing { it.forget(id) }

    private fun removing(how: suspend (io.github.countersign.AuthenticatorInterface) -> Unit) {
        if (shown.value.isRemoving) return
        shown.update { it.copy(isRemoving = true, notRemoved = null) }
        scope.launch {
            try {
                core.use { how(it) }
                shown.update { it.copy(isRemoving = false, isGone = true) }
            } catch (failure: AuthenticatorException) {
                shown.update { it.copy(isRemoving = false, notRemoved = failure.told()) }
            }
            arrivals.showAll()
        }
    }

    private suspend fun readAccount() {
        if (shown.value.isGone) return
        val account =
            loaded {
                core.use { it.accounts() }.firstOrNull { it.id == id }
                    ?: throw AuthenticatorException.UnknownAccount("it is not in the list")
            }
        shown.update { it.copy(account = account) }
    }
}

/** True for an account whose server has ended it already, so that nothing is left to remove there. */
fun Account.isEnded(): Boolean = state is AccountState.Ended
