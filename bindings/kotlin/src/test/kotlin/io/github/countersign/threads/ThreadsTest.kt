package io.github.countersign.threads

import io.github.countersign.Account
import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorException
import io.github.countersign.InMemoryKeyVaultNotForPhones
import io.github.countersign.KeyException
import io.github.countersign.KeyVault
import io.github.countersign.Opens
import io.github.countersign.Outcome
import io.github.countersign.scenarios.RelyingParty
import io.github.countersign.scenarios.WorldTest
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.test.assertEquals
import kotlin.test.assertTrue

private const val CALLS = 1000
private const val UNKNOWN = "AAAAAAAAAAAAAAAAAAAAAA"

/** Calls from one thread that must never wait, while the app's parts wait for that thread. A deadlock runs out of time. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ThreadsTest : WorldTest() {
    @TempDir
    lateinit var folder: Path

    /** An app: its parts, and its main thread. */
    private class App(private val folder: Path, val main: MainThread) {
        val transport = WatchedTransport(main)
        private val vault = WatchedVault(folder.resolve("vault"), main)

        suspend fun open(store: String = "store"): Authenticator =
            Authenticator.open(folder.resolve(store).toString(), vault, transport, WatchedClock(main), WatchedRegistrar(main))
    }

    private fun onMain(test: suspend (App, RelyingParty) -> Unit) = inWorld { _, site ->
        MainThread().use { main ->
            withContext(main.executor.asCoroutineDispatcher()) { test(App(folder, main), site) }
            assertEquals(emptySet(), main.calledHere)
        }
    }

    /** One call of many kinds; refusals are answers. */
    private suspend fun call(app: Authenticator, account: Account, kind: Int) {
        try {
            when (kind % 10) {
                0 -> app.accounts()
                1 -> app.pending()
                2 -> app.history(10u)
                3 -> app.code(account.id)
                4 -> app.pull(account.id, 0u)
                5 -> app.devices(account.id)
                6 -> app.receive(ByteArray(64))
                7 -> app.deny(UNKNOWN)
                8 -> app.openLink("no link")
                else -> app.pull(UNKNOWN, 60u)
            }
        } catch (_: AuthenticatorException) {
            return
        }
    }

    /** A thousand calls at once, of which every seventh is given up at some moment. */
    private suspend fun storm(app: Authenticator, account: Account) = coroutineScope {
        val ended = AtomicInteger()
        val calls = List(CALLS) { number -> launch { call(app, account, number).also { ended.incrementAndGet() } } }
        calls.filterIndexed { number, _ -> number % 7 == 3 }.forEach { yield(); it.cancelAndJoin() }
        calls.joinAll()
        assertTrue(ended.get() >= CALLS * 6 / 7, "${ended.get()} calls ended by themselves")
    }

    @Test
    fun `a thousand calls at once, with every part waiting for the thread that calls`() = onMain { app, site ->
        app.open().use { authenticator ->
            val account = site.enrol(authenticator, site.user())
            // The first makes what a process makes once.
            storm(authenticator, account)
            val before = Held.settled(Held.now())
            storm(authenticator, account)
            assertTrue(before.handles.getValue("transports") > 0, "what is counted is there: $before")
            assertEquals(emptyMap(), withContext(Dispatchers.IO) { Held.settled(before) }.beyond(before))
            assertEquals(app.transport.began.get(), app.transport.ended.get())
        }
        assertEquals(setOf("transport", "vault", "key", "clock", "registrar"), app.main.calls.keys)
    }

    @Test
    fun `calls that wait are given up, and their connections end`() = onMain { app, site ->
        app.open().use { authenticator ->
            val account = site.enrol(authenticator, site.user())
            val waiting = CompletableDeferred<Unit>()
            coroutineScope {
                val before = app.transport.began.get()
                val calls = List(20) { launch { authenticator.pull(account.id, 60u) } }
                launch {
                    while (app.transport.began.get() < before + calls.size) yield()
                    waiting.complete(Unit)
                }
                waiting.await()
                calls.forEach(Job::cancel)
                calls.joinAll()
            }
            while (app.transport.ended.get() < app.transport.began.get()) yield()
            assertEquals(listOf(account.id), authenticator.accounts().map { it.id }, "and the library goes on")
        }
    }

    @Test
    fun `a cancelled answer is not lost`() = onMain { app, site ->
        app.open().use { authenticator ->
            val user = site.user()
            val account = site.enrol(authenticator, user)
            val id = site.ask(user)
            authenticator.pull(account.id, 0u)
            coroutineScope {
                val answering = launch { authenticator.approve(id, null) }
                yield()
                answering.cancelAndJoin()
            }
            // Wherever it was stopped, the same call goes on.
            assertEquals(Outcome.APPROVED, authenticator.approve(id, null))
        }
    }

    @Test
    fun `objects are closed while calls run, and dropped without being closed`() = onMain { app, site ->
        app.open().use { authenticator -> site.enrol(authenticator, site.user()) }
        closedAndDropped(app)
        val before = withContext(Dispatchers.IO) { Held.settled(Held.now()) }
        closedAndDropped(app)
        assertEquals(emptyMap(), withContext(Dispatchers.IO) { Held.settled(before) }.beyond(before))
    }

    private suspend fun closedAndDropped(app: App) = coroutineScope {
        for (number in 0 until 40) {
            val authenticator = app.open()
            val account = authenticator.accounts().single()
            val calls = List(10) { kind -> async { runCatching { call(authenticator, account, kind) } } }
            yield()
            if (number % 2 == 0) authenticator.close()
            val failures = calls.mapNotNull { it.await().exceptionOrNull() }
            // A call that began is done; one that comes after the end is told so.
            assertTrue(failures.all { it is IllegalStateException && "destroyed" in it.message.orEmpty() }, "$failures")
        }
    }

    @Test
    fun `a part that fails in a way it does not declare fails its call and nothing else`() = onMain { app, _ ->
        val broken = object : KeyVault by InMemoryKeyVaultNotForPhones() {
            override fun storageKey(opens: Opens): ByteArray = throw KeyException.Unavailable()
        }
        val open = suspend {
            Authenticator.open(folder.resolve("other").toString(), broken, app.transport, WatchedClock(app.main), null)
        }
        assertTrue(runCatching { open() }.exceptionOrNull() is AuthenticatorException.VaultUnreadable)
        app.open("other").close()
    }
}
