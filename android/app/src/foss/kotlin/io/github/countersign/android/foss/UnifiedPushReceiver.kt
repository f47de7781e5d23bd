package io.github.countersign.android.foss

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import io.github.countersign.AuthenticatorException
import io.github.countersign.WebPushReceiver
import io.github.countersign.android.App
import io.github.countersign.android.Parts

/**
 * What the distributor sends. It is another app, so this is open to all; whoever does not know a subscription's secret
 * token is not heard, and what is inside a message is sealed to this phone by its server.
 */
class UnifiedPushReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val parts = (context.applicationContext as App).parts
        val way = parts.push as? UnifiedPush ?: return
        val token = intent.getStringExtra("token") ?: return
        val subscription = way.subscriptions.ofToken(token) ?: return
        val result = goAsync()
        parts.inBackground({ result?.finish() }) {
            when (intent.action) {
                Actions.MESSAGE -> message(parts, way, subscription, intent)

                Actions.NEW_ENDPOINT -> intent.getStringExtra("endpoint")?.let {
                    newEndpoint(parts, way, subscription, it)
                }

                Actions.UNREGISTERED, Actions.FAILED -> way.subscriptions.remove(subscription.account)
            }
        }
    }

    private suspend fun message(parts: Parts, way: UnifiedPush, subscription: Subscription, intent: Intent) {
        intent.getStringExtra("id")?.let { way.acknowledge(subscription.token, it) }
        val encrypted = intent.getByteArrayExtra("bytesMessage") ?: return
        val sealed =
            try {
                WebPushReceiver.fromBytes(subscription.secret).use { it.decrypt(encrypted) }
            } catch (_: AuthenticatorException) {
                return
            }
        parts.arrivals.push(sealed)
    }

    private suspend fun newEndpoint(parts: Parts, way: UnifiedPush, subscription: Subscription, endpoint: String) {
        way.subscriptions.setEndpoint(subscription.account, endpoint)
        val registration = way.subscriptions.ofAccount(subscription.account)?.registration() ?: return
        try {
            parts.core.use { it.registerPush(subscription.account, listOf(registration)) }
        } catch (_: AuthenticatorException) {
            // The next pull finds that the server has none, and asks again.
        }
        parts.core.touched()
    }
}
