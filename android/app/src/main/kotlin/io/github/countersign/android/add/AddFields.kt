package io.github.countersign.android.add

import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import io.github.countersign.android.typing.Typed

/** What is typed on the screens of adding. */
class AddFields {
    /** True once the person would rather type a key. */
    var isKeyTyped: Boolean by mutableStateOf(false)

    val link = Typed()
    val service = Typed()
    val account = Typed()
    val key = Typed()

    /** The password of a file. */
    val password = Typed()

    /** Lets all of it go. */
    fun forget() {
        isKeyTyped = false
        listOf(link, service, account, key, password).forEach(Typed::forget)
    }
}
