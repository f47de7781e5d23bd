//! The sentences that only the sign-in pages have.

/// Gives the last part what came before, and these.
#[doc(hidden)]
#[macro_export]
macro_rules! each_sentence_with_those_of_pages {
    ($then:ident $($before:tt)*) => {
        $crate::each_sentence_with_those_of_the_app! {
            $then
            $($before)*
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
        }
    };
}
