package io.github.countersign.android.foss

import android.content.SharedPreferences
import android.util.Base64
import androidx.core.content.edit
import io.github.countersign.WebPushReceiver
import java.security.SecureRandom

/** An account's subscription at the distributor. */
class Subscription(
    val account: String,
    /** Names it between the distributor and this app; nobody else knows it. */
    val token: String,
    /** The server's key that it was made with. */
    val serverKey: String,
    /** The 48 bytes of its receiver. They open the push service's encryption; what is inside stays sealed. */
    val secret: ByteArray,
    /** Where the server sends; null until the distributor has said so. */
    val endpoint: String?,
)

/** The subscriptions of all accounts, in the app's own file, which is in no backup. */
class Subscriptions(private val file: SharedPreferences) {
    /** The app that distributes. */
    var distributor: String?
        get() = file.getString(DISTRIBUTOR, null)
        set(value) = file.edit { putString(DISTRIBUTOR, value) }

    /** All of them. */
    fun all(): List<Subscription> = file.all.keys.filter {
        it.endsWith(TOKEN)
    }.mapNotNull { ofAccount(it.removeSuffix(TOKEN)) }

    /** The one of an account. */
    fun ofAccount(account: String): Subscription? {
        val token = file.getString(account + TOKEN, null) ?: return null
        val key = file.getString(account + KEY, null) ?: return null
        val secret = file.getString(account + SECRET, null) ?: return null
        return Subscription(
            account,
            token,
            key,
            Base64.decode(secret, Base64.NO_WRAP),
            file.getString(account + ENDPOINT, null),
        )
    }

    /** The one with this token, as a broadcast names it. */
    fun ofToken(token: String): Subscription? = all().firstOrNull { it.token == token }

    /** Makes one for an account. */
    fun make(account: String, serverKey: String): Subscription {
        val token = Base64.encodeToString(
            ByteArray(24).also(SecureRandom()::nextBytes),
            Base64.URL_SAFE or Base64.NO_WRAP,
        )
        val secret = WebPushReceiver.generate().use { it.toBytes() }
        file.edit(commit = true) {
            putString(account + TOKEN, token)
            putString(account + KEY, serverKey)
            putString(account + SECRET, Base64.encodeToString(secret, Base64.NO_WRAP))
            remove(account + ENDPOINT)
        }
        return Subscription(account, token, serverKey, secret, null)
    }

    /** Keeps the address of one; null when it has none any more. */
    fun setEndpoint(account: String, endpoint: String?) =
        file.edit(commit = true) { putString(account + ENDPOINT, endpoint) }

    /** Forgets the one of an account. */
    fun remove(account: String) = file.edit(commit = true) {
        listOf(TOKEN, KEY, SECRET, ENDPOINT).forEach { remove(account + it) }
    }

    private companion object {
        const val DISTRIBUTOR = "distributor"
        const val TOKEN = ".token"
        const val KEY = ".key"
        const val SECRET = ".secret"
        const val ENDPOINT = ".endpoint"
    }
}
