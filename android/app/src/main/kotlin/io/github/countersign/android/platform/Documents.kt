package io.github.countersign.android.platform

import android.content.ContentResolver
import android.content.Context
import android.net.Uri
import android.provider.DocumentsContract
import android.provider.OpenableColumns
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

private const val STEP = 64 * 1024

/** In characters. */
private const val LONGEST_NAME = 80

/** What became of a document that was to be written. */
enum class Written {
    /** It is there, whole. */
    WHOLE,

    /** It could not be written, and is gone. */
    NOTHING,

    /** It could not be written, and what is there of it could not be removed. */
    LEFT,
}

/** The documents of other apps and of the system, which a person chose, by their addresses. */
interface Documents {
    /** Reads a document, and no more than [most] bytes of it. Null when it cannot be read. */
    suspend fun read(document: String, most: Int): ByteArray?

    /** The name that a document has where it is; null when it has none that can be told. */
    suspend fun name(document: String): String?

    /** Writes a whole document, or nothing. */
    suspend fun write(document: String, text: String): Written

    /** Removes a document that nothing was written into; false when it stays. */
    suspend fun remove(document: String): Boolean
}

/** The system's. */
class SystemDocuments(context: Context) : Documents {
    private val resolver = context.contentResolver

    override suspend fun read(document: String, most: Int): ByteArray? = withContext(Dispatchers.IO) {
        // An address of the file system would be opened with the rights of this app, which its own files are open to.
        val address = Uri.parse(document)
        if (address.scheme != ContentResolver.SCHEME_CONTENT) return@withContext null
        failing { resolver.openInputStream(address)?.use { it.readAtMost(most) } }
    }

    override suspend fun name(document: String): String? = withContext(Dispatchers.IO) {
        val address = Uri.parse(document)
        if (address.scheme != ContentResolver.SCHEME_CONTENT) return@withContext null
        failing {
            resolver.query(address, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use {
                if (it.moveToFirst()) it.getString(0)?.let(::tellable) else null
            }
        }
    }

    // Once it has begun it ends, whatever is left meanwhile: half a file would look like a whole one.
    override suspend fun write(document: String, text: String): Written = withContext(NonCancellable + Dispatchers.IO) {
        val isWritten =
            failing {
                // Cut first: what was chosen may be an older file that is longer.
                val stream = resolver.openOutputStream(Uri.parse(document), "wt") ?: throw FileNotFoundException()
                stream.use { it.write(text.toByteArray()) }
            } != null
        when {
            isWritten -> Written.WHOLE
            remove(document) -> Written.NOTHING
            else -> Written.LEFT
        }
    }

    override suspend fun remove(document: String): Boolean = withContext(NonCancellable + Dispatchers.IO) {
        failing { DocumentsContract.deleteDocument(resolver, Uri.parse(document)) } == true
    }
}

/** A name that another app gave, so short that it is a name, and without what would change how it is read. */
private fun tellable(name: String): String? = name.filterNot {
    it.isISOControl() || it.category == CharCategory.FORMAT || it.category == CharCategory.LINE_SEPARATOR ||
        it.category == CharCategory.PARAGRAPH_SEPARATOR
}.take(LONGEST_NAME).trim().ifEmpty { null }

/** Null when the app that has the document failed, in any of the ways in which one does. */
private fun <T> failing(work: () -> T): T? = try {
    work()
} catch (_: IOException) {
    null
} catch (_: SecurityException) {
    null
} catch (_: IllegalArgumentException) {
    null
} catch (_: IllegalStateException) {
    null
} catch (_: UnsupportedOperationException) {
    null
}

private fun InputStream.readAtMost(most: Int): ByteArray {
    val read = ByteArrayOutputStream()
    val step = ByteArray(STEP)
    while (read.size() < most) {
        val count = read(step, 0, minOf(step.size, most - read.size()))
        if (count < 0) break
        read.write(step, 0, count)
    }
    return read.toByteArray()
}
