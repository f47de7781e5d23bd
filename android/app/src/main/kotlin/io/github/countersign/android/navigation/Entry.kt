package io.github.countersign.android.navigation

import android.content.ContentResolver
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.BadParcelableException
import androidx.core.content.IntentCompat
import io.github.countersign.android.MainActivity

private const val OWN = "countersign-request"

/** Why the app was opened, from outside. */
sealed interface Entry {
    /** By its icon, or for something that it does not know. */
    data object Plain : Entry

    /** By a notification: to exactly this request. */
    data class Request(val challenge: String) : Entry {
        /** Names the request in an intent. */
        fun uri(): Uri = Uri.fromParts(OWN, challenge, null)

        /** What opens the app there. */
        fun intent(context: Context): Intent = Intent(
            context,
            MainActivity::class.java,
        ).setData(uri()).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK or Intent.FLAG_ACTIVITY_SINGLE_TOP)
    }

    /** By a link that opens a request which a page of this same phone asked for. */
    data class RequestLink(val text: String) : Entry

    /** By a link that adds an account, or codes. */
    data class AddLink(val text: String) : Entry

    /** With files that another app shared, or one that was opened with this app. */
    data class AddFiles(val documents: List<String>) : Entry
}

/** Reads an intent. Only a notification of ours names a request by its id: its intent names our class. */
fun entryOf(intent: Intent?): Entry {
    if (intent?.action == Intent.ACTION_SEND || intent?.action == Intent.ACTION_SEND_MULTIPLE) {
        // An app that shares a file often says something beside it.
        val files = if (intent.action == Intent.ACTION_SEND) listOfNotNull(fileIn(intent)) else filesIn(intent)
        if (files.isNotEmpty()) return Entry.AddFiles(files.map(Uri::toString))
        return intent.getStringExtra(Intent.EXTRA_TEXT)?.let(::entryOfText) ?: Entry.Plain
    }
    val data = intent?.data ?: return Entry.Plain
    if (data.scheme == OWN) return Entry.Request(data.schemeSpecificPart)
    if (data.scheme == ContentResolver.SCHEME_CONTENT) return Entry.AddFiles(listOf(data.toString()))
    return entryOfText(data.toString())
}

private fun fileIn(intent: Intent): Uri? = try {
    IntentCompat.getParcelableExtra(intent, Intent.EXTRA_STREAM, Uri::class.java)
} catch (_: BadParcelableException) {
    null
}

private fun filesIn(intent: Intent): List<Uri> = try {
    val sent: List<*>? = IntentCompat.getParcelableArrayListExtra(intent, Intent.EXTRA_STREAM, Uri::class.java)
    // Before Android 13 the list may be of anything.
    sent.orEmpty().filterIsInstance<Uri>()
} catch (_: BadParcelableException) {
    emptyList()
}

private fun entryOfText(text: String): Entry =
    if (text.contains("/challenge#")) Entry.RequestLink(text) else Entry.AddLink(text)

/** The request in an intent that is ours. */
fun requestIn(intent: Intent): String? = intent.data?.takeIf { it.scheme == OWN }?.schemeSpecificPart
