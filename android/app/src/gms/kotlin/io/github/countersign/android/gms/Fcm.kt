package io.github.countersign.android.gms

import com.google.android.gms.tasks.Task
import com.google.firebase.FirebaseApp
import com.google.firebase.FirebaseOptions
import com.google.firebase.messaging.FirebaseMessaging
import io.github.countersign.PushRegistration
import io.github.countersign.Sentence
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.R
import io.github.countersign.android.push.PushWay
import io.github.countersign.android.words.Told
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.resume

/** The app for phones with Google's services. */
class GmsApp : App() {
    override fun pushWay(parts: Parts): PushWay = Fcm(FirebaseTokens(this))
}

/** Where this app instance's registration token comes from. */
interface Tokens {
    /** True when Google's service is set up in this build. */
    val areThere: Boolean

    /** The token; another one when `isFresh`. Null when the service gives none now. */
    suspend fun token(isFresh: Boolean): String?
}

/** Pushes through Firebase Cloud Messaging. */
class Fcm(private val tokens: Tokens) : PushWay {
    override fun told(): Told = Told(if (tokens.areThere) Sentence.APP_PUSH_GOOGLE else Sentence.APP_PUSH_PULL)

    // The service calls when it has a token; nothing is asked for before there is an account.
    override fun begin() = Unit

    override suspend fun registrations(
        accountId: String,
        rejected: Boolean,
        webpushPublicKey: String?,
    ): List<PushRegistration> = listOfNotNull(tokens.token(rejected)?.let(PushRegistration::Fcm))
}

/** Firebase's tokens. The project is the builder's: without one in the resources there is no Firebase in the app. */
class FirebaseTokens(private val app: App) : Tokens {
    private val messaging: FirebaseMessaging? by lazy {
        val project = app.getString(R.string.firebase_project)
        if (project.isEmpty()) {
            null
        } else {
            val options =
                FirebaseOptions.Builder()
                    .setProjectId(project)
                    .setApplicationId(app.getString(R.string.firebase_application))
                    .setApiKey(app.getString(R.string.firebase_api_key))
                    .setGcmSenderId(app.getString(R.string.firebase_sender))
                    .build()
            FirebaseApp.initializeApp(app, options)
            FirebaseMessaging.getInstance()
        }
    }

    override val areThere: Boolean get() = messaging != null

    // The server sends to registration tokens. Installation ids, which are to follow them, need its word first.
    @Suppress("DEPRECATION")
    override suspend fun token(isFresh: Boolean): String? {
        val messaging = messaging ?: return null
        if (isFresh) result(messaging.deleteToken())
        return result(messaging.token)
    }
}

/** What a task of Google's gives; null when it fails. */
private suspend fun <T> result(task: Task<T>): T? = suspendCancellableCoroutine { waiting ->
    task.addOnCompleteListener { waiting.resume(if (it.isSuccessful) it.result else null) }
}
