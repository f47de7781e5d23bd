package io.github.countersign.android.request

import io.github.countersign.Challenge
import io.github.countersign.Detail
import io.github.countersign.Policy
import io.github.countersign.Prompt
import io.github.countersign.Sentence
import io.github.countersign.SignInContext
import io.github.countersign.android.words.Told
import java.time.Instant

/** What is asked, as a screen shows it. */
data class Question(
    val challenge: String,
    val account: String,
    val whoAsks: String,
    val accountName: String,
    val organisation: String,
    val forWhat: String?,
    val details: List<Detail>,
    val context: SignInContext,
    val askedAt: Instant,
    /** What is asked: is this you, or what else a YES does. */
    val asks: Sentence,
    /** What a YES does, where it does more than sign in. */
    val explanation: Sentence?,
    /** How many digits the number has that the page shows; null where YES needs none. */
    val digits: Int?,
)

/** What a request's screen shows. */
sealed interface RequestState {
    /** It is being read. */
    data object Loading : RequestState

    /** It waits for an answer. */
    data class Asking(
        val question: Question,
        val secondsLeft: Long,
        /** How long it lived in all, for the bar. */
        val secondsInAll: Long,
        /** How many others wait behind it. */
        val others: Int,
        /** An answer is on its way, so no button does anything. */
        val isAnswering: Boolean = false,
        /** What happened to an answer that did not count. */
        val told: Told? = null,
    ) : RequestState

    /** It is answered, and the server could not be told yet: the signed answer is kept. */
    data class Kept(
        val question: Question,
        val secondsLeft: Long,
        val isTrying: Boolean = false,
        val code: String? = null,
        /** What is kept is a NO or a report, as far as is known; NO can take the place of everything else. */
        val isRefused: Boolean = false,
        /** What happened to a NO that was not kept in its place. */
        val told: Told? = null,
    ) : RequestState

    /** It is over. */
    data class Over(val told: Told, val question: Question?, val mayReport: Boolean, val next: String? = null) :
        RequestState

    /** It could not be read. */
    data class Failed(val told: Told) : RequestState
}

/** What a request's screen asks for. */
interface RequestActions {
    /** YES, with the number where one is asked for. */
    fun yes(number: String?)

    /** NO, also in the place of a YES that is kept. */
    fun no()

    /** "This was not me", in the same way. */
    fun report()

    /** Sends the kept answer again, or reads again what could not be read. */
    fun tryAgain()

    /** Goes to this other request. */
    fun goOn(challenge: String)

    /** Leaves. */
    fun leave()
}

/** The question of a prompt. */
fun questionOf(prompt: Prompt): Question = questionOf(prompt.challenge, prompt.account.organisation)

/** The question of a challenge, of an account of this organisation. */
fun questionOf(challenge: Challenge, organisation: String): Question = Question(
    challenge = challenge.id,
    account = challenge.accountId,
    whoAsks = challenge.relyingParty,
    accountName = challenge.account,
    organisation = organisation,
    forWhat = challenge.bindingMessage,
    details = challenge.details,
    context = challenge.context,
    askedAt = challenge.askedAt,
    asks = challenge.question,
    explanation = challenge.explanation,
    digits = (challenge.policy as? Policy.Number)?.digits?.toInt(),
)

/** Browser and system in one text, as much of them as is known; null where nothing is. */
fun SignInContext.browserOnSystem(): Told? {
    val browser = browser
    val system = system
    return when {
        browser != null && system != null -> Told(
            Sentence.QUESTION_BROWSER_ON_SYSTEM,
            mapOf(
                "browser" to browser,
                "system" to system,
            ),
        )

        else -> null
    }
}
