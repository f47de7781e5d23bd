package io.github.countersign.scenarios

import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorException
import io.github.countersign.HttpUrlConnectionTransport
import io.github.countersign.PushOpener
import io.github.countersign.PushRegistration
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import java.nio.file.Path
import java.util.Base64

private val nothing = JsonObject(emptyMap())

/** A phone of a scenario: the library, and the platform that the table scripts. */
class ScenarioPhone(private val folder: Path) : PlayedPhone {
    private val vault = ScriptedVault(folder.resolveSibling("${folder.fileName}.vault"))
    private val clock = WrongClock()
    private val registrar = ScriptedRegistrar()
    private var opened: Authenticator? = null

    override suspend fun act(step: JsonObject): JsonElement =
        try {
            done(step)
        } catch (refusal: AuthenticatorException) {
            shown(refusal)
        }

    /** The library's object, opened on this phone's store. */
    suspend fun open(): Authenticator =
        Authenticator.open(folder.toString(), vault, HttpUrlConnectionTransport(), clock, registrar)

    private suspend fun done(step: JsonObject): JsonElement {
        when (val verb = text(step, "does")) {
            "open" -> {
                vault.hardware = step["keys"] == JsonPrimitive("hardware")
                val before = opened
                opened = open()
                before?.close()
            }
            "close" -> close()
            "vault" -> vault.behaves = VaultBehaves.valueOf(text(step, "behaves").uppercase())
            "keys" -> vault.keys = KeysBehave.valueOf(text(step, "behave").uppercase())
            "clock" -> clock.aheadSeconds = step.getValue("ahead").jsonPrimitive.long
            "registrar" -> registrar.registrations = registrations(step)
            "receive_and_die" -> return receivedByAnotherProcess(folder, text(step, "push"))
            "notification" ->
                return PushOpener.open(folder.toString(), vault, clock).use { shown(it.openPush(push(step))) }
            else -> return asked(verb, step)
        }
        return nothing
    }

    private suspend fun asked(verb: String, step: JsonObject): JsonElement {
        val app = opened ?: throw ScenarioFault("the phone is not open: $step")
        return when (verb) {
            "enrol" -> shown(app.enrol(text(step, "link"), text(step, "device_name")))
            "accounts" -> JsonArray(app.accounts().map(::shown))
            "pull" -> shown(app.pull(text(step, "account"), (step["wait"]?.jsonPrimitive?.int ?: 0).toUInt()))
            "receive" -> shown(app.receive(push(step)))
            "pending" -> JsonArray(app.pending().map(::shown))
            "approve" -> shown(app.approve(text(step, "challenge"), step["number"]?.jsonPrimitive?.contentOrNull))
            "deny" -> shown(app.deny(text(step, "challenge")))
            "report" -> shown(app.report(text(step, "challenge")))
            "history" -> JsonArray(app.history((step["most"]?.jsonPrimitive?.int ?: 100).toUInt()).map(::shown))
            "code" -> shown(app.code(text(step, "account")))
            "open_link" -> JsonPrimitive(app.openLink(text(step, "link")))
            "devices" -> JsonArray(app.devices(text(step, "account")).map(::shown))
            "register_push" -> nothing.also { app.registerPush(text(step, "account"), registrations(step)) }
            "remove" -> nothing.also { app.remove(text(step, "account")) }
            "forget" -> nothing.also { app.forget(text(step, "account")) }
            else -> throw ScenarioFault("a phone does not $verb")
        }
    }

    override fun close() {
        opened?.close()
        opened = null
    }
}

/** The registrations in a step. */
fun registrations(step: JsonObject): List<PushRegistration> =
    step.getValue("registrations").jsonArray.map(::registration)

/** The push in a step. */
fun push(step: JsonObject): ByteArray = Base64.getUrlDecoder().decode(text(step, "push"))
