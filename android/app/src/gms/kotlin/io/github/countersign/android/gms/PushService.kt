package io.github.countersign.android.gms

import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.push.registerEverywhere
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull

/** The member of a message that holds what the server sealed. */
private const val SEALED = "envelope"

/** How long the system lets the service work on a message, with something to spare. */
private const val PATIENCE = 15_000L

/** What Firebase calls, on threads of its own that it lets wait. */
class PushService : FirebaseMessagingService() {
    private val parts: Parts get() = (application as App).parts

    override fun onMessageReceived(message: RemoteMessage) {
        val sealed = message.data[SEALED] ?: return
        waiting { parts.arrivals.push(sealed.toByteArray()) }
    }

    /** Google dropped messages, since there were too many or the phone was away too long. */
    override fun onDeletedMessages() = waiting { parts.arrivals.pullAll() }

    @Deprecated("Registration tokens, as the server needs them")
    override fun onNewToken(token: String) = waiting { registerEverywhere(parts.core, parts.push) }

    private fun waiting(work: suspend () -> Unit) {
        runBlocking { withTimeoutOrNull(PATIENCE) { work() } }
    }
}
