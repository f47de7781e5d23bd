package io.github.countersign.android.notices

import android.app.KeyguardManager
import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import android.graphics.drawable.Icon
import android.os.Build.VERSION.SDK_INT
import androidx.annotation.RequiresApi
import io.github.countersign.Policy
import io.github.countersign.Prompt
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.navigation.Entry
import io.github.countersign.android.request.browserOnSystem
import io.github.countersign.android.words.Words

/** The channel of requests. */
const val REQUESTS = "requests"

private const val ID = 1

/**
 * The notifications of requests. A phone that is locked shows that a sign-in waits, and nothing of it; NO works there,
 * and YES only once the phone is unlocked.
 */
class AndroidNotices(
    private val context: Context,
    private val mustConfirm: () -> Boolean,
    private val words: () -> Words,
) : Notices {
    private val manager = context.getSystemService(NotificationManager::class.java)
    private val keyguard = context.getSystemService(KeyguardManager::class.java)

    /** Makes the channel, whose name the system shows in its settings. */
    fun begin() {
        val channel =
            NotificationChannel(
                REQUESTS,
                context.getString(R.string.channel_requests),
                NotificationManager.IMPORTANCE_HIGH,
            )
        channel.lockscreenVisibility = Notification.VISIBILITY_PRIVATE
        channel.description = context.getString(R.string.channel_requests_description)
        manager.createNotificationChannel(channel)
    }

    override fun ask(prompt: Prompt) {
        val left = prompt.timeLeft.toMillis()
        if (left <= 0) return over(prompt.challenge.id)
        val built = if (keyguard.isDeviceLocked) redacted(prompt).build() else whole(prompt)
        manager.notify(prompt.challenge.id, ID, built)
    }

    override fun over(challenge: String) = manager.cancel(challenge, ID)

    override fun shown(): Set<String> = manager.activeNotifications.filter { it.id == ID }.mapNotNull { it.tag }.toSet()

    override fun areAllowed(): Boolean = manager.areNotificationsEnabled() &&
        manager.getNotificationChannel(REQUESTS)?.importance != NotificationManager.IMPORTANCE_NONE

    private fun redacted(prompt: Prompt): Notification.Builder {
        val words = words()
        return Notification.Builder(context, REQUESTS)
            .setSmallIcon(R.drawable.seal)
            .setContentTitle(words[prompt.challenge.question])
            .setContentText(words[Sentence.QUESTION_ANNOUNCEMENT])
            .setCategory(Notification.CATEGORY_CALL)
            .setVisibility(Notification.VISIBILITY_PRIVATE)
            .setOnlyAlertOnce(true)
            .setShowWhen(true)
            .setWhen(prompt.challenge.askedAt.toEpochMilli())
            .setTimeoutAfter(prompt.timeLeft.toMillis())
            .setContentIntent(opening(prompt.challenge.id))
            .addAction(no(prompt.challenge.id, words))
            .apply { yes(prompt, words)?.let(::addAction) }
    }

    private fun whole(prompt: Prompt): Notification {
        val words = words()
        val challenge = prompt.challenge
        val place = challenge.context.place ?: challenge.context.ip
        val browser = challenge.context.browserOnSystem()?.let { words[it] } ?: challenge.context.browser
        val details = challenge.details.map { "${it.label}: ${it.value}" }
        val lines = listOfNotNull(challenge.bindingMessage) + details + listOfNotNull(challenge.account, place, browser)
        return redacted(prompt)
            .setContentTitle("${words[challenge.question]} ${challenge.relyingParty}")
            .setContentText(lines.joinToString(", "))
            .setStyle(Notification.BigTextStyle().bigText(lines.joinToString("\n")))
            .setPublicVersion(redacted(prompt).build())
            .build()
    }

    private fun no(challenge: String, words: Words): Notification.Action =
        action(words[Sentence.QUESTION_NO], answering(challenge, isYes = false)).build()

    /**
     * Where a number or the person is asked for, or a YES does more than sign in, YES leads into the app; else it
     * answers once the phone is unlocked.
     */
    private fun yes(prompt: Prompt, words: Words): Notification.Action? {
        val challenge = prompt.challenge.id
        val doesMore = prompt.challenge.explanation != null
        val needsApp = prompt.challenge.policy !is Policy.Tap || doesMore || mustConfirm() || SDK_INT < 31
        val what = if (needsApp) opening(challenge) else answering(challenge, isYes = true)
        return action(words[Sentence.QUESTION_YES], what).apply { if (SDK_INT >= 31) onceUnlocked(this) }.build()
    }

    private fun action(label: String, what: PendingIntent) =
        Notification.Action.Builder(Icon.createWithResource(context, R.drawable.seal), label, what)

    // Each request has intents of its own: the data tells them apart, which extras alone do not.

    private fun opening(challenge: String): PendingIntent = PendingIntent.getActivity(
        context,
        0,
        Entry.Request(challenge).intent(context),
        PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT,
    )

    private fun answering(challenge: String, isYes: Boolean): PendingIntent {
        val intent = Intent(
            context,
            AnswerReceiver::class.java,
        ).setAction(if (isYes) AnswerReceiver.YES else AnswerReceiver.NO)
        intent.data = Entry.Request(challenge).uri()
        return PendingIntent.getBroadcast(
            context,
            0,
            intent,
            PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT,
        )
    }
}

@RequiresApi(31)
private fun onceUnlocked(action: Notification.Action.Builder) {
    action.setAuthenticationRequired(true)
}
