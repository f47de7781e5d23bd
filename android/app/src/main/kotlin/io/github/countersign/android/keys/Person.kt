package io.github.countersign.android.keys

import io.github.countersign.Sentence
import io.github.countersign.android.words.Told
import java.security.Signature

/** The system's own dialogue, which asks for a fingerprint, a face, or the screen lock. */
interface PersonPrompt {
    /** True when the phone has a screen lock, without which nobody can be asked. */
    fun isDeviceSecure(): Boolean

    /** Asks, under this title; unlocks the signature where one is given. False when the person did not agree. */
    suspend fun ask(title: Told, signature: Signature? = null): Boolean
}

/** The person, as keys need them: what they are asked, and whether they are asked at all. */
class Person(private val prompt: PersonPrompt, private val mustConfirm: () -> Boolean) {
    @Volatile private var about = Told(Sentence.APP_UNLOCK)

    /** True when the person can be asked. */
    fun canBeAsked(): Boolean = prompt.isDeviceSecure()

    /** True when keys that are made now are to ask for each signature. */
    fun wantsToBeAsked(): Boolean = mustConfirm()

    /** While this is done, the dialogue says what it is about. */
    suspend fun <T> saying(what: Told, work: suspend () -> T): T {
        about = what
        return work()
    }

    /** Asks for a key that the phone does not unlock without the person. */
    suspend fun unlocks(signature: Signature): Boolean = prompt.ask(about, signature)

    /** Asks for a key that would sign by itself, where the setting wants it. */
    suspend fun confirms(): Boolean = !mustConfirm() || prompt.ask(about)
}
