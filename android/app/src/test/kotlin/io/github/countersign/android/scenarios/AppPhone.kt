package io.github.countersign.android.scenarios

import android.app.NotificationManager
import androidx.lifecycle.viewModelScope
import androidx.test.core.app.ApplicationProvider
import io.github.countersign.AuthenticatorException
import io.github.countersign.Outcome
import io.github.countersign.Prompt
import io.github.countersign.PushOpener
import io.github.countersign.Received
import io.github.countersign.Sentence
import io.github.countersign.android.App
import io.github.countersign.android.Session
import io.github.countersign.android.accounts.AccountRow
import io.github.countersign.android.add.AddState
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.push.registerEverywhere
import io.github.countersign.android.request.RequestModel
import io.github.countersign.android.request.RequestState
import io.github.countersign.android.request.isWithoutServer
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.android.world.PATIENCE
import io.github.countersign.scenarios.KeysBehave
import io.github.countersign.scenarios.PlayedPhone
import io.github.countersign.scenarios.ScenarioFault
import io.github.countersign.scenarios.ScriptedVault
import io.github.countersign.scenarios.VaultBehaves
import io.github.countersign.scenarios.WrongClock
import io.github.countersign.scenarios.push
import io.github.countersign.scenarios.receivedByAnotherProcess
import io.github.countersign.scenarios.registrations
import io.github.countersign.scenarios.shown
import io.github.countersign.scenarios.text
import io.github.countersign.sentenceForOutcome
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.job
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.robolectric.Shadows.shadowOf
import java.nio.file.Path

private val nothing = JsonObject(emptyMap())

/**
 * A phone of a scenario, played through the app: what a verb does goes through the models of its screens, its receivers
 * and its notifications, and what they tell the person must be what the library said.
 */
class AppPhone(private val folder: Path) : PlayedPhone {
    private val app: App = ApplicationProvider.getApplicationContext()
    private val context = PhoneContext(app, folder)
    private val notifications = context.getSystemService(NotificationManager::class.java)
    private val vault = ScriptedVault(folder.resolveSibling("${folder.fileName}.vault"))
    private val clock = WrongClock()
    private val way = PlayedWay()
    private val heard = Heard()
    private var parts: PlayedParts? = null

    private val running: PlayedParts get() = parts ?: throw ScenarioFault("the app is not open")

    override suspend fun act(step: JsonObject): JsonElement = try {
        heard.clear()
        parts?.let { app.parts = it }
        done(step)
    } catch (refusal: AuthenticatorException) {
        shown(refusal)
    }

    private suspend fun done(step: JsonObject): JsonElement {
        when (val verb = text(step, "does")) {
            "open" -> open(step["keys"] == JsonPrimitive("hardware"))

            "close" -> close()

            "vault" -> vault.behaves = VaultBehaves.valueOf(text(step, "behaves").uppercase())

            "keys" -> vault.keys = KeysBehave.valueOf(text(step, "behave").uppercase())

            "clock" -> clock.aheadSeconds = step.getValue("ahead").jsonPrimitive.long

            "registrar" -> way.scripted = registrations(step)

            // Below the app: another process on the same store, and what only an iPhone's extension uses.
            "receive_and_die" -> return receivedByAnotherProcess(folder, text(step, "push"))

            "notification" ->
                return PushOpener.open(folder.toString(), vault, clock).use { shown(it.openPush(push(step))) }

            else -> return asked(verb, step)
        }
        return nothing
    }

    private suspend fun asked(verb: String, step: JsonObject): JsonElement = when (verb) {
        "enrol" -> enrol(text(step, "link"), text(step, "device_name"))

        "accounts" -> JsonArray(rows().map { shown(it.account) })

        "code" -> code(text(step, "account"))

        "pull" -> shown(running.arrivals.pull(text(step, "account"), (step["wait"]?.jsonPrimitive?.int ?: 0).toUInt()))

        "receive" -> receive(push(step))

        "pending" -> pending()

        "history" -> history(step["most"]?.jsonPrimitive?.int ?: 100)

        "open_link" -> openLink(text(step, "link"))

        "devices", "remove", "forget" -> account(verb, text(step, "account"))

        "register_push" -> registerPush(step)

        "approve", "deny", "report" ->
            shown(Answering(verb, text(step, "challenge"), step["number"]?.jsonPrimitive?.contentOrNull).outcome())

        else -> throw ScenarioFault("the app does not $verb")
    }

