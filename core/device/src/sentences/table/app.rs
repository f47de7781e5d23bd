//! The sentences that only the apps have.

/// Gives the whole to the macro that asked: what came before, and these.
#[doc(hidden)]
#[macro_export]
macro_rules! each_sentence_with_those_of_the_app {
    ($then:ident $($before:tt)*) => {
        $then! {
            $($before)*
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
            /// The way of adding codes from a file that another app exported.
            AppFromFile = "app_from_file",
            /// When a file cannot be read at all.
            AppFileUnreadable = "app_file_unreadable",
            /// While an encrypted file is opened.
            AppFileOpening = "app_file_opening",
            /// Label of the field for the password of such a file.
            AppFilePassword = "app_file_password",
            /// The button that opens it.
            AppFileOpen = "app_file_open",
            /// Above the codes that a file offers: `{count}` are new here.
            AppCodesToAdd = "app_codes_to_add",
            /// Above what is not taken from a file: `{count}` is how many.
            AppCodesNotTaken = "app_codes_not_taken",
            /// Beside a code that is offered, where another one has its names.
            AppCodeSameNames = "app_code_same_names",
            /// Beside a code: `{name}` is the group in which it is kept.
            AppCodeGroup = "app_code_group",
            /// The button that keeps what a file or link offers.
            AppCodesKeep = "app_codes_keep",
            /// What came of it: `{count}` is how many.
            AppCodesAdded = "app_codes_added",
            /// When no code answers to a search.
            AppNothingFound = "app_nothing_found",
            /// The same for one code: `{name}` is its service.
            AppMoreOf = "app_more_of",
            /// Changes the names of a code.
            AppCodeRename = "app_code_rename",
            /// Puts a code into a group.
            AppCodeToGroup = "app_code_to_group",
            /// The choice of no group, and the heading of the codes in none.
            AppCodeNoGroup = "app_code_no_group",
            /// Label of the field for the name of a group.
            AppGroupLabel = "app_group_label",
            /// Moves a code before the one above it.
            AppCodeUp = "app_code_up",
            /// Moves a code behind the one under it.
            AppCodeDown = "app_code_down",
            /// The button that keeps what was typed.
            AppSave = "app_save",
            /// The way to the export of the codes of other services, and its heading.
            AppExport = "app_export",
            /// What is exported.
            AppExportExplained = "app_export_explained",
            /// Under it, of the password.
            AppExportPasswordExplained = "app_export_password_explained",
            /// Label of the field for that password.
            AppExportPassword = "app_export_password",
            /// Label of the field for the same password once more.
            AppPasswordAgain = "app_password_again",
            /// When the two are not the same.
            AppPasswordsDiffer = "app_passwords_differ",
            /// When the person did not agree there.
            AppExportNotConfirmed = "app_export_not_confirmed",
            /// The button that goes on to where the file is saved.
            AppExportSave = "app_export_save",
            /// When the file is written.
            AppExported = "app_exported",
            /// When it could not be written, and is gone.
            AppExportFailed = "app_export_failed",
            /// When it could not be written, and what was written cannot be removed.
            AppExportLeft = "app_export_left",
            /// When the app was ended by the system while the place was chosen.
            AppExportInterrupted = "app_export_interrupted",
            /// Leaves something undone.
            AppCancel = "app_cancel",
            /// After a text that is no secret was copied.
            AppCopied = "app_copied",
        }
    };
}
