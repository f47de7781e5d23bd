package io.github.countersign.android.scenarios

import io.github.countersign.scenarios.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import java.io.File

internal val root = File(System.getProperty("countersign.root"))
internal val table: JsonObject =
    Json.parseToJsonElement(File(root, "tests/scenarios/scenarios.json").readText()).jsonObject

/** The scenarios that the app lives through otherwise than the library alone, by their names, with the reasons. */
internal val otherwise: Map<String, String> =
    File(root, "tests/scenarios/not-through-the-app.txt").readLines().filter { it.isNotBlank() && !it.startsWith("#") }
        .associate { it.substringBefore(": ") to it.substringAfter(": ", "") }

internal val names = table.getValue("scenarios").jsonArray.map { text(it.jsonObject, "name") }
