package io.github.countersign.android

import android.content.Context
import android.content.Intent
import android.content.pm.ActivityInfo
import android.content.pm.ApplicationInfo
import android.content.pm.ResolveInfo
import com.google.firebase.messaging.RemoteMessage
import io.github.countersign.PushRegistration
import io.github.countersign.Sentence
import io.github.countersign.android.foss.Subscriptions
import io.github.countersign.android.foss.UnifiedPush
import io.github.countersign.android.foss.UnifiedPushReceiver
import io.github.countersign.android.gms.Fcm
import io.github.countersign.android.gms.PushService
import io.github.countersign.android.gms.Tokens
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.World
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

private const val DISTRIBUTOR = "org.example.distributor"

/** The two ways of pushes, each fed with what the real server sent through its push network. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB")
class FlavoursTest {
    private val world = World()
    private val user = world.site.user()

    @After
    fun end() = world.close()

    private class OneToken(private val token: String) : Tokens {
        var fresh = 0

        override val areThere = true

        override suspend fun token(isFresh: Boolean): String {
            if (isFresh) fresh += 1
            return token
        }
    }

    @Test
    fun firebaseHandsOverWhatTheServerSealed() {
        val registration = world.install("fcm")
        val phone = Phone(world, { Fcm(OneToken(registration.getString("token"))) })
        phone.enrol(user)
        val asked = world.site.ask(user).getString("id")
        val sealed = world.push(registration).decodeToString()
        val service = Robolectric.buildService(PushService::class.java).create().get()
        service.onMessageReceived(RemoteMessage.Builder("server").addData("envelope", sealed).build())
        assertEquals(listOf(asked), phone.shown.map { it.tag })
        service.onMessageReceived(RemoteMessage.Builder("server").addData("other", "x").build())
        service.onMessageReceived(RemoteMessage.Builder("server").addData("envelope", "{}").build())
        assertEquals(1, phone.shown.size)
        phone.press(phone.shown.single().notification, "YES")
        assertEquals("claimed", world.site.claim(asked))
    }

    @Test
    fun messagesThatGoogleDroppedArePulled() {
        val registration = world.install("fcm")
        val phone = Phone(world, { Fcm(OneToken(registration.getString("token"))) })
        phone.enrol(user)
        val asked = world.site.ask(user).getString("id")
        Robolectric.buildService(PushService::class.java).create().get().onDeletedMessages()
        assertEquals(listOf(asked), phone.shown.map { it.tag })
    }

    @Test
    fun aTokenThatTheNetworkForgotIsMadeAnew() {
        val registration = world.install("fcm")
        val tokens = OneToken(registration.getString("token"))
        val phone = Phone(world, { Fcm(tokens) })
        phone.enrol(user)
        world.step("world" to "uninstall", "registration" to registration)
        val asked = world.site.ask(user).getString("id")
        world.step("world" to "await_push", "challenge" to asked)
        runBlocking { phone.parts.arrivals.pullAll() }
        assertEquals(1, tokens.fresh)
    }

    private fun installDistributor(phone: Phone) {
        val found = ResolveInfo()
        found.activityInfo =
            ActivityInfo().apply {
                packageName = DISTRIBUTOR
                name = "$DISTRIBUTOR.Register"
                applicationInfo =
                    ApplicationInfo().also { it.packageName = DISTRIBUTOR }
            }
        val installed = android.content.pm.PackageInfo().apply {
            packageName = DISTRIBUTOR
            applicationInfo =
                ApplicationInfo().also {
                    it.packageName = DISTRIBUTOR
                    it.name = "Distributor"
                }
        }
        shadowOf(phone.app.packageManager).installPackage(installed)
        @Suppress("DEPRECATION") // It says what is found for an intent, which the later way cannot for another app.
        shadowOf(
            phone.app.packageManager,
        ).addResolveInfoForIntent(Intent("org.unifiedpush.android.distributor.REGISTER"), found)
    }

    private fun broadcast(phone: Phone, action: String, fill: Intent.() -> Unit) {
        UnifiedPushReceiver().onReceive(phone.app, Intent("org.unifiedpush.android.connector.$action").apply(fill))
        phone.settle()
    }

    private fun sent(phone: Phone, action: String): Intent = shadowOf(phone.app).broadcastIntents.last {
        it.action ==
            "org.unifiedpush.android.distributor.$action"
    }

    @Test
    fun withoutADistributorThePhoneAsksByItself() {
        val phone = Phone(world, { unifiedPush(it) })
        assertEquals(Sentence.APP_PUSH_PULL, phone.parts.push.told().sentence)
        phone.enrol(user)
        assertTrue(runBlocking { phone.parts.push.registrations("a", false, "key") }.isEmpty())
    }

    private fun unifiedPush(parts: Parts) = UnifiedPush(
        parts.context,
        Subscriptions(parts.context.getSharedPreferences("unifiedpush", Context.MODE_PRIVATE)),
    )

    @Test
    fun aDistributorBringsThePushAndLearnsNothing() {
        val phone = Phone(world, { unifiedPush(it) })
        installDistributor(phone)
        val account = phone.enrol(user)
        runBlocking { phone.parts.arrivals.pullAll() }
        val asked = sent(phone, "REGISTER")
        assertEquals(DISTRIBUTOR, asked.`package`)
        assertEquals(87, asked.getStringExtra("vapid").orEmpty().length)
        val token = asked.getStringExtra("token").orEmpty()
        // The distributor's push service is the world's, which encrypts to whoever is subscribed: played by hand here.
        val way = phone.parts.push as UnifiedPush
        broadcast(phone, "NEW_ENDPOINT") { putExtra("token", token).putExtra("endpoint", "http://127.0.0.1:9/push") }
        val registered = runBlocking {
            way.registrations(account, false, asked.getStringExtra("vapid"))
        }.single() as PushRegistration.WebPush
        assertEquals("http://127.0.0.1:9/push", registered.endpoint)
        broadcast(phone, "MESSAGE") {
            putExtra("token", token).putExtra("bytesMessage", ByteArray(200)).putExtra("id", "m1")
        }
        assertEquals("m1", sent(phone, "MESSAGE_ACK").getStringExtra("id"))
        broadcast(phone, "MESSAGE") {
            putExtra("token", "another's").putExtra("bytesMessage", ByteArray(200)).putExtra("id", "m2")
        }
        assertEquals("a stranger is not heard", "m1", sent(phone, "MESSAGE_ACK").getStringExtra("id"))
        assertTrue(phone.shown.isEmpty())
        broadcast(phone, "UNREGISTERED") { putExtra("token", token) }
        assertEquals(null, way.subscriptionTokenOf(account))
    }

    private fun UnifiedPush.subscriptionTokenOf(account: String): String? =
        Subscriptions(preferences()).ofAccount(account)?.token

    private fun preferences() =
        androidx.test.core.app.ApplicationProvider.getApplicationContext<App>().getSharedPreferences(
            "unifiedpush",
            Context.MODE_PRIVATE,
        )

    @Test
    fun eachAccountHasASubscriptionOfItsOwn() {
        val subscriptions = Subscriptions(preferences())
        val (first, second) = listOf("a", "b").map { subscriptions.make(it, "key") }
        assertTrue(first.token != second.token && !first.secret.contentEquals(second.secret))
        assertEquals(setOf("a", "b"), subscriptions.all().map { it.account }.toSet())
        assertEquals("a", subscriptions.ofToken(first.token)?.account)
        subscriptions.remove("a")
        assertEquals(listOf("b"), subscriptions.all().map { it.account })
    }
}
