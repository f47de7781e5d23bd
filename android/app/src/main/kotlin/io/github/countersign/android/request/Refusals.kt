package io.github.countersign.android.request

import io.github.countersign.AuthenticatorException
import io.github.countersign.Outcome
import java.util.concurrent.ConcurrentHashMap

/**
 * Which kept answers are known to be no YES. The library tells that an answer is kept, and not which: after the end of
 * the process one may be either, and NO is offered in its place, which changes nothing where it is a NO already.
 */
class Refusals {
    private val kept: MutableSet<String> = ConcurrentHashMap.newKeySet()

    /** True when what is kept for this request is a NO or a report. */
    fun isKept(challenge: String): Boolean = challenge in kept

    /** Refuses a request in this way, and remembers what is kept when the server was not heard. */
    suspend fun refuse(challenge: String, how: suspend () -> Outcome): Outcome = try {
        how()
    } catch (failure: AuthenticatorException) {
        if (failure.isWithoutServer()) kept += challenge
        throw failure
    }
}
