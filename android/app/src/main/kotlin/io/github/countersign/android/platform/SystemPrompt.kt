package io.github.countersign.android.platform

import android.app.Activity
import android.app.KeyguardManager
import android.content.Context
import android.hardware.biometrics.BiometricManager.Authenticators.BIOMETRIC_STRONG
import android.hardware.biometrics.BiometricManager.Authenticators.DEVICE_CREDENTIAL
import android.hardware.biometrics.BiometricPrompt
import android.os.Build.VERSION.SDK_INT
import android.os.CancellationSignal
import androidx.annotation.RequiresApi
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.Words
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext
import java.security.Signature
import kotlin.coroutines.resume

/** What asks the system for the person's screen lock before Android 11: the activity that is on the screen. */
interface CredentialAsker {
    /** Shows the system's screen; true when it was passed. */
    suspend fun ask(title: String): Boolean
}

/** The system's dialogue, over the activity that is on the screen. Without one nobody is asked, and nobody agrees. */
class SystemPrompt(context: Context, private val words: () -> Words) : PersonPrompt {
    private val keyguard = context.getSystemService(KeyguardManager::class.java)

    /** The activity on the screen, while there is one. */
    @Volatile var onScreen: Activity? = null

    override fun isDeviceSecure(): Boolean = keyguard.isDeviceSecure

    override suspend fun ask(title: Told, signature: Signature?): Boolean {
        val activity = onScreen ?: return false
        val text = words()[title]
        return withContext(Dispatchers.Main) {
            if (SDK_INT >=
                30
            ) {
                biometric(activity, text, signature)
            } else {
                (activity as? CredentialAsker)?.ask(text) == true
            }
        }
    }

    @RequiresApi(30)
    private suspend fun biometric(activity: Activity, title: String, signature: Signature?): Boolean =
        suspendCancellableCoroutine { waiting ->
            val cancel = CancellationSignal()
            waiting.invokeOnCancellation { cancel.cancel() }
            val heard =
                object : BiometricPrompt.AuthenticationCallback() {
                    override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult) =
                        waiting.resume(true)

                    override fun onAuthenticationError(code: Int, text: CharSequence?) = waiting.resume(false)
                }
            val prompt = BiometricPrompt.Builder(
                activity,
            ).setTitle(title).setAllowedAuthenticators(BIOMETRIC_STRONG or DEVICE_CREDENTIAL).build()
            if (signature == null) {
                prompt.authenticate(cancel, activity.mainExecutor, heard)
            } else {
                prompt.authenticate(BiometricPrompt.CryptoObject(signature), cancel, activity.mainExecutor, heard)
            }
        }
}

/** An answer that an activity's result gives. */
internal class Awaited {
    private var waiting: CompletableDeferred<Boolean>? = null

    /** Begins to wait, and waits. */
    suspend fun answer(begin: () -> Unit): Boolean {
        val answer = CompletableDeferred<Boolean>()
        waiting?.complete(false)
        waiting = answer
        begin()
        return answer.await()
    }

    /** Gives the answer. */
    fun give(isYes: Boolean) {
        waiting?.complete(isYes)
        waiting = null
    }
}
