package io.github.countersign.android.scenarios

import android.app.NotificationManager
import android.content.Context
import android.content.ContextWrapper
import android.content.SharedPreferences
import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.Clock
import io.github.countersign.KeyVault
import io.github.countersign.PushRegistration
import io.github.countersign.Sentence
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.words.Told
import io.github.countersign.android.world.ScriptedPerson
import io.github.countersign.android.world.ScriptedTicks
import java.io.File
import java.nio.file.Path

/** One phone of several in one process: it has files, settings and notifications of its own. */
class PhoneContext(app: App, private val folder: Path) : ContextWrapper(app) {
    private val notifications = app.createAttributionContext(
        "$folder",
    ).getSystemService(NotificationManager::class.java)

    override fun getSystemService(name: String): Any? =
        if (name == NOTIFICATION_SERVICE) notifications else super.getSystemService(name)

    override fun getNoBackupFilesDir(): File = File("$folder.files").apply { mkdirs() }

    override fun getSharedPreferences(name: String, mode: Int): SharedPreferences =
        super.getSharedPreferences("${folder.fileName}-${folder.hashCode()}-$name", mode)
}

/** Where pushes reach a phone: for one account when the distributor has just given its address, else as is scripted. */
class PlayedWay : PushWay {
    @Volatile var scripted: List<PushRegistration> = emptyList()

    @Volatile var given: Pair<String, List<PushRegistration>>? = null

    override fun told(): Told = Told(Sentence.APP_PUSH_PULL)

    override fun begin() = Unit

    override suspend fun registrations(
        accountId: String,
        rejected: Boolean,
        webpushPublicKey: String?,
    ): List<PushRegistration> {
        val (account, places) = given ?: return scripted
        return if (account == accountId) places else emptyList()
    }
}

/** The parts of the app on a phone of a scenario: its store, vault, clock and push network are the scenario's. */
class PlayedParts(
    context: Context,
    private val folder: Path,
    override val vault: KeyVault,
    override val clock: Clock,
    private val way: PlayedWay,
    private val heard: Heard,
) : Parts(context, { way }) {
    override val prompt = ScriptedPerson()
    override val ticks = ScriptedTicks()

    /** The name that the next enrolment gives. */
    var name = "Telephone"

    override val deviceName: String get() = name

    override suspend fun openLibrary(): AuthenticatorInterface = heard.call("open") {
        HeardLibrary(Authenticator.open(folder.toString(), vault, transport, clock, way), heard)
    }
}
