package io.github.countersign.scenarios

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.test.assertEquals

class PatternTest {
    private fun json(text: String) = Json.parseToJsonElement(text)

    private fun assertFits(expected: Boolean, pattern: String, value: String) =
        assertEquals(expected, fits(json(pattern), json(value)), "$pattern, $value")

    @Test
    fun `a pattern fits what the contract says`() {
        assertFits(true, """{"a": 1}""", """{"a": 1, "b": 2}""")
        assertFits(true, """{"a": null}""", """{}""")
        assertFits(true, """{"a": null}""", """{"a": null}""")
        assertFits(true, """["*", {"one_of": [1, "x"]}]""", """[{}, "x"]""")
        assertFits(true, "\"*\"", "false")
    }

    @Test
    fun `a pattern refuses what the contract says`() {
        assertFits(false, """{"a": 1}""", """{"a": 2}""")
        assertFits(false, """{"a": 1}""", """{"a": "1"}""")
        assertFits(false, """{"a": null}""", """{"a": 0}""")
        assertFits(false, """{"a": "*"}""", """{}""")
        assertFits(false, "[1]", "[1, 2]")
        assertFits(false, "[]", "[1]")
        assertFits(false, "{}", "[]")
        assertFits(false, """{"one_of": [1, "x"]}""", "2")
    }

    @Test
    fun `a reference is replaced by what is kept`() {
        val kept = json("""{"one": {"list": [7, {"deep": "x"}]}, "name": "maya"}""").jsonObject
        val replaced = replaced(json("""["${'$'}{one.list}", "${'$'}{name}-${'$'}{one.list.0}.${'$'}{one.list.1.deep}"]"""), kept)
        assertEquals(json("""[[7, {"deep": "x"}], "maya-7.x"]"""), replaced)
        for (wrong in listOf("${'$'}{two}", "${'$'}{one.list.2}", "a${'$'}{one}", "${'$'}{name", "a ${'$'}{name} ${'$'}{")) {
            assertThrows<ScenarioFault>(wrong) { replaced(json("\"$wrong\""), kept) }
        }
    }
}
