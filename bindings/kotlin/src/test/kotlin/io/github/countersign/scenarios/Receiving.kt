package io.github.countersign.scenarios

import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import java.nio.file.Path

/** The class that Java starts for [main]. */
const val RECEIVING = "io.github.countersign.scenarios.ReceivingKt"

/** In a process of its own: receives a push, says what came of it, and waits to be killed. */
fun main(arguments: Array<String>) {
    val (folder, push) = arguments
    val receive =
        buildJsonObject {
            put("does", JsonPrimitive("receive"))
            put("push", JsonPrimitive(push))
        }
    val open = buildJsonObject { put("does", JsonPrimitive("open")) }
    val phone = ScenarioPhone(Path.of(folder))
    runBlocking {
        phone.act(open)
        println(phone.act(receive))
    }
    // Its end comes from outside.
    System.`in`.readAllBytes()
}

/** Has a process of its own receive a push on the same store, and kills it without mercy once it has said what came of it. */
fun receivedByAnotherProcess(folder: Path, push: String): JsonElement {
    val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
    // Where the library is not in a jar, the other process is told where it is.
    val library = System.getProperty("jna.library.path")?.let { listOf("-Djna.library.path=$it") }.orEmpty()
    val what = listOf("-cp", System.getProperty("java.class.path"), RECEIVING, folder.toString(), push)
    val process = ProcessBuilder(listOf(java) + library + what).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    val said = process.inputReader().readLine() ?: throw ScenarioFault("the other process said nothing")
    process.destroyForcibly().waitFor()
    return Json.parseToJsonElement(said)
}
