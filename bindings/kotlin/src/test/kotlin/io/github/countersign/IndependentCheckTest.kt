package io.github.countersign

import io.github.countersign.scenarios.RelyingParty
import io.github.countersign.scenarios.ScriptedVault
import io.github.countersign.scenarios.WorldTest
import io.github.countersign.scenarios.get
import io.github.countersign.scenarios.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What a phone posts, checked after PROTOCOL.md with `java.security` and none of our own code. */
class IndependentCheckTest : WorldTest() {
    @TempDir
    lateinit var folder: Path

    /** Keeps what goes out. */
    private class Listening : Transport {
        val posts = CopyOnWriteArrayList<HttpRequest>()
        private val network = HttpUrlConnectionTransport()

        override suspend fun send(request: HttpRequest): HttpResponse {
            if (request.method == "POST") posts += request
            return network.send(request)
        }

        fun latest(end: String) = String(posts.last { it.url.endsWith(end) }.body)
    }

    private val listening = Listening()

    private fun signedBy(jws: Jws, key: JsonObject, other: JsonObject, type: String) {
        val header = mapOf("alg" to "ES256", "kid" to thumbprint(key), "typ" to type).mapValues { JsonPrimitive(it.value) }
        assertEquals(JsonObject(header), jws.header)
        assertTrue(jws.fits(key))
        assertFalse(jws.fits(other))
    }

    /** Asks, answers, and checks what went out; gives the decision's claims. */
    private suspend fun decided(site: RelyingParty, app: Authenticator, account: Account, user: String, yes: Boolean): JsonObject {
        val transcript = Jws(text(Json.parseToJsonElement(listening.latest("/enrol")).jsonObject, "transcript"))
        val (request, approval) = listOf("request_key", "approval_key").map { transcript.claims.getValue(it).jsonObject }
        signedBy(transcript, request, approval, "countersign-transcript+jws")

        val id = site.ask(user)
        app.pull(account.id, 0u)
        assertEquals(if (yes) Outcome.APPROVED else Outcome.DENIED, if (yes) app.approve(id, null) else app.deny(id))
        val sent = listening.latest("/v1/device/challenges/$id/decision")
        val decision = Jws(sent)
        signedBy(decision, if (yes) approval else request, if (yes) request else approval, "countersign-decision+jws")

        val receipt = site.challenge(id).getValue("receipt").jsonObject
        assertEquals(sent, text(receipt, "decision"), "the server keeps the bytes that came")
        val (answer, digest) = (if (yes) "approve" else "deny") to sha256(text(receipt, "challenge"))
        val expected = mapOf("challenge_id" to id, "challenge_sha256" to digest, "decision" to answer)
        assertEquals(expected.mapValues { JsonPrimitive(it.value) }, decision.claims.filterKeys(expected::containsKey))
        assertEquals(expected.keys + setOf("user_verified", "iat"), decision.claims.keys)
        assertTrue(abs(decision.claims.getValue("iat").toString().toLong() - System.currentTimeMillis() / 1000) <= 60)
        return decision.claims
    }

    private fun checked(hardware: Boolean) = inWorld { _, site ->
        val vault = ScriptedVault(folder.resolve("vault")).also { it.hardware = hardware }
        val store = folder.resolve("store").toString()
        Authenticator.open(store, vault, listening, SystemClock, null).use { app ->
            val user = site.user()
            val account = site.enrol(app, user)
            val yes = decided(site, app, account, user, yes = true)
            assertEquals(JsonPrimitive(hardware), yes["user_verified"], "only a key that asks says so")
            assertEquals(JsonPrimitive(false), decided(site, app, account, user, yes = false)["user_verified"])
        }
    }

    @Test
    fun `what software keys sign is what the protocol says`() = checked(hardware = false)

    @Test
    fun `what keys of the platform sign is what the protocol says`() = checked(hardware = true)
}
