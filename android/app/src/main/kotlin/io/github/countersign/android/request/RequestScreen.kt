package io.github.countersign.android.request

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.input.ImeAction
import androidx.compose.ui.text.input.KeyboardType
import androidx.compose.ui.unit.dp
import io.github.countersign.Sentence
import io.github.countersign.android.R
import io.github.countersign.android.accounts.grouped
import io.github.countersign.android.look.Failure
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.OneMoment
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.PageAbove
import io.github.countersign.android.look.Quiet
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** One request: the question, or what became of it. */
@Composable
fun RequestScreen(state: RequestState, actions: RequestActions) = when (state) {
    RequestState.Loading -> OneMoment()
    is RequestState.Asking -> Asking(state, actions)
    is RequestState.Kept -> Kept(state, actions)
    is RequestState.Over -> Over(state, actions)
    is RequestState.Failed -> Failure(state.told, actions::tryAgain)
}

@Composable
private fun Asking(state: RequestState.Asking, actions: RequestActions) {
    val question = state.question
    var number by rememberSaveable(question.challenge) { mutableStateOf("") }
    val isTyped = question.digits == null || number.length == question.digits
    val yes = { actions.yes(number.takeIf { question.digits != null }) }
    PageAbove({
        Countdown(state.secondsLeft, state.secondsInAll)
        Answers(!state.isAnswering, isTyped, yes, actions::no)
    }) {
        Heading(text(question.asks))
        question.explanation?.let { Text(text(it), style = MaterialTheme.typography.bodyLarge) }
        Facts(question)
        state.told?.let { Notice(it) }
        if (question.digits != null) {
            NumberField(question.digits, number, !state.isAnswering, { number = it }) { actions.yes(number) }
            if (state.others > 0 && state.told == null) Notice(Told(Sentence.QUESTION_OVERLAP))
        }
        if (state.isAnswering) Notice(Told(Sentence.QUESTION_ANSWERING))
        Column {
            Quiet(Sentence.QUESTION_THIS_WAS_NOT_ME, !state.isAnswering, actions::report)
            Text(text(Sentence.QUESTION_REPORT_EXPLAINED), style = MaterialTheme.typography.bodyMedium)
        }
        Others(state.others)
    }
}

/** Who asks, the account, the place, the browser, the time, in this order. */
@Composable
private fun Facts(question: Question) {
    val words = LocalWords.current
    val context = question.context
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        Fact(Sentence.QUESTION_WHO_ASKS, question.whoAsks)
        Fact(Sentence.QUESTION_ACCOUNT, question.accountName)
        question.forWhat?.let { Fact(Sentence.QUESTION_FOR_WHAT, it) }
        question.details.forEach { Fact(it.label, it.value) }
        Fact(
            Sentence.QUESTION_PLACE,
            listOfNotNull(context.place, context.ip).joinToString("\n").ifEmpty {
                words[Sentence.QUESTION_NOT_KNOWN]
            },
        )
        val browser = context.browserOnSystem()?.let { words[it] } ?: context.browser ?: context.system
        Fact(Sentence.QUESTION_BROWSER, browser ?: words[Sentence.QUESTION_NOT_KNOWN])
        Fact(Sentence.QUESTION_ASKED_AT, words.time(question.askedAt))
    }
}

@Composable
private fun Fact(label: Sentence, value: String) = Fact(text(label), value)

@Composable
private fun Fact(label: String, value: String) = // One stop for a screen reader, label and value together.
    Column(Modifier.semantics(mergeDescendants = true) {}) {
        Text(
            label,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.labelLarge,
        )
        Text(value, style = MaterialTheme.typography.titleLarge)
    }

@Composable
private fun Countdown(left: Long, inAll: Long) {
    val told = text(Told(Sentence.QUESTION_SECONDS_LEFT, mapOf("seconds" to left.toString())))
    Column(Modifier.semantics(mergeDescendants = true) { contentDescription = told }.testTag("countdown")) {
        LinearProgressIndicator(
            { if (inAll > 0) (left.toFloat() / inAll).coerceIn(0f, 1f) else 0f },
            Modifier.fillMaxWidth().clearAndSetSemantics {},
            drawStopIndicator = {},
        )
        Text(told, Modifier.clearAndSetSemantics {}, style = MaterialTheme.typography.titleMedium)
    }
}

