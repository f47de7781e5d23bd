package io.github.countersign.android

import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.rememberCoroutineScope
import io.github.countersign.AuthenticatorException
import io.github.countersign.Language
import io.github.countersign.Sentence
import io.github.countersign.android.account.AccountActions
import io.github.countersign.android.account.AccountScreen
import io.github.countersign.android.accounts.AccountsActions
import io.github.countersign.android.accounts.AccountsScreen
import io.github.countersign.android.add.AddActions
import io.github.countersign.android.add.AddScreen
import io.github.countersign.android.add.AddState
import io.github.countersign.android.codes.CodesActions
import io.github.countersign.android.codes.CodesScreen
import io.github.countersign.android.export.ExportScreen
import io.github.countersign.android.export.ExportState
import io.github.countersign.android.history.HistoryScreen
import io.github.countersign.android.look.Appearance
import io.github.countersign.android.look.LocalWords
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.questions.QuestionsScreen
import io.github.countersign.android.request.RequestActions
import io.github.countersign.android.request.RequestModel
import io.github.countersign.android.request.RequestScreen
import io.github.countersign.android.scan.ScanScreen
import io.github.countersign.android.settings.NotificationsOff
import io.github.countersign.android.settings.SettingsActions
import io.github.countersign.android.settings.SettingsScreen
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import kotlinx.coroutines.launch

/** The screen of a place, with its model. */
@Composable
fun Destination(here: Place, around: Surroundings) = when (here) {
    Place.Accounts -> Accounts(around)
    Place.Questions -> Questions(around)
    Place.Codes -> Codes(around)
    Place.Export -> Export(around)
    Place.History -> History(around)
    Place.Settings -> Settings(around)
    Place.Add, is Place.Link -> Add(around)
    Place.Scan -> Scan(around)
    is Place.Request -> Request(here, around)
    is Place.Account -> Account(here, around)
}

/** Copies a code, and says that it will go. */
@Composable
private fun copying(around: Surroundings): (String) -> Unit {
    val scope = rememberCoroutineScope()
    val words = LocalWords.current
    return { code ->
        around.parts.clipboard.copyCode(code)
        scope.launch { around.snackbars.showSnackbar(words[Sentence.APP_CODE_COPIED]) }
    }
}

@Composable
private fun Accounts(around: Surroundings) {
    val model = around.session.accounts()
    val state by model.state.collectAsState()
    val settings by around.session.settings().state.collectAsState()
    val scope = rememberCoroutineScope()
    val copy = copying(around)
    val warning: (@Composable () -> Unit)? = { NotificationsOff(around.system::allowNotifications) }
    AccountsScreen(
        state,
        settings.choices.areCodesHidden,
        warning.takeUnless { settings.areNotificationsAllowed },
        object : AccountsActions {
            override fun copy(code: String) = copy(code)

            override fun open(account: String) = around.session.navigator.go(Place.Account(account))

            override fun add() = adding(around)

            override fun tryAgain() {
                scope.launch { model.read() }
            }

            override fun beginAnew() {
                around.parts.scope.launch { around.parts.beginAnew() }
            }
        },
    )
}

private fun adding(around: Surroundings) {
    around.session.add.startAgain()
    around.session.navigator.go(Place.Add)
}

@Composable
private fun Questions(around: Surroundings) {
    val model = around.session.questions()
    val state by model.state.collectAsState()
    QuestionsScreen(state, model::check, model::takeBack) { around.session.navigator.go(Place.Request(it)) }
}

@Composable
private fun Codes(around: Surroundings) {
    val model = around.session.codes()
    val state by model.state.collectAsState()
    val choices by around.parts.settings.choices.collectAsState()
    val scope = rememberCoroutineScope()
    val copy = copying(around)
    CodesScreen(
        state,
        choices.areCodesHidden,
        object : CodesActions {
            override fun copy(code: String) = copy(code)

            override fun next(id: String) = model.next(id)

            override fun remove(id: String) = model.remove(id)

            override fun rename(id: String, issuer: String, account: String) = model.rename(id, issuer, account)

            override fun group(id: String, group: String) = model.group(id, group)

            override fun move(id: String, isUp: Boolean) = model.move(id, isUp)

            override fun search(text: String) = model.search(text)

            override fun add() = adding(around)

            override fun export() = around.session.navigator.go(Place.Export)

            override fun tryAgain() {
                scope.launch { model.read() }
            }
        },
    )
}

