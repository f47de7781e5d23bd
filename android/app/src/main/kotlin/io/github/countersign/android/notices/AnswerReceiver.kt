package io.github.countersign.android.notices

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import io.github.countersign.AuthenticatorException
import io.github.countersign.android.App
import io.github.countersign.android.Parts
import io.github.countersign.android.core.Core
import io.github.countersign.android.navigation.requestIn
import io.github.countersign.android.request.isWithoutServer

/** Answers from a notification, without the app on the screen. */
class AnswerReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val challenge = requestIn(intent) ?: return
        val isYes = intent.action == YES
        if (!isYes && intent.action != NO) return
        val parts = (context.applicationContext as App).parts
        val result = goAsync()
        parts.inBackground({ result?.finish() }) { answered(parts, challenge, isYes) }
    }

    internal companion object {
        const val YES = "io.github.countersign.YES"
        const val NO = "io.github.countersign.NO"
    }
}

/** Answers, and takes the notification away unless the person has to look again. */
internal suspend fun answered(parts: Parts, challenge: String, isYes: Boolean) {
    val core = parts.core
    val notices = parts.notices
    try {
        if (isYes) {
            core.use { it.approve(challenge, null) }
        } else {
            parts.refusals.refuse(challenge) { core.use { it.deny(challenge) } }
        }
        notices.over(challenge)
    } catch (failure: AuthenticatorException) {
        // Without a server the signed answer is kept, and the next pull delivers it. What did not count is asked again.
        val prompt = waiting(core, challenge)
        if (prompt == null ||
            (prompt.answering && failure.isWithoutServer())
        ) {
            notices.over(challenge)
        } else {
            notices.ask(prompt)
        }
    }
    core.touched()
}

private suspend fun waiting(core: Core, challenge: String) = try {
    core.use { it.pending() }.firstOrNull { it.challenge.id == challenge }
} catch (_: AuthenticatorException) {
    null
}
