package io.github.countersign.android

import androidx.compose.runtime.Composable
import io.github.countersign.AccountState
import io.github.countersign.Language
import io.github.countersign.Outcome
import io.github.countersign.Sentence
import io.github.countersign.android.account.AccountActions
import io.github.countersign.android.account.AccountDetails
import io.github.countersign.android.account.AccountScreen
import io.github.countersign.android.accounts.AccountsActions
import io.github.countersign.android.accounts.AccountsScreen
import io.github.countersign.android.add.AddActions
import io.github.countersign.android.add.AddFields
import io.github.countersign.android.add.AddScreen
import io.github.countersign.android.add.AddState
import io.github.countersign.android.add.FilePlace
import io.github.countersign.android.codes.CodesActions
import io.github.countersign.android.codes.CodesScreen
import io.github.countersign.android.codes.CodesState
import io.github.countersign.android.core.Loaded
import io.github.countersign.android.export.ExportFields
import io.github.countersign.android.export.ExportScreen
import io.github.countersign.android.export.ExportState
import io.github.countersign.android.history.HistoryScreen
import io.github.countersign.android.lock.LockScreen
import io.github.countersign.android.look.Appearance
import io.github.countersign.android.questions.QuestionsScreen
import io.github.countersign.android.questions.QuestionsState
import io.github.countersign.android.questions.Waiting
import io.github.countersign.android.request.RequestActions
import io.github.countersign.android.request.RequestScreen
import io.github.countersign.android.request.RequestState
import io.github.countersign.android.settings.Choices
import io.github.countersign.android.settings.NotificationsOff
import io.github.countersign.android.settings.SettingsActions
import io.github.countersign.android.settings.SettingsScreen
import io.github.countersign.android.settings.SettingsState
import io.github.countersign.android.words.Told
import io.github.countersign.sentenceForOutcome

/** Every screen in the states that a person may see. */
object Gallery {
    private fun asking(
        digits: Int? = null,
        others: Int = 0,
        message: String? = null,
        left: Long = 42,
        told: Told? = null,
        isAnswering: Boolean = false,
    ) = RequestState.Asking(Samples.question(message, digits), left, 60, others, isAnswering, told)

    private fun over(outcome: Outcome, mayReport: Boolean = true) =
        RequestState.Over(Told(sentenceForOutcome(outcome)), Samples.question(), mayReport)

    private fun request(state: RequestState): @Composable () -> Unit = { RequestScreen(state, NoRequest) }

    private val details = AccountDetails(Loaded.There(Samples.account()), Loaded.There(Samples.devices))
    private val settings =
        SettingsState(
            Choices(mustConfirm = true),
            areNotificationsAllowed = true,
            isBatteryExempt = true,
            push = Told(Sentence.APP_PUSH_GOOGLE),
        )
    private val pull =
        settings.copy(
            areNotificationsAllowed = false,
            isBatteryExempt = false,
            push = Told(Sentence.APP_PUSH_PULL),
            told = Told(Sentence.APP_NO_SCREEN_LOCK),
            needsScreenLock = true,
        )
    private val waiting =
        listOf(
            Waiting(Samples.question(), false),
            Waiting(Samples.question("Order 4711"), true),
            Waiting(Samples.question("Order 4712"), isAnswering = true, isRefused = true),
        )
    private val failed = Loaded.Failed(Told(Sentence.ACCOUNT_RESTORED_STORE))

