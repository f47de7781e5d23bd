package io.github.countersign.android

import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import io.github.countersign.Account
import io.github.countersign.AuthenticatorException
import io.github.countersign.Sentence
import io.github.countersign.android.account.AccountModel
import io.github.countersign.android.accounts.AccountsModel
import io.github.countersign.android.add.AddModel
import io.github.countersign.android.add.ChosenFiles
import io.github.countersign.android.codes.CodesModel
import io.github.countersign.android.core.isAlive
import io.github.countersign.android.export.ExportModel
import io.github.countersign.android.history.HistoryModel
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.navigation.Navigator
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.questions.QuestionsModel
import io.github.countersign.android.request.RequestModel
import io.github.countersign.android.settings.SettingsModel
import io.github.countersign.android.words.toldOfLink
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.launch

private const val WAIT_SECONDS = 55u
private const val PATIENCE = 10_000L

/** What outlives a turned phone: where the person is, and the models of the places that they went through. */
class Session(private val parts: Parts, restored: List<String>, files: ChosenFiles = ChosenFiles.none) : ViewModel() {
    /** Where the person is. */
    val navigator = Navigator(restored)

    private class Kept(val model: Any, val scope: CoroutineScope)

    private val models = mutableMapOf<Place, Kept>()
    private var listening: Job? = null

    /** The model of adding, which several places share: links, camera and pictures lead to it. */
    val add: AddModel by lazy {
        val mayEnrol = { !parts.person.wantsToBeAsked() || parts.person.canBeAsked() }
        AddModel(parts.core, parts.arrivals, parts.documents, parts.deviceName, mayEnrol, newScope())
    }

    fun request(place: Place.Request): RequestModel = model(place) {
        RequestModel(place.challenge, parts.core, parts.person, parts.refusals, parts.notices, parts.ticks, it)
    }

    fun accounts(): AccountsModel = model(Place.Accounts) { AccountsModel(parts.core, parts.ticks, it) }

    fun account(place: Place.Account): AccountModel = model(place) {
        AccountModel(place.account, parts.core, parts.arrivals, it)
    }

    fun questions(): QuestionsModel = model(Place.Questions) {
        QuestionsModel(parts.core, parts.arrivals, parts.refusals, it)
    }

    fun codes(): CodesModel = model(Place.Codes) { CodesModel(parts.core, parts.ticks, it) }

    fun export(): ExportModel = model(Place.Export) {
        val mustAsk = { parts.settings.choices.value.run { isLocked || mustConfirm } }
        ExportModel(parts.core, parts.prompt, mustAsk, parts.documents, parts.clock, it)
    }

    fun history(): HistoryModel = model(Place.History) { HistoryModel(parts.core, it) }

    fun settings(): SettingsModel =
        model(Place.Settings) { SettingsModel(parts.settings, parts.state, parts.prompt, parts.push, parts.core, it) }

    /** Goes where the person was led from outside. */
    fun enter(entry: Entry) {
        when (entry) {
            Entry.Plain -> Unit

            is Entry.Request -> navigator.go(Place.Request(entry.challenge))

            is Entry.AddLink -> {
                navigator.go(Place.Add)
                add.take(entry.text)
            }

            is Entry.AddFiles -> takeFiles(entry.documents)

            is Entry.RequestLink -> newScope().launch { open(entry.text) }
        }
    }

    init {
        // The end of the process took what was read of them along, and not the right to read them again.
        if (files.documents.isNotEmpty() && Place.Add in navigator.places.value) add.takeFiles(files)
    }

    /** Looks at files of codes, and goes where the person sees what is in them. */
    fun takeFiles(documents: List<String>) {
        if (documents.isEmpty()) return
        navigator.go(Place.Add)
        add.takeFiles(ChosenFiles.of(documents))
    }

    /** Writes the export into a document that was made for it; null when the person made none. */
    fun writeExport(document: String?) {
        // Who has left the export meanwhile is led back, so that nothing is left half without a word.
        if (document != null) navigator.go(Place.Export)
        if (Place.Export in navigator.places.value) export().write(document)
    }

    /** This phone has no chooser of documents. */
    fun noDocuments() {
        if (navigator.here == Place.Export) export().write(null) else add.say(Sentence.APP_FILE_UNREADABLE)
    }

    /** While the app is on the screen it waits at each server, so that questions come even where no push does. */
    fun listen() {
        listening?.cancel()
        listening =
            newScope().launch {
                parts.arrivals.showAll()
                parts.core.changes.collect { _ -> listenTo(coroutineContext.job) }
            }
    }

    /** The app is no longer on the screen. */
    fun stopListening() {
        listening?.cancel()
        listening = null
    }

    private val heard = mutableSetOf<String>()

    private suspend fun listenTo(job: Job) {
        val accounts =
            try {
                parts.core.use { it.accounts() }.filter(Account::isAlive)
            } catch (_: AuthenticatorException) {
                emptyList()
            }
        for (account in accounts) {
            if (!synchronized(heard) { heard.add(account.id) }) continue
            CoroutineScope(job + Dispatchers.Default).launch {
                try {
                    do {
                        val goesOn = listenOnce(account.id)
                    } while (goesOn)
                } finally {
                    synchronized(heard) { heard.remove(account.id) }
                }
            }
        }
    }

    /** False once the account is no more. */
    private suspend fun listenOnce(account: String): Boolean {
        try {
            parts.arrivals.pull(account, WAIT_SECONDS)
        } catch (failure: AuthenticatorException) {
            if (failure is AuthenticatorException.UnknownAccount ||
                failure is AuthenticatorException.AccountEnded
            ) {
                return false
            }
            delay(PATIENCE)
        }
        return true
    }

    private suspend fun open(link: String) {
        try {
            navigator.go(Place.Request(parts.core.use { it.openLink(link) }))
        } catch (failure: AuthenticatorException) {
            navigator.go(Place.Add)
            add.say(failure.toldOfLink().sentence)
        }
    }

    /** Ends the models of places that the person has left. */
    fun tidy(places: List<Place>) {
        // What is typed and a file that is looked at belong to the place where they are: whoever leaves keeps nothing.
        if (places.none { it == Place.Add || it == Place.Scan || it is Place.Link }) add.leave()
        // The settings are looked at from other places too.
        val left = models.keys - places.toSet() - Place.Settings
        left.forEach { models.remove(it)?.scope?.cancel() }
    }

    private fun <T : Any> model(place: Place, make: (CoroutineScope) -> T): T {
        val kept = models.getOrPut(place) { newScope().let { Kept(make(it), it) } }
        @Suppress("UNCHECKED_CAST") // Each place has one kind of model, which the functions above say.
        return kept.model as T
    }

    // Never the thread that draws: what the models do is not drawn by them.
    private fun newScope() = CoroutineScope(SupervisorJob(viewModelScope.coroutineContext.job) + Dispatchers.Default)
}
