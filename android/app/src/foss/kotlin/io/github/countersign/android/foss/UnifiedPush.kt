package io.github.countersign.android.foss

import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import io.github.countersign.PushRegistration
import io.github.countersign.Sentence
import io.github.countersign.WebPushReceiver
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.words.Told

/** The app without any code of Google's. */
class FossApp : App() {
    override fun pushWay(parts: Parts): PushWay =
        UnifiedPush(this, Subscriptions(getSharedPreferences("unifiedpush", MODE_PRIVATE)))
}

/** The actions of the UnifiedPush specification for Android (AND_3). */
internal object Actions {
    private const val DISTRIBUTOR = "org.unifiedpush.android.distributor"
    private const val CONNECTOR = "org.unifiedpush.android.connector"
    const val REGISTER = "$DISTRIBUTOR.REGISTER"
    const val UNREGISTER = "$DISTRIBUTOR.UNREGISTER"
    const val ACKNOWLEDGE = "$DISTRIBUTOR.MESSAGE_ACK"
    const val NEW_ENDPOINT = "$CONNECTOR.NEW_ENDPOINT"
    const val MESSAGE = "$CONNECTOR.MESSAGE"
    const val UNREGISTERED = "$CONNECTOR.UNREGISTERED"
    const val FAILED = "$CONNECTOR.REGISTRATION_FAILED"
}

/**
 * Pushes through UnifiedPush: another app on the phone, the distributor, keeps the one connection. Each account has a
 * subscription of its own, so that nobody in between learns that two accounts are on one phone.
 */
class UnifiedPush(private val context: Context, internal val subscriptions: Subscriptions) : PushWay {
    override fun told(): Told {
        val distributor = distributor() ?: return Told(Sentence.APP_PUSH_PULL)
        val manager = context.packageManager
        val name = manager.getApplicationLabel(manager.getApplicationInfo(distributor, 0)).toString()
        return Told(Sentence.APP_PUSH_DISTRIBUTOR, mapOf("app" to name))
    }

    /** A distributor may have been renewed, or its data removed: it is asked again, and answers the same. */
    override fun begin() = subscriptions.all().forEach(::register)

    override suspend fun registrations(
        accountId: String,
        rejected: Boolean,
        webpushPublicKey: String?,
    ): List<PushRegistration> {
        if (distributor() == null || webpushPublicKey == null) return emptyList()
        val known = subscriptions.ofAccount(accountId)
        if (known == null || rejected || known.serverKey != webpushPublicKey) {
            known?.let(::unregister)
            // The distributor answers with an address later, which is then registered by itself.
            register(subscriptions.make(accountId, webpushPublicKey))
            return emptyList()
        }
        return listOfNotNull(known.registration())
    }

    /** Tells the distributor that a message has come. */
    internal fun acknowledge(token: String, message: String) =
        send(Actions.ACKNOWLEDGE) { putExtra("token", token).putExtra("id", message) }

    private fun register(subscription: Subscription) = send(Actions.REGISTER) {
        putExtra("token", subscription.token)
        putExtra("vapid", subscription.serverKey)
        putExtra("application", context.packageName)
        // By this the distributor knows which app asks: nobody else can make one of ours.
        val ours = Intent().setPackage(context.packageName)
        putExtra("pi", PendingIntent.getBroadcast(context, 0, ours, PendingIntent.FLAG_IMMUTABLE))
    }

    private fun unregister(subscription: Subscription) {
        send(Actions.UNREGISTER) { putExtra("token", subscription.token) }
        subscriptions.remove(subscription.account)
    }

    private fun send(action: String, fill: Intent.() -> Unit) {
        val distributor = distributor() ?: return
        context.sendBroadcast(Intent(action).setPackage(distributor).apply(fill))
    }

    /** The app that distributes pushes on this phone: the one that served before while it is there, else the first. */
    private fun distributor(): String? {
        val found = context.packageManager.queryBroadcastReceivers(Intent(Actions.REGISTER), 0).map {
            it.activityInfo.packageName
        }
        return (subscriptions.distributor.takeIf { it in found } ?: found.minOrNull()).also {
            subscriptions.distributor =
                it
        }
    }
}

/** What is registered for the server of an account. */
internal fun Subscription.registration(): PushRegistration? =
    endpoint?.let { address -> WebPushReceiver.fromBytes(secret).use { it.registration(address, serverKey) } }
