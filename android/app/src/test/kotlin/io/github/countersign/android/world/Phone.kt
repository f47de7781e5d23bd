package io.github.countersign.android.world

import android.app.Notification
import android.app.NotificationManager
import android.service.notification.StatusBarNotification
import androidx.test.core.app.ApplicationProvider
import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.PushRegistration
import io.github.countersign.Sentence
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.scan.QrCamera
import io.github.countersign.android.words.Told
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.onStart
import kotlinx.coroutines.job
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.json.JSONObject
import org.robolectric.Shadows.shadowOf
import java.security.Signature

/** How long, in milliseconds, a test waits for what takes a moment, and longer on a loaded machine. */
internal const val PATIENCE = 120_000L

/** A person who agrees or not, and what they were asked. */
class ScriptedPerson : PersonPrompt {
    var isSecure = true
    var agrees = true
    val asked = mutableListOf<Told>()

    override fun isDeviceSecure(): Boolean = isSecure

    override suspend fun ask(title: Told, signature: Signature?): Boolean {
        asked += title
        return agrees
    }
}

/** Time that passes when a test says so. */
class ScriptedTicks : Ticks {
    @Volatile private var millis = 1_000_000L
    private val pulse = MutableSharedFlow<Unit>(extraBufferCapacity = 64)

    override fun elapsedMillis(): Long = millis

    override val seconds: Flow<Unit> get() = pulse.onStart { emit(Unit) }

    fun pass(seconds: Long) {
        millis += seconds * 1000
        pulse.tryEmit(Unit)
    }
}

/** The place where pushes reach the phone of a test. */
class ScriptedWay(private val registration: PushRegistration?) : PushWay {
    override fun told(): Told = Told(Sentence.APP_PUSH_GOOGLE)

    override fun begin() = Unit

    override suspend fun registrations(
        accountId: String,
        rejected: Boolean,
        webpushPublicKey: String?,
    ): List<PushRegistration> = listOfNotNull(registration)
}

/** The parts of a phone, with those in place of hardware that a test moves by hand. */
class PhoneParts(app: App, way: (Parts) -> PushWay, private val cameras: () -> QrCamera = { error("no camera") }) :
    Parts(app, way) {
    override val prompt = ScriptedPerson()
    override val ticks = ScriptedTicks()
    override val deviceName: String = "Telephone"

    override fun camera(): QrCamera = cameras()
}

/** An app on a phone of this world. */
class Phone private constructor(private val world: World, private val way: (Parts) -> PushWay, val parts: PhoneParts) {
    val app: App = parts.context as App

    /** A fresh phone. */
    constructor(
        world: World,
        way: (Parts) -> PushWay = { ScriptedWay(null) },
        cameras: () -> QrCamera = { error("no camera") },
    ) :
        this(world, way, PhoneParts(ApplicationProvider.getApplicationContext(), way, cameras)) {
        FakeKeystore.install()
    }

    init {
        app.parts = parts
        app.begin()
    }

    private val notifications = app.getSystemService(NotificationManager::class.java)

    /** The notifications that are shown. */
    val shown: List<StatusBarNotification> get() = notifications.activeNotifications.toList()

    /** Enrols this phone, without its screens. */
    fun enrol(user: String): String = runBlocking {
        val account = parts.core.use { it.enrol(world.site.link(user), "Telephone") }
        world.site.confirm(account.id, (account.state as AccountState.Proposed).confirmationCode)
        parts.arrivals.pull(account.id)
        account.id
    }

    /** The one account. */
    fun account(): Account = runBlocking { parts.core.use { it.accounts() }.single() }

    /** The digits that are to be typed on the page. */
    fun digits(): String = (account().state as AccountState.Proposed).confirmationCode

    /** Waits until a notification is shown. */
    fun waitForNotification(): StatusBarNotification = runBlocking {
        eventually("a notification") { shown.isNotEmpty() }
        shown.first()
    }

    /** Waits for what receivers and services of the app have begun. */
    fun settle() = runBlocking {
        shadowOf(app.mainLooper).idle()
        withTimeout(PATIENCE) { parts.scope.coroutineContext.job.children.toList().forEach { it.join() } }
        shadowOf(app.mainLooper).idle()
    }

    /** Presses the button of a notification. */
    fun press(notification: Notification, label: String) {
        notification.actions.first { it.title == label }.actionIntent.send()
        settle()
    }

    /** The end of the process, and its beginning anew on the same store and keys. */
    fun die(): Phone {
        parts.core.close()
        return Phone(world, way, PhoneParts(app, way))
    }
}

/** Asks again and again until something is so; a test's time is over before it gives up. */
suspend fun eventually(what: String, isSo: () -> Boolean) {
    repeat(12_000) {
        if (isSo()) return
        delay(10)
    }
    error("it never came: $what")
}

/** The registration that the library takes, as the world has it. */
fun fcmOf(registration: JSONObject): PushRegistration = PushRegistration.Fcm(registration.getString("token"))
