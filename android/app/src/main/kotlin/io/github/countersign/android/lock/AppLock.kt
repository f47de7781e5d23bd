package io.github.countersign.android.lock

import io.github.countersign.Sentence
import io.github.countersign.android.keys.PersonPrompt
import io.github.countersign.android.words.Told
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** The app's own lock. The places that a person went through are kept behind it: a tap still leads where it should. */
class AppLock(private val isWanted: () -> Boolean, private val prompt: PersonPrompt) {
    private val locked = MutableStateFlow(isWanted() && prompt.isDeviceSecure())

    /** True while the app shows nothing but its lock. */
    val isLocked: StateFlow<Boolean> = locked.asStateFlow()

    /** The app is no longer on the screen. */
    fun close() {
        // A phone whose screen lock was removed since has nobody to ask.
        locked.value = isWanted() && prompt.isDeviceSecure()
    }

    /** Asks the person, and opens. */
    fun open(scope: CoroutineScope) {
        scope.launch { if (prompt.ask(Told(Sentence.APP_UNLOCK))) locked.value = false }
    }
}
