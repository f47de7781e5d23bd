//! The table of sentences: what each is for, its variant and its key in the files of `core/device/sentences/`.

/// Gives the table to another macro, `then! { #[doc] Variant = "key", … }`, so that the facade for the apps declares
/// the same sentences without a second list. Documentation that names `{placeholders}` says what goes in their place.
#[macro_export]
macro_rules! each_sentence {
    ($then:ident) => {
        $then! {
            /// The one question of the screen, and the title of the notification.
            QuestionIsThisYou = "question_is_this_you",
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

            /// Heading and button of the sign-in.
            PageSignIn = "page_sign_in",
            /// Label of the field for the name.
            PageNameLabel = "page_name_label",
            /// Label of the field for the password.
            PagePasswordLabel = "page_password_label",
            /// After the first factor failed; which part was wrong is not told.
            PageWrongPassword = "page_wrong_password",
            /// The account has no phone.
            PageNoDevice = "page_no_device",
            /// Heading while the phone is asked.
            PageSigningInAsked = "page_signing_in_asked",
            /// Under that heading; the two also stand in one line.
            PageGoesOn = "page_goes_on",
            /// Where the policy asks for the number: `{number}` has two or six digits.
            PageTypeThisNumber = "page_type_this_number",
            /// Below, for a notification that does not come.
            PageOpenAppIfNothing = "page_open_app_if_nothing",
            /// The button that takes the question back, and that closes any dialogue.
            PageCancel = "page_cancel",
            /// Heading after a NO, a report or a wrong number.
            PageStopped = "page_stopped",
            /// Under that heading, after a NO.
            PageAnsweredNo = "page_answered_no",
            /// The button after an end.
            PageBackToSignIn = "page_back_to_sign_in",
            /// Signed in: `{name}` is the person's.
            PageWelcome = "page_welcome",
            /// The button that ends the session.
            PageSignOut = "page_sign_out",

            /// Above the link and its QR code.
            EnrolHeading = "enrol_heading",
            /// What to do with them.
            EnrolScanOrOpen = "enrol_scan_or_open",
            /// The QR code in words, for a screen reader.
            EnrolQrDescribed = "enrol_qr_described",
            /// The button that copies the link, or a code.
            EnrolCopy = "enrol_copy",
            /// After that button.
            EnrolCopied = "enrol_copied",
            /// Under the link: `{time}` is hours and minutes.
            EnrolLinkEndsAt = "enrol_link_ends_at",
            /// The same after that time.
            EnrolLinkEnded = "enrol_link_ended",
            /// The button for another link.
            EnrolNewLink = "enrol_new_link",
            /// Heading when a phone has used the link.
            EnrolIsThisYourPhone = "enrol_is_this_your_phone",
            /// Under that heading: `{device}` is the name that the phone gave itself.
            EnrolDeviceAsks = "enrol_device_asks",
            /// Label of the field for the digits.
            EnrolSixDigitsLabel = "enrol_six_digits_label",
            /// The button after the digits.
            EnrolConfirm = "enrol_confirm",
            /// Other digits were typed than the phone shows.
            EnrolWrongDigits = "enrol_wrong_digits",
            /// The button for another link when this is not the phone.
            EnrolStartAgain = "enrol_start_again",
            /// The button for one more phone.
            EnrolAnotherPhone = "enrol_another_phone",

            /// What the app is, before there is an account.
            AppWelcome = "app_welcome",
            /// Under that, in two sentences.
            AppWelcomeExplained = "app_welcome_explained",
            /// The button that leads to the ways of adding an account.
            AppBegin = "app_begin",
            /// Name of the place where questions wait.
            AppQuestions = "app_questions",
            /// Name of the place with the codes of other services.
            AppCodesOfOthers = "app_codes_of_others",
            /// In place of those codes.
            AppNoCodesOfOthers = "app_no_codes_of_others",
            /// Name of the place with the settings.
            AppSettings = "app_settings",
            /// The button to the place before, for a screen reader.
            AppBack = "app_back",
            /// The button that repeats what failed.
            AppTryAgain = "app_try_again",
            /// While something is awaited.
            AppOneMoment = "app_one_moment",
            /// The button that closes what has ended.
            AppDone = "app_done",
            /// The button that reads a code from a picture.
            AppScanPicture = "app_scan_picture",
            /// Under the picture of the camera.
            AppScanHold = "app_scan_hold",
            /// After a picture without a code.
            AppScanNone = "app_scan_none",
            /// When the camera may not be used.
            AppCameraRefused = "app_camera_refused",
            /// When the camera does not open.
            AppCameraFailed = "app_camera_failed",
            /// The button that opens the system’s settings.
            AppSystemSettings = "app_system_settings",
            /// The button for a key in place of a link.
            AppTypeKey = "app_type_key",
            /// Label of the field for that key.
            AppKeyLabel = "app_key_label",
            /// Label of the field for the name of the service.
            AppServiceLabel = "app_service_label",
            /// After a code of another service was taken.
            AppCodeAdded = "app_code_added",
            /// When it was there already.
            AppCodeKnown = "app_code_known",
            /// The button for the next code by counter.
            AppCodeNextOne = "app_code_next_one",
            /// What a tap on a code does, for a screen reader.
            AppCodeCopyHint = "app_code_copy_hint",
            /// After a code was copied.
            AppCodeCopied = "app_code_copied",
            /// In place of a code that is hidden.
            AppCodeShow = "app_code_show",
            /// Before the code of another service is removed.
            AppCodeRemoveQuestion = "app_code_remove_question",
            /// Label of the field that searches the codes.
            AppSearch = "app_search",
            /// Above the devices of an account.
            AppDevices = "app_devices",
            /// Beside this phone in that list.
            AppThisDevice = "app_this_device",
            /// Beside a device that is out of use.
            AppDeviceEnded = "app_device_ended",
            /// The button that removes an account without its server.
            AppForget = "app_forget",
            /// Before that, when the server did not answer.
            AppForgetExplained = "app_forget_explained",
            /// Label of the switch that locks the app.
            AppLock = "app_lock",
            /// Under it.
            AppLockExplained = "app_lock_explained",
            /// In place of everything, while the app is locked.
            AppLocked = "app_locked",
            /// The button that opens it, and what the system’s dialogue says.
            AppUnlock = "app_unlock",
            /// Label of the switch for a confirmation of each YES.
            AppVerify = "app_verify",
            /// Under it.
            AppVerifyExplained = "app_verify_explained",
            /// When one of the two is wanted and the phone has no screen lock.
            AppNoScreenLock = "app_no_screen_lock",
            /// Label of the switch that hides codes until they are tapped.
            AppHideCodes = "app_hide_codes",
            /// Label of the choice of language.
            AppLanguage = "app_language",
            /// Label of the choice of light or dark.
            AppTheme = "app_theme",
            /// The choice that leaves it to the system.
            AppAsSystem = "app_as_system",
            /// The choice of light.
            AppLight = "app_light",
            /// The choice of dark.
            AppDark = "app_dark",
            /// When the system shows no notifications of the app.
            AppNotificationsOff = "app_notifications_off",
            /// The button that allows them.
            AppNotificationsAllow = "app_notifications_allow",
            /// State: pushes come through Google’s service.
            AppPushGoogle = "app_push_google",
            /// State: pushes come through another app, `{app}`.
            AppPushDistributor = "app_push_distributor",
            /// State: no push service, the app asks by itself.
            AppPushPull = "app_push_pull",
            /// Label of the exemption from saving the battery.
            AppBattery = "app_battery",
            /// What it is for.
            AppBatteryExplained = "app_battery_explained",
            /// The button that copies what an administrator may need.
            AppDiagnostics = "app_diagnostics",
            /// What is in it.
            AppDiagnosticsExplained = "app_diagnostics_explained",
        }
    };
}
