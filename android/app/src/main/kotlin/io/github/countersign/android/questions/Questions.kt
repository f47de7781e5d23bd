package io.github.countersign.android.questions

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Column
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import io.github.countersign.AuthenticatorException
import io.github.countersign.Prompt
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.core.Core
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.core.loaded
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Line
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.notices.Arrivals
import io.github.countersign.android.request.Question
import io.github.countersign.android.request.Refusals
import io.github.countersign.android.request.questionOf
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.sentenceForOutcome
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** A question in the list; one that is answered and kept may be [isRefused] already, or NO can take its place. */
data class Waiting(val question: Question, val isAnswering: Boolean, val isRefused: Boolean = false)

/** What waits, and what came of the last check. */
data class QuestionsState(
    val waiting: Loaded<List<Waiting>> = Loaded.Loading,
    val isChecking: Boolean = false,
    val told: Told? = null,
)

/** What is behind the list of questions. */
class QuestionsModel(
    private val core: Core,
    private val arrivals: Arrivals,
    private val refusals: Refusals,
    private val scope: CoroutineScope,
) {
    private val shown = MutableStateFlow(QuestionsState())

    /** What the screen shows. */
    val state: StateFlow<QuestionsState> = shown.asStateFlow()

    init {
        scope.launch { core.changes.collect { read() } }
    }

    /** Asks every server. */
    fun check() {
        if (shown.value.isChecking) return
        shown.update { it.copy(isChecking = true, told = null) }
        scope.launch {
            val failed = arrivals.pullAll()
            read()
            val isNothing = (shown.value.waiting as? Loaded.There)?.value?.isEmpty() == true
            shown.update {
                it.copy(
                    isChecking = false,
                    told =
                    failed ?: Told(Sentence.ACCOUNT_NOTHING_NEW).takeIf { isNothing },
                )
            }
        }
    }

    /** Answers NO in the place of a YES that the server does not have yet. */
    fun takeBack(challenge: String) {
        val before = shown.value
        if (before.isChecking || !shown.compareAndSet(before, before.copy(isChecking = true, told = null))) return
        scope.launch {
            val told =
                try {
                    Told(sentenceForOutcome(refusals.refuse(challenge) { core.use { it.deny(challenge) } }))
                } catch (failure: AuthenticatorException) {
                    // It is kept in the other's place, and the list says so.
                    failure.told().takeUnless { refusals.isKept(challenge) }
                }
            shown.update { it.copy(isChecking = false, told = told) }
            core.touched()
        }
    }

    private suspend fun read() {
        val waiting = loaded { core.use { it.pending() }.map(::waitingOf) }
        shown.update { it.copy(waiting = waiting) }
    }

    private fun waitingOf(prompt: Prompt) =
        Waiting(questionOf(prompt), prompt.answering, prompt.answering && refusals.isKept(prompt.challenge.id))
}

/** The list of questions; on the empty one "check now" comes first. */
@Composable
fun QuestionsScreen(state: QuestionsState, check: () -> Unit, takeBack: (String) -> Unit, open: (String) -> Unit) =
    when (val waiting = state.waiting) {
        Loaded.Loading -> OneMoment()

        is Loaded.Failed -> Failure(waiting.told, check)

        is Loaded.There ->
            Page {
                if (waiting.value.isEmpty()) {
                    Wide(Sentence.ACCOUNT_CHECK_NOW, !state.isChecking, check)
                    Heading(text(Sentence.ACCOUNT_NOTHING_WAITS))
                } else {
                    Heading(text(Sentence.QUESTION_IS_THIS_YOU))
                    waiting.value.forEach {
                        val challenge = it.question.challenge
                        WaitingLine(it) { open(challenge) }
                        KeptAnswer(it, !state.isChecking) { takeBack(challenge) }
                        HorizontalDivider()
                    }
                    WideOutlined(Sentence.ACCOUNT_CHECK_NOW, !state.isChecking, check)
                }
                if (state.isChecking) Notice(Told(Sentence.APP_ONE_MOMENT))
                state.told?.let { Notice(it) }
            }
    }

@Composable
private fun WaitingLine(waiting: Waiting, open: () -> Unit) {
    Line(Modifier.clickable(onClick = open)) {
        Column {
            Text(waiting.question.whoAsks, style = MaterialTheme.typography.titleLarge)
            // The heading of the list asks for a sign-in; what else a YES does is said at its line.
            waiting.question.explanation?.let {
                Text(text(waiting.question.asks), style = MaterialTheme.typography.bodyLarge)
            }
            Text(waiting.question.accountName, style = MaterialTheme.typography.bodyLarge)
            val words = LocalWords.current
            val told = if (waiting.isAnswering) {
                words[Sentence.QUESTION_ANSWERING]
            } else {
                words.time(
                    waiting.question.askedAt,
                )
            }
            Text(told, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
        }
    }
}

/** Beside an answer that is kept: what it is, or NO in its place. */
@Composable
private fun KeptAnswer(waiting: Waiting, enabled: Boolean, takeBack: () -> Unit) {
    if (!waiting.isAnswering) return
    if (waiting.isRefused) {
        Text(text(R.string.kept_is_no), style = MaterialTheme.typography.bodyMedium)
    } else {
        Quiet(R.string.kept_no_instead, enabled, takeBack)
    }
}
