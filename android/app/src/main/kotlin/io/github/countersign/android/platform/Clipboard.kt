package io.github.countersign.android.platform

import android.content.ClipData
import android.content.ClipDescription
import android.content.ClipboardManager
import android.content.Context
import android.os.PersistableBundle
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

private const val LABEL = "code"

/** How long a code stays, in milliseconds. */
const val CODE_STAYS = 60_000L

/** Where codes are copied to. */
interface Clipboard {
    /** Copies a code, which leaves the clipboard after a minute. */
    fun copyCode(code: String)

    /** Copies a text that is no secret. */
    fun copyText(text: String)
}

/** The system's clipboard. A code is marked as sensitive, so that no keyboard and no preview shows it. */
class SystemClipboard(context: Context, private val scope: CoroutineScope) : Clipboard {
    private val clipboard = context.getSystemService(ClipboardManager::class.java)
    private var leaving: Job? = null

    override fun copyCode(code: String) {
        val clip = ClipData.newPlainText(LABEL, code)
        // The name of the constant that Android 13 brought; earlier versions of keyboards know it as well.
        clip.description.extras = PersistableBundle().apply { putBoolean("android.content.extra.IS_SENSITIVE", true) }
        clipboard.setPrimaryClip(clip)
        leaving?.cancel()
        leaving =
            scope.launch {
                delay(CODE_STAYS)
                clear()
            }
    }

    override fun copyText(text: String) = clipboard.setPrimaryClip(ClipData.newPlainText("", text))

    /** Takes the code away, and nothing that was copied since. */
    internal fun clear() {
        val label = clipboard.primaryClipDescription ?: return
        if (label.label == LABEL &&
            label.hasMimeType(ClipDescription.MIMETYPE_TEXT_PLAIN)
        ) {
            clipboard.clearPrimaryClipFrom()
        }
    }
}

private fun ClipboardManager.clearPrimaryClipFrom() =
    if (android.os.Build.VERSION.SDK_INT >= 28) clearNow(this) else setPrimaryClip(ClipData.newPlainText("", ""))

@androidx.annotation.RequiresApi(28)
private fun clearNow(clipboard: ClipboardManager) = clipboard.clearPrimaryClip()
