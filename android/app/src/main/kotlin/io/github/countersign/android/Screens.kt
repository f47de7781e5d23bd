package io.github.countersign.android

import androidx.activity.compose.BackHandler
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.NavigationBar
import androidx.compose.material3.NavigationBarItem
import androidx.compose.material3.Scaffold
import androidx.compose.material3.SnackbarHost
import androidx.compose.material3.SnackbarHostState
import androidx.compose.material3.Text
import androidx.compose.material3.TopAppBar
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import io.github.countersign.Sentence
import io.github.countersign.android.lock.LockScreen
import io.github.countersign.android.look.Look
import io.github.countersign.android.look.text
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.navigation.tabs
import io.github.countersign.android.platform.SystemScreens
import io.github.countersign.android.words.wordsFor
import java.util.Locale

/** Everything that is drawn: the lock, or the place where the person is. */
@Composable
fun Screens(parts: Parts, session: Session, system: SystemScreens) {
    val choices by parts.settings.choices.collectAsState()
    val locales = LocalConfiguration.current.locales
    val words =
        remember(choices.language, locales) {
            wordsFor(choices.language, (0 until locales.size()).map<Int, Locale>(locales::get))
        }
    val isLocked by parts.lock.isLocked.collectAsState()
    Look(words, choices.appearance) {
        if (isLocked) {
            Scaffold { edges -> Inside(Modifier.padding(edges)) { LockScreen { parts.lock.open(parts.scope) } } }
            LaunchedEffect(Unit) { parts.lock.open(parts.scope) }
        } else {
            Unlocked(parts, session, system)
        }
    }
}

@Composable
private fun Unlocked(parts: Parts, session: Session, system: SystemScreens) {
    val places by session.navigator.places.collectAsState()
    val here = places.last()
    val snackbars = remember { SnackbarHostState() }
    BackHandler(places.size > 1) { session.navigator.back() }
    Scaffold(
        topBar = { Bar(here, places.size > 1 && here !in tabs, session) },
        bottomBar = { if (here in tabs) Tabs(here, session) },
        snackbarHost = { SnackbarHost(snackbars) },
    ) { edges ->
        Inside(Modifier.padding(edges)) { Destination(here, Surroundings(parts, session, system, snackbars)) }
    }
}

/** What the screens stand in. */
class Surroundings(val parts: Parts, val session: Session, val system: SystemScreens, val snackbars: SnackbarHostState)

@Composable
private fun Inside(modifier: Modifier, content: @Composable () -> Unit) =
    androidx.compose.foundation.layout.Box(modifier) { content() }

@OptIn(ExperimentalMaterial3Api::class)
@Composable
private fun Bar(here: Place, mayGoBack: Boolean, session: Session) = TopAppBar(
    title = { if (here in tabs) Text(text(nameOf(here))) },
    navigationIcon = {
        if (mayGoBack) {
            IconButton({ session.navigator.back() }) { Icon(painterResource(R.drawable.back), text(Sentence.APP_BACK)) }
        }
    },
    actions = {
        if (here in tabs) {
            IconButton({
                session.navigator.go(Place.Settings)
            }) { Icon(painterResource(R.drawable.settings), text(Sentence.APP_SETTINGS)) }
        }
    },
)

@Composable
private fun Tabs(here: Place, session: Session) = NavigationBar {
    for (tab in tabs) {
        NavigationBarItem(
            here == tab,
            { session.navigator.go(tab) },
            { Icon(painterResource(iconOf(tab)), null) },
            Modifier.testTag("tab"),
            label = { Text(text(nameOf(tab)), maxLines = 1) },
        )
    }
}

private fun nameOf(tab: Place): Sentence = when (tab) {
    Place.Questions -> Sentence.APP_QUESTIONS
    Place.Codes -> Sentence.APP_CODES_OF_OTHERS
    Place.History -> Sentence.ACCOUNT_HISTORY
    else -> Sentence.ACCOUNT_HEADING
}

private fun iconOf(tab: Place): Int = when (tab) {
    Place.Questions -> R.drawable.questions
    Place.Codes -> R.drawable.codes
    Place.History -> R.drawable.history
    else -> R.drawable.accounts
}
