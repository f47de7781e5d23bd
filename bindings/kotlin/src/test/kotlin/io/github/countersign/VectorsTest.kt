package io.github.countersign

import io.github.countersign.scenarios.get
import io.github.countersign.scenarios.root
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Test
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.test.assertEquals
import kotlin.test.assertTrue

private val folder = root.resolve("tests/vectors")

/** The shared vectors, through the library. */
class VectorsTest {
    private fun file(name: String): JsonObject = Json.parseToJsonElement(folder.resolve(name).readText()).jsonObject

    private fun JsonElement.at(name: String): JsonElement = jsonObject.getValue(name)

    private fun JsonElement.text(name: String): String = at(name).jsonPrimitive.content

    /** A list, which must have this many elements or more. */
    private fun JsonElement.list(name: String, atLeast: Int): List<JsonObject> {
        val elements = at(name).jsonArray.map { it.jsonObject }
        assertTrue(elements.size >= atLeast, "$name has ${elements.size}")
        return elements
    }

    private fun gives(check: String, inputs: JsonElement): JsonElement =
        Json.parseToJsonElement(checkVector(check, inputs.toString()))

    private fun gives(check: String, vararg inputs: Pair<String, JsonElement>) = gives(check, JsonObject(inputs.toMap()))

    /** The code of a refusal; null when the check was passed. */
    private fun refusal(check: String, inputs: JsonElement): String? =
        try {
            checkVector(check, inputs.toString())
            null
        } catch (refused: AuthenticatorException) {
            errorCode(refused)
        }

    @Test
    fun `every file in the folder is one that is read here`() {
        val found = folder.listDirectoryEntries().map { it.name }.toSet()
        val rfcs = listOf("4226", "6238", "7515", "7638", "8188", "8291", "9180").map { "rfc$it.json" }
        assertEquals(rfcs.toSet() + setOf("README.md", "countersign.json"), found)
    }

    @Test
    fun `every accepted case gives what it says`() {
        for (case in file("countersign.json").list("accepted", 49)) {
            assertEquals(case.at("gives"), gives(case.text("check"), case.at("inputs")), case.text("name"))
        }
    }

    @Test
    fun `every refused case is refused with its code`() {
        val file = file("countersign.json")
        val accepted = file.list("accepted", 49).associateBy { it.text("name") }
        for (case in file.list("refused", 402)) {
            val like = accepted.getValue(case.text("like"))
            val inputs = JsonObject(like.at("inputs").jsonObject + case.at("instead").jsonObject)
            assertEquals(case.text("code"), refusal(like.text("check"), inputs), case.text("name"))
        }
    }

    @Test
    fun `the codes are the published ones`() {
        val hotp = file("rfc4226.json")
        for (vector in hotp.list("vectors", 10)) {
            val given = gives("hotp", "secret_hex" to hotp.at("secret_hex"), "digits" to hotp.at("digits"), "count" to vector.at("count"))
            assertEquals(vector.text("hotp_utf8"), given.text("code_utf8"))
        }
        val totp = file("rfc6238.json")
        for (vector in totp.list("vectors", 18)) {
            val given =
                gives(
                    "totp",
                    "secret_hex" to totp.at("seeds").at(vector.text("mode")).at("seed_hex"),
                    "algorithm" to vector.at("mode"),
                    "digits" to totp.at("digits"),
                    "period" to totp.at("time_step"),
                    "time" to vector.at("time"),
                )
            assertEquals(vector.text("totp_utf8"), given.text("code_utf8"))
        }
    }

    @Test
    fun `the published signature fits, and no other text`() {
        val file = file("rfc7515.json")
        val input = file.text("protected_header_b64u") + "." + file.text("payload_b64u")
        fun inputs(text: String) =
            JsonObject(file.filterKeys { it == "jwk" || it == "signature_b64u" } + ("input_utf8" to JsonPrimitive(text)))
        assertEquals(null, refusal("signature", inputs(input)))
        assertEquals("bad_signature", refusal("signature", inputs(input + "x")))
    }

    @Test
    fun `the thumbprints are the published ones`() {
        val ofCurve = file("rfc7638.json").list("vectors", 2).filter { it.at("jwk")["kty"] == JsonPrimitive("EC") }
        assertTrue(ofCurve.isNotEmpty())
        for (vector in ofCurve) {
            assertEquals(vector.at("thumbprint_sha256_b64u"), gives("thumbprint", "jwk" to vector.at("jwk")).at("thumbprint_b64u"))
        }
    }

    /** RFC 8188 is the encoding inside of RFC 8291: its example needs the record that the library never makes. */
    @Test
    fun `the published messages open`() {
        assertTrue(file("rfc8188.json").list("vectors", 1).all { it != JsonNull })
        val push = file("rfc8291.json")
        assertEquals(push.at("plaintext_b64u"), gives("web_push", push).at("plaintext_b64u"))
        val sealed = file("rfc9180.json")
        val first = sealed.list("encryptions", 1).first()
        val inputs = JsonObject(sealed + first.filterKeys { it == "aad_hex" || it == "ct_hex" })
        assertEquals(first.at("pt_hex"), gives("hpke", inputs).at("pt_hex"))
        assertEquals("cannot_open", refusal("hpke", JsonObject(inputs + ("info_hex" to JsonPrimitive("00")))))
    }
}
