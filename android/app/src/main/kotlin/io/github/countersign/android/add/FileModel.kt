package io.github.countersign.android.add

import io.github.countersign.AuthenticatorException
import io.github.countersign.CodeFile
import io.github.countersign.FoundCodes
import io.github.countersign.Sentence
import io.github.countersign.android.core.Core
import io.github.countersign.android.platform.Documents
import io.github.countersign.android.typing.Typed
import io.github.countersign.android.words.Told
import io.github.countersign.android.words.told
import io.github.countersign.mostBytesOfCodeFile
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch

/**
 * What is behind adding codes from a file. What was read of it and what it holds are in memory while the person looks
 * at it, and nowhere else; the password goes once it is tried.
 */
internal class FileModel(
    private val core: Core,
    private val documents: Documents,
    private val shown: MutableStateFlow<AddState>,
    private val password: Typed,
    private val scope: CoroutineScope,
) {
    private var bytes: ByteArray? = null
    private var file: CodeFile? = null
    private var working: Job? = null

    /** Reads a file, and opens it where it needs no password. */
    fun take(document: String) = working {
        // One byte more than is read at all, so that the library says that it is too large.
        val read = documents.read(document, mostBytesOfCodeFile().toInt() + 1)
        if (read == null) choosing(Told(Sentence.APP_FILE_UNREADABLE)) else open(read, null)
    }

    /** Opens it with this password. */
    fun open(password: String) {
        val read = bytes ?: return
        working { open(read, password) }
    }

    /** Keeps what is in it. */
    fun keep(kept: (FoundCodes) -> AddState) {
        val opened = file ?: return
        working {
            val found = core.use { it.addCodeFile(opened) }
            val now = kept(found)
            (
                {
                    forget()
                    shown.value = now
                }
                )
        }
    }

    /** Lets everything go. What was not kept by then is not kept. */
    @Synchronized
    fun leave() {
        working?.cancel()
        working = null
        forget()
        if (shown.value.isOfFile()) shown.value = AddState.Choosing()
    }

    /** Does something that takes a while, and shows what came of it, unless the person has left meanwhile. */
    @Synchronized
    private fun working(work: suspend () -> () -> Unit) {
        working?.cancel()
        shown.value = AddState.Opening
        working =
            scope.launch {
                val show =
                    try {
                        work()
                    } catch (failure: AuthenticatorException) {
                        choosing(failure.told())
                    }
                synchronized(this@FileModel) { if (isActive) show() }
            }
    }

    private suspend fun open(read: ByteArray, password: String?): () -> Unit {
        val opened =
            try {
                CodeFile.open(read, password)
            } catch (failure: AuthenticatorException) {
                if (failure is AuthenticatorException.PasswordNeeded ||
                    failure is AuthenticatorException.WrongPassword
                ) {
                    return asking(read, failure.told())
                }
                throw failure
            }
        val found = core.use { it.previewCodeFile(opened) }
        val refused = found.notTaken.singleOrNull()?.takeIf { found.codes.isEmpty() && it.name.isEmpty() }
        return when {
            refused != null -> choosing(Told(refused.sentence, refused.values))
            found.codes.isEmpty() && found.notTaken.isEmpty() -> choosing(Told(Sentence.APP_NO_CODES_OF_OTHERS))
            else -> offering(opened, found)
        }
    }

    private fun asking(read: ByteArray, told: Told): () -> Unit = {
        bytes = read
        password.forget()
        shown.value = AddState.Password(told)
    }

    private fun offering(opened: CodeFile, found: FoundCodes): () -> Unit = {
        bytes = null
        password.forget()
        file = opened
        shown.value = AddState.FoundInFile(found)
    }

    private fun choosing(told: Told): () -> Unit = {
        forget()
        shown.value = AddState.Choosing(told)
    }

    private fun forget() {
        bytes = null
        password.forget()
        file?.close()
        file = null
    }
}

/** True while a file is looked at. */
internal fun AddState.isOfFile(): Boolean =
    this == AddState.Opening || this is AddState.Password || this is AddState.FoundInFile
