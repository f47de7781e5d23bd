package io.github.countersign.android.codes

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.io.File

private val vectors: JsonObject by lazy {
    val file = File(System.getProperty("countersign.root"), "tests/vectors/code_files.json")
    Json.parseToJsonElement(file.readText()).jsonObject
}

/** A file of `tests/vectors/code_files.json`, and what is in it. */
class AcceptedFile(private val case: JsonObject) {
    val name: String = case.getValue("name").jsonPrimitive.content
    val bytes: ByteArray = case.getValue("file_utf8").jsonPrimitive.content.toByteArray()
    val password: String? = case["password_utf8"]?.jsonPrimitive?.contentOrNull
    private val gives = case.getValue("gives").jsonObject

    /** The groups of the codes, in their order. */
    val groups: List<String?> =
        gives.getValue("codes").jsonArray.map { it.jsonObject["group"]?.jsonPrimitive?.contentOrNull }

    /** The reasons of what is not taken, in their order. */
    val reasons: List<String> =
        gives.getValue("not_taken").jsonArray.map { it.jsonObject.getValue("reason").jsonPrimitive.content }
}

/** The files that are read. */
val acceptedFiles: List<AcceptedFile> by lazy {
    vectors.getValue("accepted").jsonArray.map { AcceptedFile(it.jsonObject) }
}

/** The file of this name among them. */
fun acceptedFile(name: String): AcceptedFile = acceptedFiles.single { it.name == name }

/** A hostile or damaged file, its password, and the stable word of why it is refused. */
class RefusedFile(val name: String, val bytes: ByteArray, val password: String?, val reason: String)

/** The files that are refused: each is one of the others with something else in one place. */
val refusedFiles: List<RefusedFile> by lazy {
    vectors.getValue("refused").jsonArray.map { it.jsonObject }.map { case ->
        val like = acceptedFile(case.getValue("like").jsonPrimitive.content)
        val whole = Json.parseToJsonElement(like.bytes.decodeToString())
        val changed = replaced(whole, case.getValue("path").jsonArray.toList(), case.getValue("value"))
        val name = "${like.name}: ${case.getValue("name").jsonPrimitive.content}"
        RefusedFile(name, "$changed".toByteArray(), like.password, case.getValue("code").jsonPrimitive.content)
    }
}

private fun replaced(whole: JsonElement, path: List<JsonElement>, value: JsonElement): JsonElement {
    val at = path.firstOrNull()?.jsonPrimitive ?: return value
    val rest = path.drop(1)
    return when (whole) {
        is JsonObject -> JsonObject(whole + (at.content to replaced(whole.getValue(at.content), rest, value)))
        is JsonArray -> JsonArray(whole.mapIndexed { i, one -> if (i == at.int) replaced(one, rest, value) else one })
        else -> error("nothing is at $path")
    }
}