    /** The activity, opened for one thing and closed again. */
    private suspend fun <T> inSession(work: suspend (Session) -> T): T {
        val session = Session(running, emptyList())
        try {
            return withTimeout(PATIENCE) { work(session) }
        } finally {
            session.viewModelScope.cancel()
        }
    }

    private suspend fun open(hasHardware: Boolean) {
        vault.hardware = hasHardware
        val before = parts
        val opened = PlayedParts(context, folder, vault, clock, way, heard)
        opened.notices.begin()
        parts = opened
        app.parts = opened
        try {
            rows()
        } catch (refusal: AuthenticatorException) {
            parts = before
            throw refusal
        }
        before?.core?.close()
    }

    override fun close() {
        parts?.core?.close()
        parts = null
    }

    /** The list of accounts, as its screen has it; what it says instead is what the library refused. */
    private suspend fun rows(): List<AccountRow> = inSession { read(it.accounts().state, "open") }

    private suspend fun <T> read(state: StateFlow<Loaded<T>>, call: String): T =
        when (val now = state.first { it != Loaded.Loading }) {
            is Loaded.There -> now.value
            is Loaded.Failed -> throw refused(call, now.told)
            Loaded.Loading -> error("it was waited for")
        }

    /** What the library refused, which the app told in these words. */
    private fun refused(call: String, told: Told): AuthenticatorException {
        val refusal = heard.resultOf(call)?.exceptionOrNull() as? AuthenticatorException
            ?: throw ScenarioFault("the app tells $told, and $call was not refused")
        val unreachable = Told(Sentence.ERROR_UNREACHABLE_ANSWER_KEPT).takeIf { refusal.isWithoutServer() }
        if (told != refusal.told() && told != unreachable) throw ScenarioFault("the app tells $told of $refusal")
        return refusal
    }

    private suspend fun enrol(link: String, name: String): JsonElement = inSession { session ->
        running.name = name
        session.enter(Entry.AddLink(link))
        when (val now = session.add.state.first { it != AddState.Working && it != AddState.Choosing() }) {
            is AddState.Digits -> shown(now.account)

            is AddState.Choosing -> {
                // What is no link of ours the app says by itself, before anything is sent.
                val refusal = heard.resultOf("enrol") ?: return@inSession shown(AuthenticatorException.Malformed(""))
                throw refusal.exceptionOrNull() ?: ScenarioFault("the app tells ${now.told}")
            }

            else -> throw ScenarioFault("the app shows $now")
        }
    }

    private suspend fun code(account: String): JsonElement {
        val row =
            rows().singleOrNull { it.account.id == account } ?: throw ScenarioFault("no account $account is shown")
        return shown((row.code ?: throw refused("code", row.told ?: throw ScenarioFault("no code is shown"))).code)
    }

    private suspend fun receive(push: ByteArray): JsonElement {
        running.arrivals.push(push)
        val received = heard.resultOf("receive")?.getOrThrow() as Received
        if (received is Received.New && received.challengeId !in notified()) {
            throw ScenarioFault("no notification came of $received")
        }
        if (received is Received.Retracted && received.challengeId in notified()) {
            throw ScenarioFault("its notification stays after $received")
        }
        return shown(received)
    }

    private fun notified() = notifications.activeNotifications.map { it.tag }

    private suspend fun pending(): JsonElement = inSession { session ->
        val state = session.questions().state.first { it.waiting != Loaded.Loading }
        val waiting = (state.waiting as? Loaded.There)?.value ?: throw ScenarioFault("the app shows $state")

        @Suppress("UNCHECKED_CAST") // It is what this call gives.
        val prompts = heard.resultOf("pending")?.getOrThrow() as List<Prompt>
        val listed = waiting.map { it.question.challenge to it.isAnswering }
        if (listed != prompts.map { it.challenge.id to it.answering }) throw ScenarioFault("the app lists $listed")
        JsonArray(prompts.map(::shown))
    }

    private suspend fun history(most: Int): JsonElement =
        inSession { JsonArray(read(it.history().state, "history").take(most).map(::shown)) }

    private suspend fun openLink(link: String): JsonElement = inSession { session ->
        session.enter(Entry.RequestLink(link))
        when (val here = session.navigator.places.first { it.size > 1 }.last()) {
            is Place.Request -> JsonPrimitive(here.challenge)
            else -> throw heard.resultOf("open_link")?.exceptionOrNull() ?: ScenarioFault("the link led to $here")
        }
    }

