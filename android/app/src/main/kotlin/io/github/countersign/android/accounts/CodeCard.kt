package io.github.countersign.android.accounts

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.size
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import io.github.countersign.Sentence
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.look.text
import io.github.countersign.android.words.Told

/** How long most codes last; the ring is full at this. */
private const val PERIOD = 30f

/** From here on the next code is shown as well. */
private const val NEARLY_OVER = 10L

/** A code with its ring: a tap copies it, or shows it first where codes are hidden. */
@Composable
fun CodeCard(shown: ShownCode, isHidden: Boolean, copy: (String) -> Unit) {
    var isOpen by rememberSaveable { mutableStateOf(!isHidden) }
    val words = LocalWords.current
    val label = words[if (isOpen) Sentence.APP_CODE_COPY_HINT else Sentence.APP_CODE_SHOW]
    val left = words[Told(Sentence.QUESTION_SECONDS_LEFT, mapOf("seconds" to shown.secondsLeft.toString()))]
    Row(
        Modifier.fillMaxWidth().heightIn(min = 64.dp).clickable(onClickLabel = label) {
            if (isOpen) copy(shown.code.code) else isOpen = true
        },
        Arrangement.SpaceBetween,
        Alignment.CenterVertically,
    ) {
        Column(Modifier.weight(1f)) {
            if (isOpen) {
                // A screen reader says the digits one by one.
                val spoken = "${shown.code.code.toList().joinToString(" ")}, $left"
                Text(
                    grouped(shown.code.code),
                    Modifier.semantics {
                        contentDescription = spoken
                    },
                    style = MaterialTheme.typography.displaySmall,
                )
                if (shown.secondsLeft <= NEARLY_OVER) {
                    val next = Told(Sentence.CODE_NEXT, mapOf("code" to grouped(shown.code.next)))
                    Text(
                        text(next),
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyLarge,
                    )
                }
            } else {
                Text(text(Sentence.APP_CODE_SHOW), style = MaterialTheme.typography.titleLarge)
            }
        }
        if (isOpen) Ring(shown.secondsLeft)
    }
}

@Composable
private fun Ring(left: Long) = Box(Modifier.size(48.dp).clearAndSetSemantics {}, Alignment.Center) {
    CircularProgressIndicator({ (left / PERIOD).coerceIn(0f, 1f) }, Modifier.size(48.dp), gapSize = 0.dp)
    Text(left.toString(), maxLines = 1, overflow = TextOverflow.Clip, style = MaterialTheme.typography.labelLarge)
}

/**
 * Digits in two halves, as people say them. What stands between them keeps them one number: with a common space the
 * halves would change places where words go from right to left.
 */
fun grouped(code: String): String =
    if (code.length < 6) code else code.chunked((code.length + 1) / 2).joinToString(NO_BREAK)

private const val NO_BREAK = "\u00A0"
