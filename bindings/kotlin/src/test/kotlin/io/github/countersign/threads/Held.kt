package io.github.countersign.threads

import io.github.countersign.FfiConverterTypeClock
import io.github.countersign.FfiConverterTypeDeviceKey
import io.github.countersign.FfiConverterTypeKeyVault
import io.github.countersign.FfiConverterTypePushRegistrar
import io.github.countersign.FfiConverterTypeTransport
import io.github.countersign.uniffiContinuationHandleMap
import io.github.countersign.uniffiForeignFutureHandleCount
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readText

/** What this process holds that a leak would add to. */
data class Held(val handles: Map<String, Int>, val threads: Map<String, Int>, val files: Int) {
    /** What is held beyond another time. */
    fun beyond(before: Held): Map<String, Int> =
        (handles.mapValues { (map, size) -> size - before.handles.getValue(map) } +
            threads.mapValues { (kind, count) -> count - before.threads.getOrDefault(kind, 0) } +
            ("files" to files - before.files))
            .filterValues { it > 0 }

    companion object {
        /** Now. */
        fun now() = Held(handles(), threads(), Path.of("/proc/self/fd").listDirectoryEntries().size)

        /** Once nothing is held beyond this any more, or after a minute. Objects that were dropped need the collector. */
        fun settled(before: Held): Held {
            val end = Instant.now() + Duration.ofMinutes(1)
            var held = now()
            while (held.beyond(before).isNotEmpty() && Instant.now() < end) {
                System.gc()
                held = now()
            }
            return held
        }

        private fun handles() =
            mapOf(
                "clocks" to FfiConverterTypeClock.handleMap.size,
                "keys" to FfiConverterTypeDeviceKey.handleMap.size,
                "vaults" to FfiConverterTypeKeyVault.handleMap.size,
                "registrars" to FfiConverterTypePushRegistrar.handleMap.size,
                "transports" to FfiConverterTypeTransport.handleMap.size,
                "waiting for Rust" to uniffiContinuationHandleMap.size,
                "work for Rust" to uniffiForeignFutureHandleCount(),
            )

        /** The library's own threads, by the kernel's word, and those of Java that no pool of the JVM lets go by itself. */
        private fun threads(): Map<String, Int> {
            val native = Path.of("/proc/self/task").listDirectoryEntries()
                .mapNotNull { runCatching { it.resolve("comm").readText().trim() }.getOrNull() }
                .count { it == "countersign" }
            val pools = listOf("DefaultDispatcher-worker", "ForkJoinPool", "HttpClient", "Keep-Alive-Timer", "process reaper")
            val java = Thread.getAllStackTraces().keys.map { it.name }.count { name -> pools.none(name::startsWith) }
            return mapOf("threads of the library" to native, "threads of Java" to java)
        }
    }
}
