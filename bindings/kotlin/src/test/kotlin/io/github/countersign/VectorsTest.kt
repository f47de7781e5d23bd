package io.github.countersign

import io.github.countersign.scenarios.root
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Test
import kotlin.io.path.readText
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The shared vectors, through the library. */
class VectorsTest {
    private val file = Json.parseToJsonElement(root.resolve("tests/vectors/countersign.json").readText())

    private fun JsonElement.at(name: String): JsonElement = jsonObject.getValue(name)

    private fun JsonElement.text(name: String): String = at(name).jsonPrimitive.content

    /** A list, which must have this many elements or more. */
    private fun JsonElement.list(name: String, atLeast: Int): List<JsonObject> {
        val elements = at(name).jsonArray.map { it.jsonObject }
        assertTrue(elements.size >= atLeast, "$name has ${elements.size}")
        return elements
    }

    /** The inputs of an accepted case: its own, and the usual ones beside them. */
    private fun JsonElement.inputs() = JsonObject(file.at("usual").jsonObject + at("inputs").jsonObject)

    private fun gives(check: String, inputs: JsonElement): JsonElement =
        Json.parseToJsonElement(checkVector(check, inputs.toString()))

    /** The code of a refusal; null when the check was passed. */
    private fun refusal(check: String, inputs: JsonElement): String? =
        try {
            checkVector(check, inputs.toString())
            null
        } catch (refused: AuthenticatorException) {
            errorCode(refused)
        }

    @Test
    fun `every accepted case gives what it says`() {
        for (case in file.list("accepted", 49)) {
            assertEquals(case.at("gives"), gives(case.text("check"), case.inputs()), case.text("name"))
        }
    }

    @Test
    fun `every refused case is refused with its code`() {
        val accepted = file.list("accepted", 49).associateBy { it.text("name") }
        for (case in file.list("refused", 402)) {
            val like = accepted.getValue(case.text("like"))
            val inputs = JsonObject(like.inputs() + case.at("instead").jsonObject)
            assertEquals(case.text("code"), refusal(like.text("check"), inputs), case.text("name"))
        }
    }
}
