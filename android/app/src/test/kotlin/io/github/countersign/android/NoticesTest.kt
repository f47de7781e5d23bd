package io.github.countersign.android

import android.app.KeyguardManager
import android.app.Notification
import android.app.NotificationManager
import android.app.job.JobScheduler
import android.content.Intent
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.navigation.entryOf
import io.github.countersign.android.notices.BootReceiver
import io.github.countersign.android.notices.PullJob
import io.github.countersign.android.notices.REQUESTS
import io.github.countersign.android.world.Phone
import io.github.countersign.android.world.ScriptedWay
import io.github.countersign.android.world.World
import io.github.countersign.android.world.fcmOf
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** Notifications, from sealed pushes of the real server through a push network to the system's own list. */
@RunWith(RobolectricTestRunner::class)
@Config(qualifiers = "en-rGB")
class NoticesTest {
    private val world = World()
    private val registration = world.install("fcm")
    private val phone = Phone(world, { ScriptedWay(fcmOf(registration)) })
    private val keyguard = shadowOf(phone.app.getSystemService(KeyguardManager::class.java))
    private val user = world.site.user()
    private val account = phone.enrol(user)

    @After
    fun end() = world.close()

    /** Asks, and gives the push to the app. */
    private fun ask(digits: Int? = null, message: String? = "Order 4711"): String {
        val asked = world.site.ask(user, digits, message).getString("id")
        receive(world.push(registration))
        return asked
    }

    private fun receive(push: ByteArray) = runBlocking { phone.parts.arrivals.push(push) }

    private fun titles(notification: Notification) = notification.actions.map { it.title.toString() }

    @Test
    fun anUnlockedPhoneShowsWhoAsksAndSoundsOnItsChannel() {
        val asked = ask()
        val shown = phone.shown.single()
        assertEquals(asked, shown.tag)
        assertEquals("Is this you? Customer area", shown.notification.extras.getString(Notification.EXTRA_TITLE))
        assertTrue(
            shown.notification.extras.getString(Notification.EXTRA_TEXT).orEmpty().startsWith("Order 4711, maya"),
        )
        assertEquals(listOf("NO", "YES"), titles(shown.notification))
        assertEquals(listOf(false, true), shown.notification.actions.map { it.isAuthenticationRequired })
        assertTrue(shown.notification.timeoutAfter in 1..660_000)
        val channel = phone.app.getSystemService(NotificationManager::class.java).getNotificationChannel(REQUESTS)
        assertEquals(NotificationManager.IMPORTANCE_HIGH, channel.importance)
        assertNotNull("it is heard", channel.sound)
        val onLockScreen = shown.notification.publicVersion
        assertEquals("A sign-in waits for your answer.", onLockScreen.extras.getString(Notification.EXTRA_TEXT))
    }

    @Test
    fun aLockedPhoneTellsNothingButThatASignInWaits() {
        keyguard.setIsDeviceLocked(true)
        ask()
        val shown = phone.shown.single().notification
        val told = listOf(Notification.EXTRA_TITLE, Notification.EXTRA_TEXT, Notification.EXTRA_BIG_TEXT).mapNotNull {
            shown.extras.getCharSequence(it)?.toString()
        }
        assertEquals(listOf("Is this you?", "A sign-in waits for your answer."), told)
        assertNull("there is nothing to hide", shown.publicVersion)
        keyguard.setIsDeviceLocked(false)
        phone.app.sendBroadcast(Intent(Intent.ACTION_USER_PRESENT))
        phone.settle()
        assertTrue(
            phone.shown.single().notification.extras.getString(
                Notification.EXTRA_TITLE,
            ).orEmpty().contains("Customer area"),
        )
    }

    @Test
    fun noFromTheLockScreenDeniesAndTakesItAway() {
        keyguard.setIsDeviceLocked(true)
        val asked = ask()
        phone.press(phone.shown.single().notification, "NO")
        assertEquals("denied", world.site.state(asked))
        assertTrue(phone.shown.isEmpty())
    }

    @Test
    fun yesFromTheNotificationLetsThePageGoOn() {
        val asked = ask()
        phone.press(phone.shown.single().notification, "YES")
        assertEquals("approved", world.site.state(asked))
        assertEquals("claimed", world.site.claim(asked))
        assertTrue(phone.shown.isEmpty())
    }

    @Test
    fun whereANumberIsAskedForYesLeadsIntoTheApp() {
        val asked = ask(digits = 2)
        val yes = phone.shown.single().notification.actions.single { it.title == "YES" }.actionIntent
        assertTrue(yes.isActivity)
        yes.send()
        phone.settle()
        assertEquals(Entry.Request(asked), entryOf(shadowOf(phone.app).nextStartedActivity))
        assertEquals("pending", world.site.state(asked))
    }