    private suspend fun account(verb: String, account: String): JsonElement = inSession { session ->
        val model = session.account(Place.Account(account))
        val state = model.state
        // The screen asks its server first; what is done next is done once it is there.
        val devices = state.first { it.devices != Loaded.Loading }.devices
        if (verb == "devices") {
            return@inSession when (devices) {
                is Loaded.There -> JsonArray(devices.value.map(::shown))
                is Loaded.Failed -> throw refused("devices", devices.told)
                Loaded.Loading -> error("it was waited for")
            }
        }
        if (verb == "remove") model.remove() else model.forget()
        val now = state.first { it.isGone || (it.notRemoved != null && !it.isRemoving) }
        now.notRemoved?.let { throw refused(verb, it) }
        nothing
    }

    private suspend fun registerPush(step: JsonObject): JsonElement {
        way.given = text(step, "account") to registrations(step)
        registerEverywhere(running.core, way)
        way.given = null
        (heard.resultOf("register_push") ?: throw ScenarioFault("nothing was registered: $step")).getOrThrow()
        return nothing
    }

    /** An answer to one request: from its notification where that can give it, else on its screen. */
    private inner class Answering(
        private val verb: String,
        private val challenge: String,
        private val number: String?,
    ) {
        suspend fun outcome(): Outcome {
            val button = buttonOf()
            if (button != null) {
                button.send()
                settle()
                return said()
            }
            return inSession { onScreen(it.request(Place.Request(challenge))) }
        }

        private fun buttonOf() = notifications.activeNotifications.firstOrNull { it.tag == challenge }
            ?.takeIf { number == null && verb != "report" }
            ?.notification?.actions?.get(if (verb == "approve") 1 else 0)?.actionIntent?.takeIf { it.isBroadcast }

        private suspend fun settle() {
            shadowOf(app.mainLooper).idle()
            withTimeout(PATIENCE) { running.scope.coroutineContext.job.children.toList().forEach { it.join() } }
            shadowOf(app.mainLooper).idle()
        }

        private fun said(): Outcome =
            (heard.resultOf(verb) ?: throw ScenarioFault("$verb came to nothing")).getOrThrow() as Outcome

        private suspend fun onScreen(model: RequestModel): Outcome =
            when (val state = model.state.first { it != RequestState.Loading }) {
                is RequestState.Asking -> asking(model)
                is RequestState.Kept -> kept(model)
                is RequestState.Over -> over(model, state)
                is RequestState.Failed -> throw refused("pending", state.told)
                RequestState.Loading -> error("it was waited for")
            }

        private suspend fun asking(model: RequestModel): Outcome {
            when (verb) {
                "approve" -> model.yes(number)
                "deny" -> model.no()
                else -> model.report()
            }
            val now = model.state.first { it !is RequestState.Asking || it.told != null }
            if (now is RequestState.Asking) now.told?.let { throw refused(verb, it) }
            return said()
        }

        /** What is kept is sent again, or another answer takes its place. */
        private suspend fun kept(model: RequestModel): Outcome {
            if (verb != "approve") {
                if (verb == "deny") model.no() else model.report()
                model.state.first { it !is RequestState.Kept || (!it.isTrying && heard.resultOf(verb) != null) }
                return said()
            }
            model.tryAgain()
            model.state.first { it !is RequestState.Kept || (!it.isTrying && heard.resultOf("pull") != null) }
            heard.resultOf("pull")?.getOrThrow()
            return outcomeOf(model.state.first { it is RequestState.Over } as RequestState.Over)
        }

        private suspend fun over(model: RequestModel, over: RequestState.Over): Outcome {
            if (verb != "report" || !over.mayReport) return outcomeOf(over)
            model.report()
            val now = model.state.first { it is RequestState.Over && it.told != over.told } as RequestState.Over
            heard.resultOf(verb)?.exceptionOrNull()?.let { throw refused(verb, now.told) }
            return said()
        }

        /** The outcome that a screen tells in words. */
        private fun outcomeOf(over: RequestState.Over): Outcome =
            Outcome.entries.singleOrNull { Told(sentenceForOutcome(it)) == over.told }
                ?: throw ScenarioFault("the app tells ${over.told}")
    }
}