@Composable
private fun Export(around: Surroundings) {
    val model = around.session.export()
    val state by model.state.collectAsState()
    // Each sealed export is asked a place for once, also where the phone is turned meanwhile.
    LaunchedEffect(state) {
        if (model.mayChoose()) (state as? ExportState.Choosing)?.let { around.system.createDocument(it.name) }
    }
    ExportScreen(state, model.typed, model::seal) { around.session.navigator.back() }
}

@Composable
private fun History(around: Surroundings) {
    val model = around.session.history()
    val state by model.state.collectAsState()
    val scope = rememberCoroutineScope()
    HistoryScreen(state, { around.session.navigator.go(Place.Request(it)) }) { scope.launch { model.read() } }
}

@Composable
private fun Add(around: Surroundings) {
    val model = around.session.add
    val state by model.state.collectAsState()
    val isDone = state is AddState.Done
    // The first account is the moment when notifications make sense.
    LaunchedEffect(isDone) {
        if (isDone && !around.parts.notices.areAllowed() &&
            !around.parts.settings.choices.value.wasAskedForNotifications
        ) {
            around.system.allowNotifications()
        }
    }
    AddScreen(
        state,
        model.typed,
        object : AddActions {
            override fun scan() = around.system.scan()

            override fun picture() = around.system.choosePicture()

            override fun file() = around.system.chooseFile()

            override fun openFile(password: String) = model.openFile(password)

            override fun leaveOutFile() = model.leaveOutFile()

            override fun take(text: String) = model.take(text)

            override fun takeKey(key: String, service: String, account: String) = model.takeKey(key, service, account)

            override fun keep() = model.keep()

            override fun startAgain() = model.startAgain()

            override fun systemSettings() = around.system.open(around.system.screenLockSettings())

            override fun leave() = around.session.navigator.go(Place.Accounts)
        },
    )
}

@Composable
private fun Scan(around: Surroundings) {
    val session = around.session
    val leave: (() -> Unit) -> Unit = { then ->
        then()
        session.navigator.replace(Place.Add)
    }
    ScanScreen(
        around.parts::camera,
        { text -> leave { session.add.take(text) } },
        { leave { session.add.say(Sentence.APP_CAMERA_FAILED) } },
        { leave { } },
    )
}

@Composable
private fun Request(here: Place.Request, around: Surroundings) {
    val model = around.session.request(here)
    val state by model.state.collectAsState()
    RequestScreen(state, actionsOf(model, around))
}

private fun actionsOf(model: RequestModel, around: Surroundings) = object : RequestActions {
    override fun yes(number: String?) = model.yes(number)

    override fun no() = model.no()

    override fun report() = model.report()

    override fun tryAgain() = model.tryAgain()

    override fun goOn(challenge: String) = around.session.navigator.replace(Place.Request(challenge))

    override fun leave() {
        if (!around.session.navigator.back()) around.session.navigator.go(Place.Accounts)
    }
}

@Composable
private fun Account(here: Place.Account, around: Surroundings) {
    val model = around.session.account(here)
    val state by model.state.collectAsState()
    AccountScreen(
        state,
        object : AccountActions {
            override fun tryAgain() = model.read()

            override fun remove() = model.remove()

            override fun forget() = model.forget()

            override fun leave() = around.session.navigator.go(Place.Accounts)
        },
    )
}

@Composable
private fun Settings(around: Surroundings) {
    val model = around.session.settings()
    val state by model.state.collectAsState()
    val scope = rememberCoroutineScope()
    val words = LocalWords.current
    val system = around.system
    val app = around.parts.context.packageName
    SettingsScreen(
        state,
        object : SettingsActions {
            override fun lock(isWanted: Boolean) = model.lock(isWanted)

            override fun confirmEach(isWanted: Boolean) = model.confirmEach(isWanted)

            override fun hideCodes(isWanted: Boolean) = model.hideCodes(isWanted)

            override fun speak(language: Language?) = model.speak(language)

            override fun look(appearance: Appearance) = model.look(appearance)

            override fun allowNotifications() = system.allowNotifications()

            override fun exemptFromBattery() = system.open(system.batterySettings(app))

            override fun screenLock() = system.open(system.screenLockSettings())

            override fun copyDiagnostics() {
                scope.launch {
                    val told =
                        try {
                            around.parts.clipboard.copyText(model.diagnostics())
                            Told(Sentence.APP_COPIED)
                        } catch (failure: AuthenticatorException) {
                            failure.told()
                        }
                    around.snackbars.showSnackbar(words[told])
                }
            }
        },
    )
}
