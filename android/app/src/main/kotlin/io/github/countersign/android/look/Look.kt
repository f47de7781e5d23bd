package io.github.countersign.android.look

import android.content.res.Configuration
import android.content.res.Resources
import android.text.TextUtils
import android.view.View
import androidx.annotation.StringRes
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.remember
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.Words
import io.github.countersign.android.words.tagOf
import java.util.Locale

/** The words of what is drawn. */
val LocalWords = staticCompositionLocalOf { Words(Language.ENGLISH, Locale.UK) }

/** A sentence in the person's language. */
@Composable
fun text(which: Sentence): String = LocalWords.current[which]

/** The same with values. */
@Composable
fun text(told: Told): String = LocalWords.current[told]

/** The texts of this app alone, in the same language. */
private val LocalTexts = staticCompositionLocalOf<Resources> { error("nothing is drawn outside of Look") }

/** A text of this app alone, with the values of its places. */
@Composable
fun text(@StringRes which: Int, vararg values: Any): String = LocalTexts.current.getString(which, *values)

// One accent colour; everything else is ink and paper, at more than 7 to 1.
private val light =
    lightColorScheme(
        primary = Color(
            0xFF0B4A63,
        ),
        onPrimary = Color.White, primaryContainer = Color(0xFFE3EFF4), onPrimaryContainer = Color(0xFF0B4A63),
        secondary = Color(
            0xFF3E4C59,
        ),
        onSecondary = Color.White, secondaryContainer = Color(0xFFE3EFF4), onSecondaryContainer = Color(0xFF0F1B26),
        background = Color.White,
        onBackground = Color(
            0xFF0F1B26,
        ),
        surface = Color.White, onSurface = Color(0xFF0F1B26),
        surfaceVariant = Color(0xFFF4F6F8), onSurfaceVariant = Color(0xFF3E4C59), surfaceContainer = Color(0xFFF4F6F8),
        surfaceContainerHigh = Color(
            0xFFEEF1F4,
        ),
        surfaceContainerHighest = Color(0xFFE3E8EC), surfaceContainerLow = Color(0xFFF8FAFB),
        outline = Color(
            0xFF6B7A86,
        ),
        outlineVariant = Color(0xFFD9E0E6), error = Color(0xFF8F1D2C), onError = Color.White,
    )

private val dark =
    darkColorScheme(
        primary = Color(
            0xFF93D0E8,
        ),
        onPrimary = Color(0xFF08222D), primaryContainer = Color(0xFF16303C), onPrimaryContainer = Color(0xFF93D0E8),
        secondary = Color(
            0xFFC0CCD4,
        ),
        onSecondary = Color(
            0xFF0B1116,
        ),
        secondaryContainer = Color(0xFF16303C), onSecondaryContainer = Color(0xFFEFF4F7),
        background = Color(
            0xFF0B1116,
        ),
        onBackground = Color(0xFFEFF4F7), surface = Color(0xFF0B1116), onSurface = Color(0xFFEFF4F7),
        surfaceVariant = Color(0xFF162028), onSurfaceVariant = Color(0xFFC0CCD4), surfaceContainer = Color(0xFF10181E),
        surfaceContainerHigh = Color(
            0xFF162028,
        ),
        surfaceContainerHighest = Color(0xFF1D2932), surfaceContainerLow = Color(0xFF0E151B),
        outline = Color(
            0xFF83939E,
        ),
        outlineVariant = Color(0xFF2C3943), error = Color(0xFFFFB0B6), onError = Color(0xFF3D171C),
    )

/** Light or dark, as the person chose. */
enum class Appearance { SYSTEM, LIGHT, DARK }

/** How everything looks, and in which words. */
@Composable
fun Look(words: Words, appearance: Appearance = Appearance.SYSTEM, content: @Composable () -> Unit) {
    val isDark =
        when (appearance) {
            Appearance.SYSTEM -> isSystemInDarkTheme()
            Appearance.LIGHT -> false
            Appearance.DARK -> true
        }
    MaterialTheme(colorScheme = if (isDark) dark else light) {
        CompositionLocalProvider(
            LocalWords provides words,
            LocalTexts provides textsIn(words),
            LocalLayoutDirection provides directionOf(words.locale),
        ) {
            Surface(content = content)
        }
    }
}

// In the language of the words, which may be another than the system's.
@Composable
private fun textsIn(words: Words): Resources {
    val context = LocalContext.current
    val configuration = LocalConfiguration.current
    return remember(words.language, context, configuration) {
        val spoken = Configuration(configuration).apply { setLocale(Locale.forLanguageTag(tagOf(words.language))) }
        context.createConfigurationContext(spoken).resources
    }
}

// Where the words go, and not where those of the system would: it may speak a language that the app does not.
private fun directionOf(locale: Locale): LayoutDirection =
    if (TextUtils.getLayoutDirectionFromLocale(locale) == View.LAYOUT_DIRECTION_RTL) {
        LayoutDirection.Rtl
    } else {
        LayoutDirection.Ltr
    }

/** The space around what is on a screen. */
val margin = 24.dp

/** No line is longer than this, however wide the tablet. */
val widest = 560.dp
