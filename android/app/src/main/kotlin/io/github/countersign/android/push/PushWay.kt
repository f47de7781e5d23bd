package io.github.countersign.android.push

import io.github.countersign.PushRegistrar
import io.github.countersign.Sentence
import io.github.countersign.android.words.Told

/** How pushes come to this phone: what a flavour of the app brings. */
interface PushWay : PushRegistrar {
    /** What the settings say about it. */
    fun told(): Told

    /** Begins, when the app starts: registrations that are missing are asked for. */
    fun begin()
}

/** No push at all: the phone asks by itself. */
object PullOnly : PushWay {
    override fun told(): Told = Told(Sentence.APP_PUSH_PULL)

    override fun begin() = Unit

    override suspend fun registrations(accountId: String, rejected: Boolean, webpushPublicKey: String?) =
        emptyList<io.github.countersign.PushRegistration>()
}
