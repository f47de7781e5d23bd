package io.github.countersign.android

import android.content.Context
import android.content.pm.PackageManager
import android.os.Build
import io.github.countersign.Authenticator
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.Clock
import io.github.countersign.HttpUrlConnectionTransport
import io.github.countersign.KeyVault
import io.github.countersign.SystemClock
import io.github.countersign.Transport
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.PhoneTicks
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.keys.KeystoreVault
import io.github.countersign.android.keys.Person
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.lock.AppLock
import io.github.countersign.android.notices.AndroidNotices
import io.github.countersign.android.notices.Arrivals
import io.github.countersign.android.platform.Clipboard
import io.github.countersign.android.platform.Documents
import io.github.countersign.android.platform.PhoneState
import io.github.countersign.android.platform.SystemClipboard
import io.github.countersign.android.platform.SystemDocuments
import io.github.countersign.android.platform.SystemPrompt
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.request.Refusals
import io.github.countersign.android.scan.BackCamera
import io.github.countersign.android.scan.QrCamera
import io.github.countersign.android.settings.KeptSettings
import io.github.countersign.android.settings.Settings
import io.github.countersign.android.words.Words
import io.github.countersign.android.words.wordsFor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import java.io.File
import java.util.Locale
import android.os.SystemClock as Running

/** Everything that the app is made of, put together in one place. Tests put others in place of a phone's own. */
open class Parts(val context: Context, private val way: (Parts) -> PushWay) {
    /** What goes on while no screen is there. */
    val scope: CoroutineScope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    val settings: Settings by lazy { KeptSettings(context.getSharedPreferences("settings", Context.MODE_PRIVATE)) }
    val systemPrompt: SystemPrompt by lazy { SystemPrompt(context, ::words) }
    open val prompt: PersonPrompt by lazy { systemPrompt }
    val person: Person by lazy { Person(prompt) { settings.choices.value.mustConfirm } }
    open val ticks: Ticks = PhoneTicks(Running::elapsedRealtime)
    val notices: AndroidNotices by lazy { AndroidNotices(context, { settings.choices.value.mustConfirm }, ::words) }
    val push: PushWay by lazy { way(this) }
    val core: Core by lazy { Core(::openLibrary) }
    val refusals = Refusals()
    val arrivals: Arrivals by lazy { Arrivals(core, notices) }
    val lock: AppLock by lazy { AppLock({ settings.choices.value.isLocked }, prompt) }
    val state: PhoneState by lazy { PhoneState(context, notices) }
    val clipboard: Clipboard by lazy { SystemClipboard(context, scope) }
    open val documents: Documents by lazy { SystemDocuments(context) }
    open val clock: Clock = SystemClock
    open val vault: KeyVault by lazy { KeystoreVault(folder("vault"), person, hasStrongBox()) }
    open val transport: Transport = HttpUrlConnectionTransport()

    /** The name of this phone in the account's list. */
    open val deviceName: String get() = "${Build.MANUFACTURER} ${Build.MODEL}"

    /** Opens the library's one object. */
    protected open suspend fun openLibrary(): AuthenticatorInterface =
        Authenticator.open(folder("core").path, vault, transport, clock, push)

    /** A camera that looks for codes. */
    open fun camera(): QrCamera = BackCamera(context)

    /** The words of this moment: of the chosen language, or of the system's. */
    fun words(): Words {
        val locales = context.resources.configuration.locales
        return wordsFor(settings.choices.value.language, (0 until locales.size()).map<Int, Locale>(locales::get))
    }

    /** A folder of the app's own that is in no backup. */
    fun folder(name: String): File = File(context.noBackupFilesDir, name).apply { mkdirs() }

    /** Forgets a store that does not open on this phone, and what was to open it: the phone is as if it were new. */
    fun beginAnew() {
        core.close()
        listOf("core", "vault").forEach { folder(it).deleteRecursively() }
        core.touched()
    }

    /** Does this while no screen may be there, and says when it is done. */
    fun inBackground(done: () -> Unit, work: suspend () -> Unit) {
        scope.launch {
            try {
                work()
            } finally {
                done()
            }
        }
    }

    private fun hasStrongBox() = Build.VERSION.SDK_INT >= 28 &&
        context.packageManager.hasSystemFeature(PackageManager.FEATURE_STRONGBOX_KEYSTORE)
}