    @Test
    fun whereEachYesIsConfirmedItLeadsIntoTheAppToo() {
        phone.parts.settings.change { it.copy(mustConfirm = true) }
        ask()
        assertTrue(phone.shown.single().notification.actions.single { it.title == "YES" }.actionIntent.isActivity)
    }

    @Test
    fun oneRequestIsOneNotificationHoweverOftenItArrives() {
        world.site.ask(user)
        val push = world.push(registration)
        repeat(3) { receive(push) }
        runBlocking { phone.parts.arrivals.pullAll() }
        assertEquals(1, phone.shown.size)
        assertTrue(phone.shown.single().notification.flags and Notification.FLAG_ONLY_ALERT_ONCE != 0)
    }

    @Test
    fun whatWasSwipedAwayStaysAway() {
        world.site.ask(user)
        val push = world.push(registration)
        receive(push)
        phone.parts.notices.over(phone.shown.single().tag)
        receive(push)
        assertTrue(phone.shown.isEmpty())
    }

    @Test
    fun twoRequestsAreTwoAndEachTapLandsOnItsOwn() {
        // The second makes the first ask for its number too, so pushes come for both: a pull brings all.
        val (first, second) = List(2) { world.site.ask(user).getString("id") }
        runBlocking { phone.parts.arrivals.pullAll() }
        val opened =
            phone.shown.associate { shown ->
                shown.notification.contentIntent.send()
                phone.settle()
                shown.tag to entryOf(shadowOf(phone.app).nextStartedActivity)
            }
        assertEquals(mapOf(first to Entry.Request(first), second to Entry.Request(second)), opened)
    }

    @Test
    fun whatIsOverElsewhereIsTakenAway() {
        val asked = ask()
        world.site.call("POST /v1/challenges/$asked/cancel")
        receive(world.push(registration))
        assertTrue(phone.shown.isEmpty())
    }

    @Test
    fun aMessageThatIsNotOursSaysNothing() {
        receive("nonsense".toByteArray())
        receive(ByteArray(4096))
        assertTrue(phone.shown.isEmpty())
    }

    @Test
    fun noWithoutANetworkIsKeptAndDelivered() {
        val asked = ask()
        world.network("down")
        phone.press(phone.shown.single().notification, "NO")
        assertTrue("it is answered", phone.shown.isEmpty())
        assertEquals("pending", world.site.state(asked))
        world.network("clear")
        runBlocking { phone.parts.arrivals.pullAll() }
        assertEquals("denied", world.site.state(asked))
    }

    @Test
    fun afterTheEndOfTheProcessNothingIsAnsweredTwice() {
        val asked = ask()
        val pressed = phone.shown.single().notification
        phone.press(pressed, "NO")
        val again = phone.die()
        again.press(pressed, "YES")
        assertEquals("denied", world.site.state(asked))
        assertTrue(again.shown.isEmpty())
    }

    @Test
    fun afterTheStartOfThePhoneWhatWaitsIsShownAgain() {
        val asked = world.site.ask(user).getString("id")
        receive(world.push(registration))
        phone.parts.notices.over(asked)
        val again = phone.die()
        BootReceiver().onReceive(again.app, Intent(Intent.ACTION_BOOT_COMPLETED))
        again.settle()
        assertEquals(listOf(asked), again.shown.map { it.tag })
        val jobs = again.app.getSystemService(JobScheduler::class.java).allPendingJobs
        assertEquals(setOf(true, false), jobs.map { it.isPeriodic }.toSet())
        assertTrue(jobs.single { it.isPeriodic }.isPersisted)
    }

    @Test
    fun anotherAppCannotPassForTheStartOfThePhone() {
        BootReceiver().onReceive(phone.app, Intent("io.example.OTHER"))
        phone.settle()
        assertTrue(phone.app.getSystemService(JobScheduler::class.java).allPendingJobs.all { it.isPeriodic })
    }

    @Test
    fun theJobPullsWhatNoPushBrought() {
        val asked = world.site.ask(user).getString("id")
        val job = Robolectric.buildService(PullJob::class.java).create().get()
        runBlocking { phone.parts.arrivals.pullAll() }
        assertEquals(listOf(asked), phone.shown.map { it.tag })
        assertFalse(account.isEmpty() || job.isRestricted)
        assertEquals(Place.Request(asked), io.github.countersign.android.navigation.placeOf("request $asked"))
    }
}
