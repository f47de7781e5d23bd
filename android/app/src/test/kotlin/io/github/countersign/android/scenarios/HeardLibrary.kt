package io.github.countersign.android.scenarios

import io.github.countersign.Account
import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorException
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.Device
import io.github.countersign.OneTimeCode
import io.github.countersign.Outcome
import io.github.countersign.Prompt
import io.github.countersign.Pulled
import io.github.countersign.PushRegistration
import io.github.countersign.Received
import java.util.concurrent.ConcurrentHashMap

/** What the library said last to each call: the app tells a person in words what a scenario wants as a code. */
class Heard {
    private val said = ConcurrentHashMap<String, Result<Any>>()

    /** Hears a call. */
    suspend fun <T : Any> call(name: String, call: suspend () -> T): T {
        try {
            return call().also { said[name] = Result.success(it) }
        } catch (refusal: AuthenticatorException) {
            said[name] = Result.failure(refusal)
            throw refusal
        }
    }

    /** Forgets everything. */
    fun clear() = said.clear()

    /** What a call gave last; null when it was not called. */
    fun resultOf(name: String): Result<Any>? = said[name]
}

/** The library as the app has it, overheard. */
class HeardLibrary(private val library: Authenticator, private val heard: Heard) :
    AuthenticatorInterface by library,
    AutoCloseable {
    override fun close() = library.close()

    override suspend fun enrol(link: String, deviceName: String): Account =
        heard.call("enrol") { library.enrol(link, deviceName) }

    override suspend fun pull(accountId: String, waitSeconds: UInt): Pulled =
        heard.call("pull") { library.pull(accountId, waitSeconds) }

    override suspend fun receive(push: ByteArray): Received = heard.call("receive") { library.receive(push) }

    override suspend fun pending(): List<Prompt> = heard.call("pending") { library.pending() }

    override suspend fun approve(challengeId: String, number: String?): Outcome =
        heard.call("approve") { library.approve(challengeId, number) }

    override suspend fun deny(challengeId: String): Outcome = heard.call("deny") { library.deny(challengeId) }

    override suspend fun report(challengeId: String): Outcome = heard.call("report") { library.report(challengeId) }

    override suspend fun code(accountId: String): OneTimeCode = heard.call("code") { library.code(accountId) }

    override suspend fun openLink(link: String): String = heard.call("open_link") { library.openLink(link) }

    override suspend fun devices(accountId: String): List<Device> = heard.call("devices") { library.devices(accountId) }

    override suspend fun registerPush(accountId: String, registrations: List<PushRegistration>) =
        heard.call("register_push") { library.registerPush(accountId, registrations) }

    override suspend fun remove(accountId: String) = heard.call("remove") { library.remove(accountId) }

    override suspend fun forget(accountId: String) = heard.call("forget") { library.forget(accountId) }
}
