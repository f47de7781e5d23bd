package io.github.countersign.android.push

import io.github.countersign.Account
import io.github.countersign.AuthenticatorException
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.isAlive

/**
 * Tells every server where pushes reach this phone now, after its push service gave another address. A server that does
 * not answer learns it at the next pull, once a push did not arrive.
 */
suspend fun registerEverywhere(core: Core, way: PushWay) {
    for (account in accountsOf(core)) {
        try {
            val key = core.use { it.webpushPublicKey(account.id) }
            val places = way.registrations(account.id, false, key)
            if (places.isNotEmpty()) core.use { it.registerPush(account.id, places) }
        } catch (_: AuthenticatorException) {
            continue
        }
    }
}

private suspend fun accountsOf(core: Core): List<Account> = try {
    core.use { it.accounts() }.filter(Account::isAlive)
} catch (_: AuthenticatorException) {
    emptyList()
}