@Composable
private fun NumberField(digits: Int, number: String, enabled: Boolean, change: (String) -> Unit, done: () -> Unit) {
    Text(text(Sentence.QUESTION_TYPE_THE_NUMBER), style = MaterialTheme.typography.bodyLarge)
    OutlinedTextField(
        number,
        { typed -> change(typed.filter(Char::isDigit).take(digits)) },
        Modifier.fillMaxWidth().testTag("number"),
        enabled,
        textStyle = MaterialTheme.typography.headlineMedium,
        label = { Text(text(Sentence.QUESTION_NUMBER_LABEL)) },
        keyboardOptions = KeyboardOptions(keyboardType = KeyboardType.NumberPassword, imeAction = ImeAction.Done),
        keyboardActions = KeyboardActions(onDone = { if (number.length == digits) done() }),
        singleLine = true,
    )
}

/** NO and YES: the same size, the same weight, far enough apart for a thumb in the cold. */
@Composable
private fun Answers(enabled: Boolean, isTyped: Boolean, yes: () -> Unit, no: () -> Unit) =
    Row(Modifier.fillMaxWidth(), Arrangement.spacedBy(32.dp)) {
        val size = Modifier.weight(1f).heightIn(min = 88.dp)
        Answer(Sentence.QUESTION_NO, size, enabled, no)
        Answer(Sentence.QUESTION_YES, size, enabled && isTyped, yes)
    }

@Composable
private fun Answer(word: Sentence, size: Modifier, enabled: Boolean, answer: () -> Unit) {
    val scheme = MaterialTheme.colorScheme
    OutlinedButton(
        answer,
        size,
        enabled,
        colors = ButtonDefaults.outlinedButtonColors(contentColor = scheme.onSurface),
        border = BorderStroke(2.dp, if (enabled) scheme.onSurface else scheme.outlineVariant),
    ) { Text(text(word), fontWeight = FontWeight.Bold, style = MaterialTheme.typography.headlineMedium) }
}

@Composable
private fun Others(count: Int) {
    val told =
        when (count) {
            0 -> return
            1 -> Told(Sentence.QUESTION_MORE_ONE)
            else -> Told(Sentence.QUESTION_MORE_MANY, mapOf("count" to count.toString()))
        }
    Text(text(told), style = MaterialTheme.typography.bodyLarge)
}

@Composable
private fun Kept(state: RequestState.Kept, actions: RequestActions) = Page {
    Heading(text(Sentence.QUESTION_ANSWERING))
    Notice(Told(Sentence.ERROR_UNREACHABLE_ANSWER_KEPT))
    Fact(Sentence.QUESTION_WHO_ASKS, state.question.whoAsks)
    Fact(Sentence.QUESTION_ACCOUNT, state.question.accountName)
    Text(
        text(Told(Sentence.QUESTION_SECONDS_LEFT, mapOf("seconds" to state.secondsLeft.toString()))),
        style = MaterialTheme.typography.titleMedium,
    )
    state.code?.let {
        Notice(Told(Sentence.CODE_PHONE_OFFLINE))
        Fact(Sentence.CODE_HEADING, grouped(it))
    }
    state.told?.let { Notice(it) }
    Wide(Sentence.APP_TRY_AGAIN, !state.isTrying, actions::tryAgain)
    if (state.isRefused) {
        Text(text(R.string.kept_is_no), style = MaterialTheme.typography.bodyLarge)
    } else {
        Text(text(R.string.kept_no_explained), style = MaterialTheme.typography.bodyLarge)
        WideOutlined(R.string.kept_no_instead, !state.isTrying, actions::no)
    }
    WideOutlined(Sentence.APP_DONE, onClick = actions::leave)
    Quiet(Sentence.QUESTION_THIS_WAS_NOT_ME, !state.isTrying, actions::report)
}

@Composable
private fun Over(state: RequestState.Over, actions: RequestActions) = Page {
    Heading(text(state.told))
    state.question?.let {
        Fact(Sentence.QUESTION_WHO_ASKS, it.whoAsks)
        Fact(Sentence.QUESTION_ACCOUNT, it.accountName)
    }
    Spacer(Modifier.height(8.dp))
    state.next?.let { next ->
        Notice(Told(Sentence.QUESTION_MORE_ONE))
        Wide(Sentence.QUESTION_IS_THIS_YOU) { actions.goOn(next) }
    }
    WideOutlined(Sentence.APP_DONE, onClick = actions::leave)
    if (state.mayReport) {
        Column {
            Quiet(Sentence.QUESTION_THIS_WAS_NOT_ME, onClick = actions::report)
            Text(text(Sentence.QUESTION_REPORT_EXPLAINED), style = MaterialTheme.typography.bodyMedium)
        }
    }
}
