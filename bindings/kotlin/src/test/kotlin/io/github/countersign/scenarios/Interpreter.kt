package io.github.countersign.scenarios

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.nio.file.Path

/** A phone of a scenario, through whatever is under test. */
interface PlayedPhone : AutoCloseable {
    /** Does one step; a refusal is what it gives. */
    suspend fun act(step: JsonObject): JsonElement
}

/** One scenario as it is played: does what the table says, step by step, with phones whose stores are where they are told. */
class Interpreter(
    private val world: World,
    private val procedures: JsonObject,
    private val phoneAt: (Path) -> PlayedPhone = ::ScenarioPhone,
) : AutoCloseable {
    private val phones = mutableMapOf<String, PlayedPhone>()
    private val kept = mutableMapOf<String, JsonElement>("folder" to JsonPrimitive(world.folder.toString()))

    /** Plays the steps, and gives what the last of them gave. */
    suspend fun play(steps: JsonArray): JsonElement {
        var gave: JsonElement = JsonNull
        for (step in steps.map { it.jsonObject }) {
            gave =
                when {
                    "run" in step -> run(step)
                    "repeat" in step -> repeat(step)
                    else -> act(step)
                }
        }
        return gave
    }

    private suspend fun run(step: JsonObject): JsonElement {
        val name = text(step, "run")
        val procedure = procedures[name]?.jsonObject ?: throw ScenarioFault("no procedure $name")
        val given = replaced(step.getValue("with"), kept).jsonObject
        for ((value, standard) in procedure["defaults"]?.jsonObject.orEmpty()) {
            if (value !in given) kept[value] = replaced(standard, kept)
        }
        kept += given
        return within(name) { play(procedure.getValue("steps").jsonArray) }
    }

    private suspend fun repeat(step: JsonObject): JsonElement {
        val (from, by, most) = listOf("from", "by", "at_most").map { step.getValue(it).jsonPrimitive.int }
        val counting = text(step, "counting")
        for (count in from..most step by) {
            kept[counting] = JsonPrimitive(count)
            val gave = within("$counting $count") { play(step.getValue("repeat").jsonArray) }
            if (fits(replaced(step.getValue("until"), kept), gave)) return gave
        }
        throw ScenarioFault("$counting went past $most")
    }

    /** A step of the world, of the relying party or of a phone. */
    private suspend fun act(written: JsonObject): JsonElement {
        val step = replaced(written, kept).jsonObject
        val phone = step["phone"]?.jsonPrimitive?.contentOrNull
        val gave = if (phone == null) world.step(step) else phone(phone).act(step)
        if (!isRight(step, gave)) throw ScenarioFault("$step gave $gave")
        step["as"]?.let { kept[it.jsonPrimitive.content] = gave }
        return gave
    }

    private fun isRight(step: JsonObject, gave: JsonElement): Boolean =
        when {
            "gives" in step -> fits(step.getValue("gives"), gave)
            "site" in step -> gave.jsonObject.getValue("status").jsonPrimitive.int / 100 == 2
            else -> gave["error"] == null
        }

    private fun phone(name: String) = phones.getOrPut(name) { phoneAt(world.folder.resolve(name)) }

    private suspend fun within(where: String, steps: suspend () -> JsonElement): JsonElement =
        try {
            steps()
        } catch (fault: ScenarioFault) {
            throw ScenarioFault("$where: ${fault.message}")
        }

    override fun close() = phones.values.forEach(PlayedPhone::close)
}

/** A member of a step that must be a text. */
fun text(step: JsonObject, name: String): String =
    step[name]?.jsonPrimitive?.contentOrNull ?: throw ScenarioFault("$name is missing in $step")
