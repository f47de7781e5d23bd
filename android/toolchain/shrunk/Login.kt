package io.github.countersign.shrunk

import io.github.countersign.AccountState
import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorException
import io.github.countersign.HttpUrlConnectionTransport
import io.github.countersign.InMemoryKeyVaultNotForPhones
import io.github.countersign.Outcome
import io.github.countersign.SystemClock
import io.github.countersign.android.world.World
import kotlinx.coroutines.runBlocking
import java.nio.file.Files

/**
 * A whole login through the library as the shrinker left it, with the rules of the app: records, callbacks, errors and
 * coroutines between shrunk Kotlin and Rust, against the real server. It is shrunk together with the app.
 */
fun main() = runBlocking {
    World().use { world ->
        val user = world.site.user()
        val folder = Files.createTempDirectory("countersign-shrunk").toString()
        val vault = InMemoryKeyVaultNotForPhones()
        Authenticator.open(folder, vault, HttpUrlConnectionTransport(), SystemClock, null).use { phone ->
            val account = phone.enrol(world.site.link(user), "Telephone")
            world.site.confirm(account.id, (account.state as AccountState.Proposed).confirmationCode)
            phone.pull(account.id, 0u)
            val asked = world.site.ask(user, message = "Order 4711").getString("id")
            phone.pull(account.id, 0u)
            check(phone.pending().single().challenge.bindingMessage == "Order 4711")
            check(phone.approve(asked, null) == Outcome.APPROVED)
            check(world.site.claim(asked) == "claimed")
            check(phone.code(account.id).code.length == 6)
            val refused = runCatching { phone.deny("A".repeat(22)) }.exceptionOrNull()
            check(refused is AuthenticatorException.UnknownChallenge) { "$refused" }
        }
    }
    println("A login through the shrunk classes: approved and claimed.")
}
