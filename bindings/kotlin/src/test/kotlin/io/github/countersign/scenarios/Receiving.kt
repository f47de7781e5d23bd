package io.github.countersign.scenarios

import kotlinx.coroutines.runBlocking
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
