package io.github.countersign

import io.github.countersign.scenarios.WorldTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.writeText
import kotlin.test.assertIs
import kotlin.time.measureTime

private const val RUNS = 200

/** What it costs to open a push for its notification. Printed, never judged: another machine has other figures. */
class NotificationCostTest : WorldTest() {
    @TempDir
    lateinit var folder: Path

    private fun residentKilobytes() =
        Files.readAllLines(Path.of("/proc/self/status")).first { it.startsWith("VmRSS") }.filter(Char::isDigit).toLong()

    private fun heapKilobytes(): Long {
        System.gc()
        return Runtime.getRuntime().run { totalMemory() - freeMemory() } / 1024
    }

    @Test
    fun `a push is opened, and what that took is printed`() = inWorld { _, site ->
        val (store, vault) = folder.resolve("store").toString() to FileKeyVaultNotForPhones(folder.resolve("vault"))
        val push =
            Authenticator.open(store, vault, HttpUrlConnectionTransport(), SystemClock, null).use { app ->
                val user = site.user()
                val account = site.enrol(app, user)
                val next = site.installed(app, account)
                site.ask(user)
                next()
            }
        val open = { PushOpener.open(store, vault, SystemClock).use { assertIs<OpenedPush.Ask>(it.openPush(push)) } }
        val first = measureTime { open() }
        repeat(RUNS) { open() }
        val (heap, resident) = heapKilobytes() to residentKilobytes()
        val median = List(RUNS) { measureTime { open() } }.sorted()[RUNS / 2]
        val said =
            "notification: median of $RUNS openings ${median.inWholeMicroseconds / 1000.0} ms, the first " +
                "${first.inWholeMicroseconds / 1000.0} ms; memory changed by ${heapKilobytes() - heap} KB of heap and " +
                "${residentKilobytes() - resident} KB resident"
        // Where bindings/kotlin/test finds it, which prints it.
        Path.of("target/figures.txt").writeText("$said\n")
        println(said)
    }
}
