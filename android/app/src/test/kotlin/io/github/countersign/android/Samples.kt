package io.github.countersign.android

import io.github.countersign.Account
import io.github.countersign.AccountState
import io.github.countersign.Challenge
import io.github.countersign.CodeStanding
import io.github.countersign.Detail
import io.github.countersign.Device
import io.github.countersign.EndReason
import io.github.countersign.EnrolmentState
import io.github.countersign.ForeignCode
import io.github.countersign.FoundCodes
import io.github.countersign.OfferedCode
import io.github.countersign.OneTimeCode
import io.github.countersign.Outcome
import io.github.countersign.Past
import io.github.countersign.Policy
import io.github.countersign.RefusedCode
import io.github.countersign.Sentence
import io.github.countersign.SignInContext
import io.github.countersign.android.accounts.AccountRow
import io.github.countersign.android.accounts.ShownCode
import io.github.countersign.android.add.FileOutcome
import io.github.countersign.android.add.FileReport
import io.github.countersign.android.request.Question
import io.github.countersign.android.request.questionOf
import io.github.countersign.android.words.Told
import java.time.Instant

/** What screens are drawn with: people, places and moments that never change. */
object Samples {
    val moment: Instant = Instant.parse("2026-11-26T06:59:00Z")

    fun account(
        id: String = "a1",
        organisation: String = "Harbour Lights",
        name: String = "maya@harbour.example",
        state: AccountState = AccountState.Confirmed,
    ) = Account(id, organisation, name, "https://login.harbour.example", "Telephone", state, moment, 0, false)

    fun challenge(
        id: String = "c1",
        message: String? = null,
        digits: Int? = null,
        details: List<Detail> = emptyList(),
    ) = Challenge(
        id, "a1", "Customer area", "maya@harbour.example", Sentence.QUESTION_IS_THIS_YOU, null,
        digits?.let {
            Policy.Number(it.toUByte())
        } ?: Policy.Tap,
        message,
        details,
        SignInContext("198.51.100.7", "Geneva, Switzerland", "Firefox", "Linux"), moment, moment.plusSeconds(60),
    )

    fun question(message: String? = null, digits: Int? = null): Question {
        val payment = listOf(Detail("Amount", "1,250.00 CHF"), Detail("To", "Alpine Rail"))
        val details = if (message == null) emptyList() else payment
        return questionOf(challenge(message = message, digits = digits, details = details), "Harbour Lights")
    }

    /** A question whose YES does more than sign in. */
    fun moveQuestion() = question(digits = 6)
        .copy(asks = Sentence.QUESTION_MOVE, explanation = Sentence.QUESTION_MOVE_EXPLAINED)

    /** The question that a new phone is asked before it takes over. */
    fun rehearsalQuestion() = question()
        .copy(asks = Sentence.QUESTION_REHEARSAL, explanation = Sentence.QUESTION_REHEARSAL_EXPLAINED)

    fun code(digits: String = "492039", left: Long = 21, next: String = "118207") =
        ShownCode(OneTimeCode(digits, left.toULong(), next), left)

    val rows =
        listOf(
            AccountRow(account(), code(), null),
            AccountRow(account("a2", "Alpine Rail", "m.keller"), code("007314", 6, "550912"), null),
            AccountRow(account("a3", "Library of Bern", "maya", AccountState.Proposed("042917")), null, null),
            AccountRow(account("a4", "Old Post", "maya", AccountState.Ended(EndReason.REVOKED)), null, null),
        )

    val foreign =
        listOf(
            ForeignCode("f1", "Forge", "maya@harbour.example", code("310442", 12).code),
            ForeignCode("f2", "Bank", "4711", null),
        )

    val past =
        Outcome.entries.mapIndexed { at, outcome -> Past(challenge("c$at"), outcome, moment.plusSeconds(at * 3600L)) }

    val devices =
        listOf(
            Device("a1", "Telephone", EnrolmentState.CONFIRMED, moment, true),
            Device("d2", "Tablet", EnrolmentState.PROPOSED, moment, false),
            Device("d3", "Old telephone", EnrolmentState.VOID, moment, false),
        )

    val found =
        FoundCodes(
            listOf(OfferedCode("f3", "Forge", "maya", false, listOf(Sentence.LINK_SHORT_SECRET), CodeStanding.NEW)),
            emptyList(),
            null,
        )

    val inGroups =
        foreign + listOf(
            ForeignCode("f4", "Alpine Rail", "maya", code("201377", 12).code, "Travel"),
            ForeignCode("f5", "Mail", "maya@harbour.example", code("558120", 12).code, "Work"),
        )

    val foundInFile =
        FoundCodes(
            listOf(
                OfferedCode("f6", "Mail", "maya", false, emptyList(), CodeStanding.NEW, "Work"),
                OfferedCode("f7", "Forge", "maya", false, emptyList(), CodeStanding.SAME_NAMES),
                OfferedCode("f8", "Bank", "4711", true, listOf(Sentence.LINK_SHORT_SECRET), CodeStanding.KNOWN),
            ),
            listOf(
                RefusedCode("Yandex: maya", "other_app", Sentence.LINK_OTHER_APP, mapOf("app" to "Yandex Key")),
                RefusedCode("", "damaged_entry", Sentence.LINK_DAMAGED_ENTRY, emptyMap()),
            ),
            null,
        )

    private val refusedFiles =
        listOf(
            FileReport(3, "photo.json", FileOutcome.Refused(Told(Sentence.LINK_UNKNOWN_FILE))),
            FileReport(4, null, FileOutcome.LeftOut),
        )

    val foundInFiles =
        listOf(
            FileReport(1, "2fas-backup.json", FileOutcome.Holds(found)),
            FileReport(2, "aegis.json", FileOutcome.Holds(foundInFile)),
        ) + refusedFiles

    val keptFiles =
        listOf(
            FileReport(1, "2fas-backup.json", FileOutcome.Kept(found)),
            FileReport(2, "aegis.json", FileOutcome.Kept(foundInFile)),
        ) + refusedFiles
}
