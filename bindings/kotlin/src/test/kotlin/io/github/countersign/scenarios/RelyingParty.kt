package io.github.countersign.scenarios

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.Authenticator
import io.github.countersign.EnrolmentState
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.util.Base64
import kotlin.test.assertEquals
import kotlin.test.assertIs

/** The relying party of a world, as tests need it that are no scenarios. */
class RelyingParty(private val world: World) {
    /** A call to its server, which must do it. */
    suspend fun call(call: String, body: JsonObject? = null): JsonObject {
        val step = mapOf("site" to JsonPrimitive(call)) + listOfNotNull(body?.let { "body" to it })
        val answer = world.step(JsonObject(step)).jsonObject
        assertEquals(2, answer.getValue("status").jsonPrimitive.int / 100, "$call: $answer")
        return answer.getValue("body").jsonObject
    }

    /** The id of a new user. */
    suspend fun user(name: String = "maya"): String = text(call("POST /v1/users", buildJsonObject { put("name", name) }), "id")

    /** The link that enrols a phone of the user. */
    suspend fun link(user: String): String = text(call("POST /v1/users/$user/enrolments"), "link")

    /** Types the six digits that the phone shows. */
    suspend fun confirm(account: Account) {
        val code = assertIs<AccountState.Proposed>(account.state).confirmationCode
        call("POST /v1/enrolments/${account.id}/confirm", buildJsonObject { put("code", code) })
    }

    /** Enrols this phone for the user. */
    suspend fun enrol(app: Authenticator, user: String): Account {
        val account = app.enrol(link(user), "Telephone")
        confirm(account)
        assertEquals(EnrolmentState.CONFIRMED, app.pull(account.id, 0u).state)
        return account
    }

    /** Asks the user for a YES, and gives the challenge's id. */
    suspend fun ask(user: String): String {
        val asked = buildJsonObject { put("user_id", user); put("expires_in", 600) }
        return text(call("POST /v1/challenges", asked), "id")
    }

    /** What became of a challenge. */
    suspend fun challenge(id: String): JsonObject = call("GET /v1/challenges/$id")

    /** Makes pushes reach this phone, and gives the next one for it. */
    suspend fun installed(app: Authenticator, account: Account): suspend () -> ByteArray {
        val registration = world.step(buildJsonObject { put("world", "install"); put("gateway", "webpush") })
        app.registerPush(account.id, listOf(registration(registration)))
        return { pushed(registration) }
    }

    private suspend fun pushed(registration: JsonElement): ByteArray {
        val push = world.step(buildJsonObject { put("world", "push"); put("registration", registration) })
        return Base64.getUrlDecoder().decode(text(push.jsonObject, "message_b64u"))
    }
}
