package io.github.countersign.readme

import io.github.countersign.scenarios.WorldTest
import io.github.countersign.scenarios.root
import io.github.countersign.scenarios.text
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.readText
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The README's example is the file that is compiled here, and it does what it says. */
class ReadmeTest : WorldTest() {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the README shows what is run here, in fifteen lines`() {
        val shown = root.resolve("README.md").readText().substringAfter("```kotlin\n").substringBefore("```")
        val run = root.resolve("bindings/kotlin/src/test/kotlin/io/github/countersign/readme/Example.kt").readText()
        assertEquals(run.substringAfter("package io.github.countersign.readme\n\n"), shown)
        val lines = shown.lines().count { it.isNotBlank() }
        assertTrue(lines <= 15, "$lines lines")
    }

    @Test
    fun `it enrols, waits and answers`() = inWorld { _, site ->
        for (yes in listOf(true, false)) {
            val user = site.user("maya-$yes")
            val opened = site.call("POST /v1/users/$user/enrolments")
            var asked = ""
            val type: suspend (String) -> Unit = { code ->
                site.call("POST /v1/enrolments/${text(opened, "id")}/confirm", buildJsonObject { put("code", code) })
                asked = site.ask(user)
            }
            val place = folder.resolve("$yes").createDirectory()
            answer(place, text(opened, "link"), type) { challenge -> yes.also { assertEquals(asked, challenge.id) } }
            assertEquals(if (yes) "approved" else "denied", text(site.challenge(asked), "state"))
        }
    }
}
