package io.github.countersign.android.lock

import androidx.compose.runtime.Composable
import io.github.countersign.Sentence
import io.github.countersign.android.look.Heading
import io.github.countersign.android.look.Page
import io.github.countersign.android.look.Wide
import io.github.countersign.android.look.text

/** In place of everything, while the app is locked. */
@Composable
fun LockScreen(open: () -> Unit) = Page {
    Heading(text(Sentence.APP_LOCKED))
    Wide(Sentence.APP_UNLOCK, onClick = open)
}
