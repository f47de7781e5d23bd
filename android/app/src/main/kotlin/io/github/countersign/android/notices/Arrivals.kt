package io.github.countersign.android.notices

import io.github.countersign.Account
import io.github.countersign.AuthenticatorException
import io.github.countersign.Pulled
import io.github.countersign.Received
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.isAlive
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope

/** What comes to the phone, by push or because the phone asked: it goes into the library, and onto the screen. */
class Arrivals(private val core: Core, private val notices: Notices) {
    /** Takes in a push, whatever brought it. What is refused says nothing to anybody. */
    suspend fun push(message: ByteArray) {
        try {
            tell(listOf(core.use { it.receive(message) }))
        } catch (failure: AuthenticatorException) {
            // The server may have a new signing key, which a pull learns; the pull brings the same request.
            if (failure is AuthenticatorException.UnknownKey) pullAll()
        }
    }

    /** Asks the server of an account. */
    suspend fun pull(account: String, waitSeconds: UInt = 0u): Pulled {
        val pulled = core.use { it.pull(account, waitSeconds) }
        tell(pulled.received)
        return pulled
    }

    /** Asks every server. What the first of those that failed means to the person; null when all answered. */
    suspend fun pullAll(): Told? = try {
        val accounts = core.use { it.accounts() }.filter(Account::isAlive)
        coroutineScope { accounts.map { async { toldOf { pull(it.id) } } }.awaitAll() }.firstNotNullOfOrNull { it }
    } catch (failure: AuthenticatorException) {
        failure.told()
    }

    /** After the phone started, or was asleep: shows all that waits, and takes away what does not. */
    suspend fun showAll() {
        try {
            val waiting = core.use { it.pending() }.filterNot { it.answering }
            (notices.shown() - waiting.map { it.challenge.id }.toSet()).forEach(notices::over)
            waiting.forEach(notices::ask)
        } catch (_: AuthenticatorException) {
            // The app says why when it is opened.
        }
        core.touched()
    }

    private suspend fun tell(received: List<Received>) {
        val waiting = core.use { it.pending() }.filterNot { it.answering }.associateBy { it.challenge.id }
        for (one in received) {
            when (one) {
                is Received.New -> waiting[one.challengeId]?.let(notices::ask)
                is Received.Changed -> waiting[one.challengeId]?.let(notices::ask)
                is Received.Known -> Unit
                is Received.Retracted -> notices.over(one.challengeId)
            }
        }
        // A pull may have delivered an answer that was kept, or found that time was up.
        (notices.shown() - waiting.keys).forEach(notices::over)
        core.touched()
    }

    private suspend fun toldOf(work: suspend () -> Unit): Told? = try {
        work()
        null
    } catch (failure: AuthenticatorException) {
        failure.told()
    }
}