    /** By their names. */
    val screens: Map<String, @Composable () -> Unit> =
        mapOf(
            "welcome" to { AccountsScreen(Loaded.There(emptyList()), false, null, NoAccounts) },
            "accounts" to { AccountsScreen(Loaded.There(Samples.rows), false, null, NoAccounts) },
            "accounts-hidden-unheard" to
                { AccountsScreen(Loaded.There(Samples.rows.take(2)), true, { NotificationsOff {} }, NoAccounts) },
            "accounts-restored" to { AccountsScreen(failed, false, null, NoAccounts) },
            "add" to { AddScreen(AddState.Choosing(), AddFields(), NoAdd) },
            "add-refused" to { AddScreen(AddState.Choosing(Told(Sentence.ERROR_LINK_USED)), AddFields(), NoAdd) },
            "add-digits" to
                {
                    AddScreen(
                        AddState.Digits(Samples.account(state = AccountState.Proposed("042917")), "042917"),
                        AddFields(),
                        NoAdd,
                    )
                },
            "add-found" to { AddScreen(AddState.Found("", Samples.found), AddFields(), NoAdd) },
            "add-opening" to { AddScreen(AddState.Opening(), AddFields(), NoAdd) },
            "add-password" to { AddScreen(AddState.Password(Told(Sentence.LINK_PASSWORD_NEEDED)), AddFields(), NoAdd) },
            "add-password-wrong" to
                { AddScreen(AddState.Password(Told(Sentence.LINK_WRONG_PASSWORD)), AddFields(), NoAdd) },
            "add-found-in-file" to { AddScreen(AddState.FoundInFile(Samples.foundInFile), AddFields(), NoAdd) },
            "add-password-of-several" to
                {
                    val state = AddState.Password(Told(Sentence.LINK_PASSWORD_NEEDED), FilePlace(2, 5, "aegis.json"))
                    AddScreen(state, AddFields(), NoAdd)
                },
            "add-found-in-files" to
                { AddScreen(AddState.FoundInFiles(Samples.foundInFiles, 3), AddFields(), NoAdd) },
            "add-kept-files" to { AddScreen(AddState.KeptFiles(Samples.keptFiles, 0), AddFields(), NoAdd) },
            "add-done" to { AddScreen(AddState.Done(Told(Sentence.ACCOUNT_READY)), AddFields(), NoAdd) },
            "request" to request(asking()),
            "request-details" to request(asking(message = "Pay for order 4711", others = 1)),
            "request-move" to request(RequestState.Asking(Samples.moveQuestion(), 150, 180, 0)),
            "request-rehearsal" to request(RequestState.Asking(Samples.rehearsalQuestion(), 150, 180, 0)),
            "request-number" to request(asking(digits = 2, others = 1)),
            "request-changed" to request(asking(digits = 6, told = Told(Sentence.QUESTION_CHANGED), left = 9)),
            "request-answering" to request(asking(isAnswering = true)),
            "request-unconfirmed" to request(asking(told = Told(Sentence.ERROR_NOT_CONFIRMED))),
            "request-kept" to request(RequestState.Kept(Samples.question(), 31, code = "492039")),
            "request-kept-no" to request(RequestState.Kept(Samples.question(), 31, isRefused = true)),
            "request-approved" to request(over(Outcome.APPROVED)),
            "request-denied" to request(over(Outcome.DENIED)),
            "request-reported" to request(over(Outcome.REPORTED, mayReport = false)),
            "request-wrong-number" to request(over(Outcome.WRONG_NUMBER)),
            "request-elsewhere" to request(over(Outcome.ALREADY_ANSWERED)),
            "request-expired" to request(over(Outcome.EXPIRED)),
            "request-withdrawn" to request(over(Outcome.CANCELLED)),
            "request-unknown" to request(RequestState.Over(Told(Sentence.ERROR_UNKNOWN_REQUEST), null, false)),
            "request-key-gone" to request(asking(told = Told(Sentence.ERROR_KEY_INVALIDATED))),
            "questions-none" to
                {
                    QuestionsScreen(
                        QuestionsState(
                            Loaded.There(emptyList()),
                            told = Told(Sentence.ACCOUNT_NOTHING_NEW),
                        ),
                        {},
                        {},
                        {},
                    )
                },
            "questions" to { QuestionsScreen(QuestionsState(Loaded.There(waiting)), {}, {}, {}) },
            "codes-none" to { CodesScreen(CodesState(Loaded.There(emptyList())), false, NoCodes) },
            "codes" to
                {
                    CodesScreen(
                        CodesState(Loaded.There(Samples.foreign), counted = mapOf("f2" to "755224")),
                        false,
                        NoCodes,
                    )
                },
            "codes-grouped" to { CodesScreen(CodesState(Loaded.There(Samples.inGroups)), true, NoCodes) },
            "codes-not-found" to
                { CodesScreen(CodesState(Loaded.There(Samples.foreign), found = emptySet()), false, NoCodes) },
            "export" to { ExportScreen(ExportState.Asking(), ExportFields(), {}) {} },
            "export-short" to
                { ExportScreen(ExportState.Asking(Told(Sentence.ERROR_SHORT_PASSWORD)), ExportFields(), {}) {} },
            "export-failed" to
                { ExportScreen(ExportState.Asking(Told(Sentence.APP_EXPORT_FAILED)), ExportFields(), {}) {} },
            "export-done" to { ExportScreen(ExportState.Done, ExportFields(), {}) {} },
            "history-none" to { HistoryScreen(Loaded.There(emptyList()), {}, {}) },
            "history" to { HistoryScreen(Loaded.There(Samples.past), {}, {}) },
            "account" to { AccountScreen(details, NoAccount) },
            "account-offline" to
                {
                    AccountScreen(
                        details.copy(
                            devices = Loaded.Failed(Told(Sentence.ERROR_UNREACHABLE)),
                            notRemoved = Told(Sentence.ERROR_UNREACHABLE),
                        ),
                        NoAccount,
                    )
                },
            "account-removed" to { AccountScreen(details.copy(isGone = true), NoAccount) },
            "settings" to { SettingsScreen(settings, NoSettings) },
            "settings-pull" to { SettingsScreen(pull, NoSettings) },
            "lock" to { LockScreen {} },
        )

