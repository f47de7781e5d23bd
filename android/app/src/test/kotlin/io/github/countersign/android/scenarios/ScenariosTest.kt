package io.github.countersign.android.scenarios

import io.github.countersign.scenarios.Interpreter
import io.github.countersign.scenarios.WorldProgram
import io.github.countersign.scenarios.text
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File

/** The world of all scenarios. It ends with this process. */
private val program by lazy { WorldProgram() }

/** The scenarios of `tests/scenarios/scenarios.json`, through the app. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@Config(qualifiers = "en-rGB")
class ScenariosTest(private val name: String) {
    @Test
    fun isLivedThrough() = runBlocking {
        val scenario = table.getValue("scenarios").jsonArray.map { it.jsonObject }.single { text(it, "name") == name }
        val world = program.begin()
        try {
            Interpreter(world, table.getValue("procedures").jsonObject, ::AppPhone).use { it.play(stepsOf(scenario)) }
        } finally {
            world.end()
        }
        // Whoever runs the suites compares these names with the table's.
        File(root, "android/build/scenarios-passed.txt").appendText("$name\n")
    }

    private fun stepsOf(scenario: JsonObject): JsonArray = scenario.getValue("steps").jsonArray

    companion object {
        /** Those that are played. */
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun played(): List<Array<Any>> = (names - otherwise.keys).map { arrayOf(it) }
    }
}
