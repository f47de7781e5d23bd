package io.github.countersign.android.typing

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue

/**
 * What a person is typing that is a secret. A model has it, so that it outlives a turned phone; it is in memory alone,
 * and goes when it has served, when the person leaves, and with the end of the process.
 */
class Typed {
    /** As far as it is typed. */
    var text: String by mutableStateOf("")

    /** Lets it go. */
    fun forget() {
        text = ""
    }
}
