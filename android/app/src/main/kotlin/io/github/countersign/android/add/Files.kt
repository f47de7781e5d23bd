package io.github.countersign.android.add

import io.github.countersign.FoundCodes
import io.github.countersign.android.words.Told

/** How many files are read at once. Each is read to the library's bound, and what they hold is in memory together. */
const val MOST_FILES = 20

/** The files that were chosen or shared, by their addresses, and how many more than [MOST_FILES] there were. */
data class ChosenFiles(val documents: List<String>, val notRead: Int = 0) {
    /** True for one file, of which the screens say less. */
    val isOne: Boolean get() = documents.size == 1 && notRead == 0

    companion object {
        /** None. */
        val none = ChosenFiles(emptyList())

        /** As many of these as are read, none of them twice. */
        fun of(documents: List<String>): ChosenFiles =
            documents.distinct().let { ChosenFiles(it.take(MOST_FILES), (it.size - MOST_FILES).coerceAtLeast(0)) }
    }
}

/** Which of several files: the first is 1. Its name is that of the app that has it. */
data class FilePlace(val number: Int, val count: Int, val name: String?)

/** What came of one of several files. */
sealed interface FileOutcome {
    /** This would be kept of it, and this not. */
    data class Holds(val codes: FoundCodes) : FileOutcome

    /** This was kept of it, and this not. */
    data class Kept(val codes: FoundCodes) : FileOutcome

    /** It could not be read, opened or kept. */
    data class Refused(val told: Told) : FileOutcome

    /** Its password was not given. */
    data object LeftOut : FileOutcome
}

/** One of several files, and what came of it. */
data class FileReport(val number: Int, val name: String?, val outcome: FileOutcome)
