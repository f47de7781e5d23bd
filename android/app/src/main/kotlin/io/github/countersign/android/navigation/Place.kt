package io.github.countersign.android.navigation

/** Where a person is in the app. Its text form survives the end of the process. */
sealed interface Place {
    /** The accounts with their codes: the first place. */
    data object Accounts : Place

    /** What waits for an answer. */
    data object Questions : Place

    /** The codes of other services. */
    data object Codes : Place

    /** What is over. */
    data object History : Place

    /** The settings. */
    data object Settings : Place

    /** One request. */
    data class Request(val challenge: String) : Place

    /** One account, with its devices and its removal. */
    data class Account(val account: String) : Place

    /** The export of the codes of other services. */
    data object Export : Place

    /** The ways of adding an account or a code. */
    data object Add : Place

    /** The camera. */
    data object Scan : Place

    /** A link that came from outside, or was scanned: what comes of it. */
    data class Link(val text: String) : Place
}

/** The places in the bar at the bottom, in its order. */
val tabs: List<Place> = listOf(Place.Accounts, Place.Questions, Place.Codes, Place.History)

/** True where secrets are on the screen, so that no picture of it may be taken. */
fun Place.showsSecrets(): Boolean = when (this) {
    Place.Accounts, Place.Codes, Place.Export, Place.Add, Place.Scan, is Place.Link, is Place.Account -> true
    Place.Questions, Place.History, Place.Settings, is Place.Request -> false
}

/** The text form. */
fun Place.text(): String = when (this) {
    Place.Accounts -> "accounts"

    Place.Questions -> "questions"

    Place.Codes -> "codes"

    Place.History -> "history"

    Place.Settings -> "settings"

    Place.Export -> "export"

    Place.Add -> "add"

    Place.Scan -> "scan"

    is Place.Request -> "request $challenge"

    is Place.Account -> "account $account"

    // A link is a secret that works once: it is not written down.
    is Place.Link -> "add"
}

/** The place of a text form; null for what an earlier version of the app wrote. */
fun placeOf(text: String): Place? {
    val (word, rest) = text.split(" ", limit = 2).let { it[0] to it.getOrElse(1) { "" } }
    return when (word) {
        "accounts" -> Place.Accounts
        "questions" -> Place.Questions
        "codes" -> Place.Codes
        "history" -> Place.History
        "settings" -> Place.Settings
        "export" -> Place.Export
        "add" -> Place.Add
        "scan" -> Place.Scan
        "request" -> Place.Request(rest)
        "account" -> Place.Account(rest)
        else -> null
    }
}
