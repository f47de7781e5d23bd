package io.github.countersign.threads

import io.github.countersign.Clock
import io.github.countersign.DeviceKey
import io.github.countersign.HttpRequest
import io.github.countersign.HttpResponse
import io.github.countersign.HttpUrlConnectionTransport
import io.github.countersign.KeyVault
import io.github.countersign.Opens
import io.github.countersign.Purpose
import io.github.countersign.PushRegistrar
import io.github.countersign.PushRegistration
import io.github.countersign.SystemClock
import io.github.countersign.Transport
import io.github.countersign.scenarios.ScriptedVault
import java.nio.file.Path
import java.time.Instant
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** The thread that draws: one, and its own. */
class MainThread : AutoCloseable {
    val executor: ExecutorService = Executors.newSingleThreadExecutor { Thread(it, "main of the app") }
    private val forbidden = ConcurrentHashMap.newKeySet<String>()
    private val counts = ConcurrentHashMap<String, AtomicInteger>()

    /** Called by every part of the app: notes where it runs, and waits until this thread had time for it. */
    fun watch(part: String) {
        counts.getOrPut(part, ::AtomicInteger).incrementAndGet()
        if (Thread.currentThread().name.startsWith("main of the app")) {
            forbidden += part
        } else {
            // A library that holds the thread while it calls the app would wait here for ever.
            executor.submit {}.get(60, TimeUnit.SECONDS)
        }
    }

    /** The parts that ran on this thread. */
    val calledHere: Set<String> get() = forbidden

    /** How often each part was called. */
    val calls: Map<String, Int> get() = counts.mapValues { it.value.get() }

    override fun close() = executor.shutdown()
}

/** The network. Counts the exchanges that began and those that ended, however they did. */
class WatchedTransport(private val main: MainThread) : Transport {
    val began = AtomicInteger()
    val ended = AtomicInteger()
    private val network = HttpUrlConnectionTransport()

    override suspend fun send(request: HttpRequest): HttpResponse {
        main.watch("transport")
        began.incrementAndGet()
        try {
            return network.send(request)
        } finally {
            ended.incrementAndGet()
        }
    }
}

/** A vault with keys of the platform. */
class WatchedVault(file: Path, private val main: MainThread) : KeyVault {
    private val vault = ScriptedVault(file).also { it.hardware = true }

    override fun storageKey(opens: Opens): ByteArray {
        main.watch("vault")
        return vault.storageKey(opens)
    }

    override suspend fun create(name: String, purpose: Purpose, attestationChallenge: ByteArray?): Boolean {
        main.watch("vault")
        return vault.create(name, purpose, attestationChallenge)
    }

    override fun load(name: String): DeviceKey {
        main.watch("vault")
        return WatchedKey(vault.load(name), main)
    }

    override fun destroy(name: String) {
        main.watch("vault")
        vault.destroy(name)
    }
}

private class WatchedKey(private val key: DeviceKey, private val main: MainThread) : DeviceKey {
    override fun publicKey(): ByteArray {
        main.watch("key")
        return key.publicKey()
    }

    override fun asksPerson(): Boolean {
        main.watch("key")
        return key.asksPerson()
    }

    override fun attestation(): List<ByteArray> {
        main.watch("key")
        return key.attestation()
    }

    override suspend fun sign(message: ByteArray): ByteArray {
        main.watch("key")
        return key.sign(message)
    }
}

/** The clock of the system. */
class WatchedClock(private val main: MainThread) : Clock {
    override fun now(): Instant {
        main.watch("clock")
        return SystemClock.now()
    }
}

/** Has no registration to give. */
class WatchedRegistrar(private val main: MainThread) : PushRegistrar {
    override suspend fun registrations(accountId: String, rejected: Boolean, webpushPublicKey: String?): List<PushRegistration> {
        main.watch("registrar")
        return emptyList()
    }
}
