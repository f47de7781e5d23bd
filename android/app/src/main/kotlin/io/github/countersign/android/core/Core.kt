package io.github.countersign.android.core

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.AuthenticatorException
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * The library's one object in this process, opened when it is first needed. A failure to open is not kept: the phone
 * may be unlocked by the next time.
 */
class Core(private val opening: suspend () -> AuthenticatorInterface) {
    private val mutex = Mutex()
    private val count = MutableStateFlow(0L)

    @Volatile private var opened: AuthenticatorInterface? = null

    /** Another number each time that what the library knows may have changed: what is shown is then read again. */
    val changes: StateFlow<Long> = count.asStateFlow()

    /** Says that what the library knows may have changed. */
    fun touched() = count.update { it + 1 }

    /** Does this with the library. */
    suspend fun <T> use(work: suspend (AuthenticatorInterface) -> T): T = work(open())

    private suspend fun open(): AuthenticatorInterface =
        opened ?: mutex.withLock { opened ?: opening().also { opened = it } }

    /** Ends the library's object, as the end of the process does. */
    fun close() {
        (opened as? AutoCloseable)?.close()
        opened = null
    }
}

/** What a screen shows of something that is read. */
sealed interface Loaded<out T> {
    /** It is being read. */
    data object Loading : Loaded<Nothing>

    /** It is there. */
    data class There<T>(val value: T) : Loaded<T>

    /** It could not be read; the screen offers to try again. */
    data class Failed(val told: Told) : Loaded<Nothing>
}

/** Reads something, and turns a refusal of the library into what the person reads. */
suspend fun <T> loaded(read: suspend () -> T): Loaded<T> = try {
    Loaded.There(read())
} catch (failure: AuthenticatorException) {
    Loaded.Failed(failure.told())
}

/** True for an account that is asked, or will be once its digits are typed. */
fun Account.isAlive(): Boolean = state !is AccountState.Ended
