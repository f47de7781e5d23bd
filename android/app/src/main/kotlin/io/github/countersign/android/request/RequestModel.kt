package io.github.countersign.android.request

import io.github.countersign.AuthenticatorException
import io.github.countersign.AuthenticatorInterface
import io.github.countersign.Outcome
import io.github.countersign.Prompt
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.SECOND
import io.github.countersign.android.core.Ticks
import io.github.countersign.android.keys.Person
import io.github.countersign.android.notices.Notices
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.sentenceForOutcome
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.drop
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** How many of the past requests are looked through for one. */
private const val PAST = 100u

/** What is behind the screen of one request. It answers at most once at a time, whatever is tapped. */
class RequestModel(
    private val challenge: String,
    private val core: Core,
    private val person: Person,
    private val refusals: Refusals,
    private val notices: Notices,
    private val ticks: Ticks,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow<RequestState>(RequestState.Loading)
    private val reading = Mutex()
    private var endsAt = 0L

    /** What the screen shows. */
    val state: StateFlow<RequestState> = shown.asStateFlow()

    init {
        scope.launch { read() }
        scope.launch { core.changes.drop(1).collect { read() } }
        scope.launch { ticks.seconds.collect { tick() } }
    }

    /** Answers YES. */
    fun yes(number: String?) = answer { library, asking ->
        val about = Told(Sentence.QUESTION_CONFIRM_YES, mapOf("relying_party" to asking.question.whoAsks))
        person.saying(about) { library.approve(challenge, number) }
    }

    /** Answers NO, also in the place of a YES that the server does not have yet. */
    fun no() = refuse(isReport = false)

    /** Reports, also what is kept or over. */
    fun report() {
        val over = shown.value as? RequestState.Over
        if (over == null) return refuse(isReport = true)
        shown.value = over.copy(mayReport = false)
        scope.launch {
            val told =
                try {
                    Told(sentenceForOutcome(core.use { it.report(challenge) }))
                } catch (failure: AuthenticatorException) {
                    if (failure.isWithoutServer()) Told(Sentence.ERROR_UNREACHABLE_ANSWER_KEPT) else failure.told()
                }
            shown.value = over.copy(told = told, mayReport = false)
            core.touched()
        }
    }

    /** Sends the kept answer again, or reads again. */
    fun tryAgain() {
        val kept = shown.value as? RequestState.Kept ?: return Unit.also { scope.launch { read() } }
        if (kept.isTrying) return
        shown.value = kept.copy(isTrying = true)
        scope.launch {
            try {
                core.use { it.pull(kept.question.account, 0u) }
            } catch (_: AuthenticatorException) {
                // It is kept as before, and said so.
            }
            shown.update { if (it is RequestState.Kept) it.copy(isTrying = false) else it }
            core.touched()
        }
    }

    private fun refuse(isReport: Boolean) {
        val how: suspend (AuthenticatorInterface) -> Outcome = { library ->
            refusals.refuse(challenge) { if (isReport) library.report(challenge) else library.deny(challenge) }
        }
        val kept = shown.value as? RequestState.Kept
        if (kept == null) return answer(isReport) { library, _ -> how(library) }
        if (kept.isTrying || !shown.compareAndSet(kept, kept.copy(isTrying = true, told = null))) return
        scope.launch {
            val told =
                try {
                    shown.value = over(core.use(how), kept.question)
                    null
                } catch (failure: AuthenticatorException) {
                    if (isReport && failure.isWithoutServer()) reportIsKept(kept.question)
                    failure.told().takeUnless { refusals.isKept(challenge) }
                }
            shown.update {
                if (it is RequestState.Kept) {
                    it.copy(isTrying = false, told = told, isRefused = refusals.isKept(challenge))
                } else {
                    it
                }
            }
            core.touched()
        }
    }

    /** A report needs nothing more from the person, so the library shows no request while it waits to be sent. */
    private fun reportIsKept(question: Question) {
        notices.over(challenge)
        shown.value = RequestState.Over(Told(Sentence.ERROR_UNREACHABLE_ANSWER_KEPT), question, mayReport = false)
    }

    private fun answer(
        isReport: Boolean = false,
        how: suspend (AuthenticatorInterface, RequestState.Asking) -> Outcome,
    ) {
        val asking = shown.value as? RequestState.Asking ?: return
        if (asking.isAnswering || !shown.compareAndSet(asking, asking.copy(isAnswering = true, told = null))) return
        scope.launch {
            try {
                val outcome = core.use { how(it, asking) }
                notices.over(challenge)
                shown.value = over(outcome, asking.question)
            } catch (failure: AuthenticatorException) {
                if (isReport && failure.isWithoutServer()) {
                    reportIsKept(asking.question)
                } else {
                    afterFailure(failure)
                }
            }
            core.touched()
        }
    }

    /** What the library still has of the request decides what is shown after a failure. */
    private suspend fun afterFailure(failure: AuthenticatorException) {
        shown.update { if (it is RequestState.Asking) it.copy(isAnswering = false) else it }
        read()
        shown.update { if (it is RequestState.Asking) it.copy(told = failure.told()) else it }
        if (shown.value is RequestState.Kept) notices.over(challenge)
    }

    private suspend fun read() = reading.withLock {
        val before = shown.value
        // While an answer is on its way, or once it is told how it ended, there is nothing to read.
        if (before is RequestState.Over || (before is RequestState.Asking && before.isAnswering)) return@withLock
        val now =
            try {
                core.use { library -> stateOf(library, before) }
            } catch (failure: AuthenticatorException) {
                RequestState.Failed(failure.told())
            }
        shown.compareAndSet(before, now)
    }

    private suspend fun stateOf(library: AuthenticatorInterface, before: RequestState): RequestState {
        val pending = library.pending()
        val prompt = pending.firstOrNull { it.challenge.id == challenge }
        if (prompt != null) return stateOf(library, prompt, pending.size - 1, before)
        val past = library.history(PAST).firstOrNull { it.challenge.id == challenge }
        val organisation = library.accounts().firstOrNull { it.id == past?.challenge?.accountId }?.organisation
        return when {
            past == null -> RequestState.Over(Told(Sentence.ERROR_UNKNOWN_REQUEST), null, mayReport = false)
            else -> over(past.outcome, questionOf(past.challenge, organisation.orEmpty()))
        }
    }

    private suspend fun stateOf(
        library: AuthenticatorInterface,
        prompt: Prompt,
        others: Int,
        before: RequestState,
    ): RequestState {
        val left = prompt.timeLeft.toMillis()
        endsAt = ticks.elapsedMillis() + left
        val question = questionOf(prompt)
        if (prompt.answering) {
            return RequestState.Kept(
                question,
                seconds(left),
                (before as? RequestState.Kept)?.isTrying == true,
                codeOf(library, question.account),
                refusals.isKept(challenge),
                (before as? RequestState.Kept)?.told,
            )
        }
        val inAll = prompt.challenge.run { endsAt.epochSecond - askedAt.epochSecond }
        return RequestState.Asking(
            question,
            seconds(left),
            inAll,
            others,
            told = (before as? RequestState.Asking)?.told,
        )
    }

    /** The code that can be typed on the page in place of the answer. */
    private suspend fun codeOf(library: AuthenticatorInterface, account: String): String? = try {
        library.code(account).code
    } catch (_: AuthenticatorException) {
        null
    }

    private suspend fun over(outcome: Outcome, question: Question): RequestState {
        val next =
            try {
                core.use { it.pending() }.firstOrNull { it.challenge.id != challenge && !it.answering }?.challenge?.id
            } catch (_: AuthenticatorException) {
                null
            }
        return RequestState.Over(
            Told(sentenceForOutcome(outcome)),
            question,
            mayReport = outcome != Outcome.REPORTED,
            next,
        )
    }

    private suspend fun tick() {
        val left = endsAt - ticks.elapsedMillis()
        val before = shown.value
        when (before) {
            is RequestState.Asking -> shown.compareAndSet(before, before.copy(secondsLeft = seconds(left)))
            is RequestState.Kept -> shown.compareAndSet(before, before.copy(secondsLeft = seconds(left)))
            else -> return
        }
        // The library moves what is over to the history when it is asked.
        if (left <= 0) {
            read()
            if (shown.value is RequestState.Over) notices.over(challenge)
        }
    }
}

private fun seconds(millis: Long): Long = ((millis + SECOND - 1) / SECOND).coerceAtLeast(0)

/** True when the server was not heard, so that a signed answer is kept. */
fun AuthenticatorException.isWithoutServer(): Boolean =
    this is AuthenticatorException.Unreachable || this is AuthenticatorException.UnexpectedAnswer ||
        this is AuthenticatorException.Unavailable
