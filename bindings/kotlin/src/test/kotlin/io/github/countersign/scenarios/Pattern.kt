package io.github.countersign.scenarios

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.jsonPrimitive

/** A step that did not give what it must, or that says nothing a suite can do. */
class ScenarioFault(message: String) : AssertionError(message)

/** Whether a value fits a pattern. */
fun fits(pattern: JsonElement, value: JsonElement): Boolean =
    when {
        pattern is JsonObject && "one_of" in pattern -> (pattern["one_of"] as JsonArray).any { fits(it, value) }
        pattern is JsonObject && value is JsonObject ->
            pattern.all { (name, member) -> fits(member, value[name] ?: JsonNull) }
        pattern is JsonArray && value is JsonArray ->
            pattern.size == value.size && pattern.zip(value).all { (one, other) -> fits(one, other) }
        pattern == JsonPrimitive("*") -> value != JsonNull
        else -> pattern == value
    }

/** A value with every `${reference}` in it replaced. */
fun replaced(value: JsonElement, kept: Map<String, JsonElement>): JsonElement =
    when (value) {
        is JsonObject -> JsonObject(value.mapValues { (_, member) -> replaced(member, kept) })
        is JsonArray -> JsonArray(value.map { replaced(it, kept) })
        is JsonPrimitive -> if (value.isString) replacedText(value.content, kept) else value
    }

private val reference = Regex("""\$\{([^}]*)}""")

private fun replacedText(text: String, kept: Map<String, JsonElement>): JsonElement {
    reference.matchEntire(text)?.let { return lookedUp(it.groupValues[1], kept) }
    if ("\${" in text.replace(reference, "")) throw ScenarioFault("$text has no closing brace")
    return JsonPrimitive(text.replace(reference) { found -> inText(lookedUp(found.groupValues[1], kept), text) })
}

/** A text or a number, as it stands in a longer text. */
private fun inText(value: JsonElement, text: String): String {
    val stands = value is JsonPrimitive && (value.isString || value.doubleOrNull != null)
    return if (stands) value.jsonPrimitive.content else throw ScenarioFault("$value stands in the middle of $text")
}

private fun lookedUp(reference: String, kept: Map<String, JsonElement>): JsonElement {
    val parts = reference.split('.')
    return parts.drop(1).fold(kept[parts.first()]) { value, part ->
        when (value) {
            is JsonArray -> part.toIntOrNull()?.let(value::getOrNull)
            is JsonObject -> value[part]
            else -> null
        }
    } ?: throw ScenarioFault("nothing is kept as $reference")
}
