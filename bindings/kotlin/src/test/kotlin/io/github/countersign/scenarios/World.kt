package io.github.countersign.scenarios

import kotlinx.coroutines.future.await
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.readText

/** Where the tree is. */
val root: Path = Path.of(System.getProperty("countersign.root")).toRealPath()

/** Where the programs are that were built for these tests. */
private fun programs(): Path =
    Path.of(System.getProperty("countersign.programs") ?: root.resolve("bindings/kotlin/target/programs").readText().trim())

/** The program that is the world of all scenarios. It ends with this process, or before. */
class WorldProgram : AutoCloseable {
    private val folder = Files.createTempDirectory("countersign-world")
    private val process = start()
    private val url = listening()
    private val http = HttpClient.newHttpClient()

    private fun start(): Process {
        val program = programs().resolve("scenario-world")
        return ProcessBuilder(program.toString(), "--folder", folder.toString())
            .redirectError(folder.resolve("errors").toFile())
            .start()
    }

    private fun listening(): String {
        val said = process.inputReader().readLine()
        return said?.removePrefix("Listening on ") ?: throw ScenarioFault(folder.resolve("errors").readText())
    }

    /** Begins a world. */
    suspend fun begin(): World {
        val begun = send("POST", "", "").body().let(Json::parseToJsonElement).jsonObject
        return World(this, begun.getValue("number").jsonPrimitive.int, Path.of(begun.getValue("folder").jsonPrimitive.content))
    }

    internal suspend fun send(method: String, path: String, body: String): HttpResponse<String> {
        val request =
            HttpRequest.newBuilder(URI("$url/worlds$path"))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
        return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString()).await()
    }

    /** Ends the program, by the end of its input. */
    override fun close() {
        process.outputStream.close()
        process.waitFor()
        folder.toFile().deleteRecursively()
    }
}

/** One scenario's world. */
class World(private val program: WorldProgram, private val number: Int, val folder: Path) {
    /** Does one step, and gives what came of it. */
    suspend fun step(step: JsonElement): JsonElement {
        val answer = program.send("POST", "/$number", step.toString())
        if (answer.statusCode() != 200) throw ScenarioFault("$step: ${answer.body()}")
        return Json.parseToJsonElement(answer.body())
    }

    /** Ends it, with its servers. */
    suspend fun end() {
        program.send("DELETE", "/$number", "")
    }
}

/** An object of a scenario. */
operator fun JsonElement.get(name: String): JsonElement? = (this as? JsonObject)?.get(name)