    private object NoRequest : RequestActions {
        override fun yes(number: String?) = Unit

        override fun no() = Unit

        override fun report() = Unit

        override fun tryAgain() = Unit

        override fun goOn(challenge: String) = Unit

        override fun leave() = Unit
    }

    private object NoAccounts : AccountsActions {
        override fun beginAnew() = Unit

        override fun copy(code: String) = Unit

        override fun open(account: String) = Unit

        override fun add() = Unit

        override fun tryAgain() = Unit
    }

    private object NoAdd : AddActions {
        override fun scan() = Unit

        override fun picture() = Unit

        override fun file() = Unit

        override fun openFile(password: String) = Unit

        override fun leaveOutFile() = Unit

        override fun take(text: String) = Unit

        override fun takeKey(key: String, service: String, account: String) = Unit

        override fun keep() = Unit

        override fun startAgain() = Unit

        override fun systemSettings() = Unit

        override fun leave() = Unit
    }

    /** Does nothing. */
    internal object NoCodes : CodesActions {
        override fun copy(code: String) = Unit

        override fun next(id: String) = Unit

        override fun remove(id: String) = Unit

        override fun rename(id: String, issuer: String, account: String) = Unit

        override fun group(id: String, group: String) = Unit

        override fun move(id: String, isUp: Boolean) = Unit

        override fun search(text: String) = Unit

        override fun add() = Unit

        override fun export() = Unit

        override fun tryAgain() = Unit
    }

    private object NoAccount : AccountActions {
        override fun tryAgain() = Unit

        override fun remove() = Unit

        override fun forget() = Unit

        override fun leave() = Unit
    }

    private object NoSettings : SettingsActions {
        override fun lock(isWanted: Boolean) = Unit

        override fun confirmEach(isWanted: Boolean) = Unit

        override fun hideCodes(isWanted: Boolean) = Unit

        override fun speak(language: Language?) = Unit

        override fun look(appearance: Appearance) = Unit

        override fun allowNotifications() = Unit

        override fun exemptFromBattery() = Unit

        override fun screenLock() = Unit

        override fun copyDiagnostics() = Unit
    }
}
