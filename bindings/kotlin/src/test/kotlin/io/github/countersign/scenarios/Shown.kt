package io.github.countersign.scenarios

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.ApnsEnvironment
import io.github.countersign.AuthenticatorException
import io.github.countersign.Challenge
import io.github.countersign.Device
import io.github.countersign.OneTimeCode
import io.github.countersign.OpenedPush
import io.github.countersign.Outcome
import io.github.countersign.Past
import io.github.countersign.Policy
import io.github.countersign.Prompt
import io.github.countersign.Pulled
import io.github.countersign.PushRegistration
import io.github.countersign.Received
import io.github.countersign.errorCode
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

// What the library gives, in the words of the table.

private fun told(vararg members: Pair<String, Any?>): JsonObject =
    JsonObject(
        members.associate { (name, value) ->
            name to
                when (value) {
                    null -> JsonNull
                    is JsonElement -> value
                    is Number -> JsonPrimitive(value)
                    is Boolean -> JsonPrimitive(value)
                    is Enum<*> -> JsonPrimitive(value.name.lowercase())
                    else -> JsonPrimitive(value as String)
                }
        },
    )

fun shown(refusal: AuthenticatorException): JsonElement {
    if (refusal !is AuthenticatorException.ServerRefused) return told("error" to errorCode(refusal))
    return told("error" to "server_refused", "server_code" to refusal.code)
}

fun shown(account: Account): JsonElement {
    val state = account.state
    val word =
        when (state) {
            is AccountState.Proposed -> "proposed"
            is AccountState.Confirmed -> "confirmed"
            is AccountState.Ended -> "ended"
        }
    return told(
        "id" to account.id,
        "organisation" to account.organisation,
        "account" to account.account,
        "server_url" to account.serverUrl,
        "device_name" to account.deviceName,
        "state" to word,
        "confirmation_code" to (state as? AccountState.Proposed)?.confirmationCode,
        "end_reason" to (state as? AccountState.Ended)?.reason,
    )
}

fun shown(challenge: Challenge): JsonObject {
    val policy = challenge.policy
    val (ip, place, browser, system) = challenge.context
    return told(
        "id" to challenge.id,
        "account_id" to challenge.accountId,
        "relying_party" to challenge.relyingParty,
        "account" to challenge.account,
        "question" to challenge.question.name.lowercase(),
        "policy" to if (policy is Policy.Number) "number" else "tap",
        "digits" to (policy as? Policy.Number)?.digits?.toInt(),
        "binding_message" to challenge.bindingMessage,
        "details" to JsonArray(challenge.details.map { told("label" to it.label, "value" to it.value) }),
        "context" to told("ip" to ip, "place" to place, "browser" to browser, "system" to system),
    )
}

fun shown(prompt: Prompt): JsonElement =
    told(
        "account" to shown(prompt.account),
        "challenge" to shown(prompt.challenge),
        "seconds_left" to prompt.timeLeft.seconds,
        "answering" to prompt.answering,
    )

fun shown(past: Past): JsonElement = told("challenge" to shown(past.challenge), "outcome" to past.outcome)

fun shown(outcome: Outcome): JsonElement = JsonPrimitive(outcome.name.lowercase())

fun shown(received: Received): JsonElement {
    val (word, challenge) =
        when (received) {
            is Received.New -> "new" to received.challengeId
            is Received.Known -> "known" to received.challengeId
            is Received.Changed -> "changed" to received.challengeId
            is Received.Retracted -> "retracted" to received.challengeId
        }
    return told("received" to word, "challenge" to challenge)
}

fun shown(pulled: Pulled): JsonElement =
    told(
        "state" to pulled.state,
        "received" to JsonArray(pulled.received.map(::shown)),
        "refused" to JsonArray(pulled.refused.map(::JsonPrimitive)),
        "push" to pulled.push,
        "ended" to pulled.ended,
    )

fun shown(code: OneTimeCode): JsonElement =
    told("code" to code.code, "seconds_left" to code.secondsLeft.toLong(), "next" to code.next)

fun shown(device: Device): JsonElement =
    told("id" to device.id, "name" to device.name, "state" to device.state, "this_device" to device.thisDevice)

fun shown(opened: OpenedPush): JsonElement =
    when (opened) {
        is OpenedPush.Ask -> told("ask" to shown(opened.challenge))
        is OpenedPush.Withdraw -> told("withdraw" to opened.challengeId)
    }

/** A registration, from the words of the protocol. */
fun registration(told: JsonElement): PushRegistration {
    val step = told.jsonObject
    return when (val gateway = text(step, "gateway")) {
        "webpush" -> {
            val key = step["application_server_key"]?.jsonPrimitive?.contentOrNull
            PushRegistration.WebPush(text(step, "endpoint"), text(step, "p256dh"), text(step, "auth"), key)
        }
        "fcm" -> PushRegistration.Fcm(text(step, "token"))
        "apns" -> {
            val environment = ApnsEnvironment.valueOf(text(step, "environment").uppercase())
            PushRegistration.Apns(text(step, "token"), environment, step["topic"]?.jsonPrimitive?.contentOrNull)
        }
        else -> throw ScenarioFault("there is no gateway $gateway")
    }
}
