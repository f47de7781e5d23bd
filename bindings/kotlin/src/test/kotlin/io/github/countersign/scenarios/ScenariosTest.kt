package io.github.countersign.scenarios

import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.assertThrows
import kotlin.io.path.deleteIfExists
import kotlin.io.path.readText
import kotlin.io.path.writeLines
import kotlin.test.assertContains
import kotlin.test.assertTrue

private val table: JsonObject =
    Json.parseToJsonElement(root.resolve("tests/scenarios/scenarios.json").readText()).jsonObject

/** The scenarios of `tests/scenarios/scenarios.json`, through the library. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScenariosTest {
    private val passed = sortedSetOf<String>()
    private val list = root.resolve("bindings/kotlin/target/scenarios-passed.txt")
    private lateinit var program: WorldProgram

    @BeforeAll
    fun begin() {
        list.deleteIfExists()
        program = WorldProgram()
    }

    /** Whoever runs the suites compares these names with the table's. */
    @AfterAll
    fun end() {
        program.close()
        list.writeLines(passed)
    }

    private fun play(scenario: JsonObject) = runBlocking {
        val world = program.begin()
        try {
            val procedures = table.getValue("procedures").jsonObject
            Interpreter(world, procedures).use { it.play(scenario.getValue("steps").jsonArray) }
        } finally {
            world.end()
        }
    }

    @TestFactory
    fun scenarios(): List<DynamicTest> =
        table.getValue("scenarios").jsonArray.map { it.jsonObject }.map { scenario ->
            val name = text(scenario, "name")
            DynamicTest.dynamicTest(name) {
                play(scenario)
                passed += name
            }
        }

    @Test
    fun `the table is there`() = assertTrue(table.getValue("scenarios").jsonArray.size >= 40)

    @Test
    fun `every expectation of a scenario fails when it is another`() {
        val denied = table.getValue("scenarios").jsonArray.map { it.jsonObject }.first { text(it, "name") == "denied" }
        val steps = denied.getValue("steps").jsonArray
        val expecting = steps.indices.filter { "gives" in steps[it].jsonObject }
        assertTrue(expecting.size >= 5)
        for (index in expecting) {
            val flipped = steps.mapIndexed { at, step -> if (at == index) otherwise(step.jsonObject) else step }
            val fault = assertThrows<ScenarioFault> { play(JsonObject(denied + ("steps" to JsonArray(flipped)))) }
            assertContains(fault.message.orEmpty(), "not this", message = "step $index")
        }
    }

    /** The step, with one of its outcomes another. */
    private fun otherwise(step: JsonObject): JsonElement = JsonObject(step + ("gives" to flipped(step.getValue("gives"))))

    private fun flipped(pattern: JsonElement): JsonElement =
        when {
            pattern is JsonObject -> pattern.entries.first().let { (name, member) -> JsonObject(pattern + (name to flipped(member))) }
            pattern is JsonArray && pattern.isNotEmpty() -> JsonArray(listOf(flipped(pattern[0])) + pattern.drop(1))
            else -> JsonPrimitive("not this")
        }

    @Test
    fun `a step that nobody knows fails`() {
        val steps =
            listOf(
                """{"phone": "maya", "does": "dance"}""",
                """{"phone": "maya", "does": "accounts"}""",
                """{"world": "ends"}""",
                """{"run": "nothing", "with": {}}""",
                """{"phone": "maya", "does": "open", "as": "${'$'}{nobody}"}""",
                """{"phone": "maya", "does": "vault", "behaves": "${'$'}{folder"}""",
            )
        for (step in steps) {
            val scenario = JsonObject(mapOf("steps" to JsonArray(listOf(Json.parseToJsonElement(step)))))
            assertThrows<ScenarioFault>(step) { play(scenario) }
        }
    }
}
