//! The table of sentences: what each is for, its variant and its key in the files of `core/device/sentences/`.
//!
//! It is in three parts, in the order of the files: what phones say everywhere, what the sign-in pages say, and what
//! only the apps say.

mod app;
mod pages;

/// Gives the table to another macro, `then! { #[doc] Variant = "key", … }`. Documentation that names `{placeholders}`
/// says what goes in their place.
#[macro_export]
macro_rules! each_sentence {
    ($then:ident) => {
        $crate::each_sentence_of_phones! { each_sentence_with_those_of_pages $then }
    };
}

/// The same without what only pages say, so that the facade for the apps declares the same sentences without a second
/// list. A facade's enum has room for 256.
#[macro_export]
macro_rules! each_sentence_for_apps {
    ($then:ident) => {
        $crate::each_sentence_of_phones! { each_sentence_with_those_of_the_app $then }
    };
}

/// Gives the next part what phones say everywhere.
#[doc(hidden)]
#[macro_export]
macro_rules! each_sentence_of_phones {
    ($next:ident $then:ident) => {
        $crate::$next! {
            $then
            /// The one question of the screen, and the title of the notification.
            QuestionIsThisYou = "question_is_this_you",
            /// The question whose YES lets another phone take over.
            QuestionMove = "question_move",
            /// Below it: what YES does.
            QuestionMoveExplained = "question_move_explained",
            /// The question whose YES makes this new phone take over.
            QuestionRehearsal = "question_rehearsal",
            /// Below it: what YES does.
            QuestionRehearsalExplained = "question_rehearsal_explained",
            /// The body of the notification, and what a screen reader says when the question comes.
            QuestionAnnouncement = "question_announcement",
            /// Label of the relying party's name.
            QuestionWhoAsks = "question_who_asks",
            /// Label of the relying party's own sentence, such as what is paid.
            QuestionForWhat = "question_for_what",
            /// Label of the account's name.
            QuestionAccount = "question_account",
            /// Label of the place or address.
            QuestionPlace = "question_place",
            /// Label of the browser and system.
            QuestionBrowser = "question_browser",
            /// Browser and system: `{browser}` is `Firefox`, `{system}` is `Linux`.
            QuestionBrowserOnSystem = "question_browser_on_system",
            /// In place of a place or browser that nobody told.
            QuestionNotKnown = "question_not_known",
            /// Label of the time of day of the request.
            QuestionAskedAt = "question_asked_at",
            /// Label of the countdown.
            QuestionTimeLeft = "question_time_left",
            /// A countdown of a request or a code by itself: `{seconds}` is a whole number.
            QuestionSecondsLeft = "question_seconds_left",
            /// The button that approves.
            QuestionYes = "question_yes",
            /// The button that denies.
            QuestionNo = "question_no",
            /// The button that reports, beside NO.
            QuestionThisWasNotMe = "question_this_was_not_me",
            /// What that button does, before it is pressed.
            QuestionReportExplained = "question_report_explained",
            /// Under the question, where the policy asks for the number.
            QuestionTypeTheNumber = "question_type_the_number",
            /// Label of the field for the number.
            QuestionNumberLabel = "question_number_label",
            /// Why each of two questions asks for its number.
            QuestionOverlap = "question_overlap",
            /// After a YES without a number, when another request came in between and the number is needed.
            QuestionChanged = "question_changed",
            /// One other question waits behind this one.
            QuestionMoreOne = "question_more_one",
            /// Others wait behind this one: `{count}` is two or more.
            QuestionMoreMany = "question_more_many",
            /// What the system's fingerprint or face dialogue says: `{relying_party}` is who asks.
            QuestionConfirmYes = "question_confirm_yes",
            /// Answered, and the server has not been heard yet.
            QuestionAnswering = "question_answering",

            /// This phone approved.
            OutcomeApproved = "outcome_approved",
            /// The same in the history.
            OutcomeApprovedShort = "outcome_approved_short",
            /// This phone denied.
            OutcomeDenied = "outcome_denied",
            /// The same in the history.
            OutcomeDeniedShort = "outcome_denied_short",
            /// The person's other phone was faster.
            OutcomeAlreadyAnswered = "outcome_already_answered",
            /// A typed code was faster, or it is not known what was.
            OutcomeAnsweredElsewhere = "outcome_answered_elsewhere",
            /// Either of the two in the history.
            OutcomeAlreadyAnsweredShort = "outcome_already_answered_short",
            /// A code was typed on the page.
            OutcomeAnsweredByCode = "outcome_answered_by_code",
            /// The same in the history.
            OutcomeAnsweredByCodeShort = "outcome_answered_by_code_short",
            /// Nobody answered in time.
            OutcomeExpired = "outcome_expired",
            /// The same in the history.
            OutcomeExpiredShort = "outcome_expired_short",
            /// The relying party cancelled.
            OutcomeCancelled = "outcome_cancelled",
            /// The same in the history.
            OutcomeCancelledShort = "outcome_cancelled_short",
            /// This phone reported.
            OutcomeReported = "outcome_reported",
            /// The same in the history.
            OutcomeReportedShort = "outcome_reported_short",
            /// Another number was typed than the page shows.
            OutcomeWrongNumber = "outcome_wrong_number",
            /// The same in the history.
            OutcomeWrongNumberShort = "outcome_wrong_number_short",
            /// Approved, and nobody claimed the approval in time.
            OutcomeLapsed = "outcome_lapsed",
            /// The same in the history.
            OutcomeLapsedShort = "outcome_lapsed_short",
            /// Approved, and the approval was cancelled, reported or lost its phone before the claim.
            OutcomeRevoked = "outcome_revoked",
            /// The same in the history.
            OutcomeRevokedShort = "outcome_revoked_short",

            /// On page and phone, past the limit of prompts.
            LimitNoMorePrompts = "limit_no_more_prompts",
            /// On page and phone, after a report.
            LimitPromptsStopped = "limit_prompts_stopped",
            /// The button that ends that.
            LimitAllowAgain = "limit_allow_again",
            /// After that button.
            LimitPromptsResumed = "limit_prompts_resumed",

            /// Above the account's code on the phone.
            CodeHeading = "code_heading",
            /// Label of the page's field for a code.
            CodeLabel = "code_label",
            /// Near the end of a code: `{code}` is the one that follows.
            CodeNext = "code_next",
            /// The page's button for a code in place of the phone's answer.
            CodeTypeInstead = "code_type_instead",
            /// Page, after a code.
            CodeWrong = "code_wrong",
            /// Page, after a code that was right once.
            CodeUsedBefore = "code_used_before",
            /// Page, after a code of another time: the clock of what shows it seems `{seconds}` seconds behind.
            CodeAppClockBehind = "code_app_clock_behind",
            /// The same where it seems `{seconds}` seconds ahead.
            CodeAppClockAhead = "code_app_clock_ahead",
            /// Page, after several wrong codes: `{seconds}` is how long the server takes none.
            CodeThrottled = "code_throttled",
            /// Page, when no more codes are taken.
            CodeLocked = "code_locked",
            /// Phone, without a network.
            CodePhoneOffline = "code_phone_offline",
            /// Phone: its clock is `{minutes}` minutes behind the server's.
            CodeClockBehind = "code_clock_behind",
            /// Phone: its clock is `{minutes}` minutes ahead of the server's.
            CodeClockAhead = "code_clock_ahead",
            /// Phone: its clock was set since it has heard the server, so what it shows may be wrong.
            CodeClockSet = "code_clock_set",

            /// Above the list of accounts.
            AccountHeading = "account_heading",
            /// In place of the list.
            AccountNone = "account_none",
            /// The button that opens the camera.
            AccountScan = "account_scan",
            /// The button for a link in place of the camera.
            AccountPasteLink = "account_paste_link",
            /// Label of the link's field, on page and phone.
            AccountLinkLabel = "account_link_label",
            /// The button after a pasted link.
            AccountAdd = "account_add",
            /// After the link was used, in one line: `{digits}` is `042 917`.
            AccountTypeDigits = "account_type_digits",
            /// The same under the six digits in large type.
            AccountTypeTheseDigits = "account_type_these_digits",
            /// State of an account whose digits were not typed yet.
            AccountWaitsForConfirmation = "account_waits_for_confirmation",
            /// State of an account in use.
            AccountReady = "account_ready",
            /// The button that removes an account from this phone.
            AccountRemove = "account_remove",
            /// The same for a screen reader.
            AccountRemoveNamed = "account_remove_named",
            /// Before an account is removed.
            AccountRemoveQuestion = "account_remove_question",
            /// After an account was removed.
            AccountRemoved = "account_removed",
            /// The server ended it: the phone was removed.
            AccountEndedRemoved = "account_ended_removed",
            /// The server ended it: another phone took over.
            AccountEndedMoved = "account_ended_moved",
            /// The server ended it: a second device used the same link.
            AccountEndedRedeemedTwice = "account_ended_redeemed_twice",
            /// The server ended it: the digits were wrong five times.
            AccountEndedWrongCode = "account_ended_wrong_code",
            /// The server ended it: nobody typed the digits.
            AccountEndedExpired = "account_ended_expired",
            /// The store was restored from a backup of another phone.
            AccountRestoredStore = "account_restored_store",
            /// Label of the switch for notifications.
            AccountNotifications = "account_notifications",
            /// The app registered for notifications again.
            AccountPushRepaired = "account_push_repaired",
            /// There is no registration for notifications.
            AccountPushNone = "account_push_none",
            /// Nothing answered where this phone is to be reached.
            AccountPushUnreachable = "account_push_unreachable",
            /// The push service asks to wait.
            AccountPushNotNow = "account_push_not_now",
            /// The push service never takes what is sent to this phone.
            AccountPushRefused = "account_push_refused",
            /// The push service no longer knows the registration.
            AccountPushGone = "account_push_gone",
            /// The registration is of another app or project than the server's.
            AccountPushWrongProject = "account_push_wrong_project",
            /// The server is not allowed to send; its operator can mend that.
            AccountPushMisconfigured = "account_push_misconfigured",
            /// The button that asks the server.
            AccountCheckNow = "account_check_now",
            /// In place of a question.
            AccountNothingWaits = "account_nothing_waits",
            /// After that button, when nothing came.
            AccountNothingNew = "account_nothing_new",
            /// Above the past requests.
            AccountHistory = "account_history",
            /// In place of the past requests.
            AccountNoHistory = "account_no_history",

            /// The server did not answer, and nothing is kept for it.
            ErrorUnreachable = "error_unreachable",
            /// The server did not answer, and a signed answer waits for it.
            ErrorUnreachableAnswerKept = "error_unreachable_answer_kept",
            /// Something else answered, such as a captive portal.
            ErrorUnexpectedAnswer = "error_unexpected_answer",
            /// The server cannot do it now.
            ErrorServerBusy = "error_server_busy",
            /// The server refused for a reason that has no sentence here.
            ErrorServerRefused = "error_server_refused",
            /// The server is not the one of the link, or shows an older certificate than before.
            ErrorWrongServer = "error_wrong_server",
            /// A message was refused, other than a link.
            ErrorMessageRefused = "error_message_refused",
            /// A link, or what its server answered, was refused.
            ErrorLinkNotTrusted = "error_link_not_trusted",
            /// The server does not take the link.
            ErrorLinkUsed = "error_link_used",
            /// The server takes only phones whose maker vouches for their key, and did not take this one.
            ErrorAttestationRequired = "error_attestation_required",
            /// The server takes no answer of this phone.
            ErrorDeviceNotInUse = "error_device_not_in_use",
            /// The fingerprint or face dialogue was closed or failed.
            ErrorNotConfirmed = "error_not_confirmed",
            /// The platform destroyed the key.
            ErrorKeyInvalidated = "error_key_invalidated",
            /// The platform does not let the key be used now.
            ErrorKeyUnavailable = "error_key_unavailable",
            /// The phone has not been unlocked since it started.
            ErrorVaultLocked = "error_vault_locked",
            /// The vault is damaged, or does not belong to this app.
            ErrorVaultUnreadable = "error_vault_unreadable",
            /// The store was written by a later version.
            ErrorStoreNewer = "error_store_newer",
            /// The store is not readable as what it should be.
            ErrorStoreDamaged = "error_store_damaged",
            /// The disk is full, or the store's place cannot be written.
            ErrorStoreUnwritable = "error_store_unwritable",
            /// The account has no seed on this phone.
            ErrorNoCodes = "error_no_codes",
            /// The password for an export is too short.
            ErrorShortPassword = "error_short_password",
            /// There is no such account here.
            ErrorUnknownAccount = "error_unknown_account",
            /// There is no such request here.
            ErrorUnknownRequest = "error_unknown_request",
            /// Anything that has no sentence of its own.
            ErrorOther = "error_other",

            /// What was scanned, pasted or typed for codes of a service holds no link.
            LinkNone = "link_none",
            /// It is longer than any link.
            LinkTooLong = "link_too_long",
            /// Where the link ends cannot be told.
            LinkNotAlone = "link_not_alone",
            /// A key without a link.
            LinkBareKey = "link_bare_key",
            /// The link with which a phone is enrolled.
            LinkEnrolment = "link_enrolment",
            /// The address of a page.
            LinkWebPage = "link_web_page",
            /// The code of a passkey.
            LinkPasskey = "link_passkey",
            /// Mobile-OTP, which needs a PIN for each code.
            LinkMobileOtp = "link_mobile_otp",
            /// Neither codes by time nor by counter.
            LinkUnknownType = "link_unknown_type",
            /// The secret is missing or empty.
            LinkNoSecret = "link_no_secret",
            /// The secret is not base32.
            LinkSecretCharacters = "link_secret_characters",
            /// The secret is too long.
            LinkSecretTooLong = "link_secret_too_long",
            /// MD5 by name.
            LinkOldAlgorithm = "link_old_algorithm",
            /// Any other algorithm that is not supported.
            LinkAlgorithm = "link_algorithm",
            /// Other digits than 6 to 8.
            LinkDigits = "link_digits",
            /// A period that cannot be read.
            LinkPeriod = "link_period",
            /// A counter that cannot be read.
            LinkCounter = "link_counter",
            /// Codes that are neither digits nor those of Steam.
            LinkEncoder = "link_encoder",
            /// A parameter comes twice, with two values.
            LinkContradiction = "link_contradiction",
            /// A parameter is where it would be lost.
            LinkGarbled = "link_garbled",
            /// The export of another app cannot be read.
            LinkBatch = "link_batch",
            /// A file that is no export that is read.
            LinkUnknownFile = "link_unknown_file",
            /// A file of another app that is cut or changed.
            LinkDamagedFile = "link_damaged_file",
            /// A file in a form of a later time.
            LinkNewerFile = "link_newer_file",
            /// A file that is larger than any export.
            LinkLargeFile = "link_large_file",
            /// An encrypted file: the password is asked for.
            LinkPasswordNeeded = "link_password_needed",
            /// The password does not open the file.
            LinkWrongPassword = "link_wrong_password",
            /// Only the phone that made the file can open it.
            LinkNoPassword = "link_no_password",
            /// To open the file would cost more than any app asks for.
            LinkTooCostly = "link_too_costly",
            /// The memory to open the file is not there.
            LinkNoMemory = "link_no_memory",
            /// One entry of a file cannot be read.
            LinkDamagedEntry = "link_damaged_entry",
            /// Something else than codes, in a file that holds codes too.
            LinkNoCode = "link_no_code",
            /// It lies in the bin of the other app.
            LinkThrownAway = "link_thrown_away",
            /// It belongs to one app: `{app}` is its name.
            LinkOtherApp = "link_other_app",
            /// Any other link: `{scheme}` is what it begins with.
            LinkUnknownScheme = "link_unknown_scheme",
            /// A warning: the secret has fewer than 80 bits.
            LinkShortSecret = "link_short_secret",
            /// A warning: a character of the secret may be missing.
            LinkUnevenSecret = "link_uneven_secret",
            /// A warning: the link of codes by counter does not say where to begin.
            LinkCounterFromZero = "link_counter_from_zero",
            /// A warning: five characters are shown, since the service is Steam.
            LinkTakenForSteam = "link_taken_for_steam",
            /// It was in several groups; the first is kept.
            LinkOtherGroups = "link_other_groups",
            /// Its note was not taken.
            LinkNoteLeft = "link_note_left",
        }
    };
}
