package io.github.countersign.android.world

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.Bundle
import android.provider.OpenableColumns
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream

private const val AUTHORITY = "org.example.documents"

/** The documents of another app, as the person chooses them in the system's screen. */
class SharedDocuments(context: Context) {
    private val resolver = shadowOf(context.contentResolver)
    private val provider = Robolectric.buildContentProvider(Removing::class.java).create(AUTHORITY).get()
    private var count = 0

    /** The documents that were removed. */
    val removed: List<Uri> get() = provider.removed

    /** True when nothing can be removed. */
    var isReadOnly: Boolean by provider::isReadOnly

    /** A document with these bytes, and this name. */
    fun of(bytes: ByteArray, name: String? = null): Uri =
        reading { bytes.inputStream() }.also { if (name != null) provider.names[it] = name }

    /** A document that is read in this way. */
    fun reading(open: () -> InputStream): Uri = fresh().also { resolver.registerInputStreamSupplier(it, open) }

    /** A document to be written, and what was written into it. */
    fun toWrite(): Pair<Uri, ByteArrayOutputStream> {
        val written = ByteArrayOutputStream()
        return fresh().also { resolver.registerOutputStreamSupplier(it) { written } } to written
    }

    /** A document on a card that is full after some bytes. */
    fun full(): Uri = fresh().also { resolver.registerOutputStreamSupplier(it) { Full() } }

    private fun fresh(): Uri = Uri.parse("content://$AUTHORITY/document/${count++}")

    private class Full : OutputStream() {
        private var left = 40

        override fun write(byte: Int) {
            if (left-- <= 0) throw IOException("No space left on device")
        }
    }

    /** The part of the other app that names and removes documents. */
    class Removing : ContentProvider() {
        val removed = mutableListOf<Uri>()
        val names = mutableMapOf<Uri, String>()
        var isReadOnly = false

        override fun onCreate() = true

        override fun call(method: String, argument: String?, extras: Bundle?): Bundle {
            if (isReadOnly) throw UnsupportedOperationException()
            @Suppress("DEPRECATION") // Its successor is not on every Android that the tests run on.
            extras?.getParcelable<Uri>("uri")?.takeIf { method == "android:deleteDocument" }?.let { removed += it }
            return Bundle()
        }

        override fun query(uri: Uri, p: Array<String>?, s: String?, a: Array<String>?, o: String?): Cursor? =
            names[uri]?.let { MatrixCursor(arrayOf(OpenableColumns.DISPLAY_NAME)).apply { addRow(arrayOf(it)) } }

        override fun getType(uri: Uri): String = "application/json"

        override fun insert(uri: Uri, values: ContentValues?): Uri? = null

        override fun delete(uri: Uri, selection: String?, arguments: Array<String>?) = 0

        override fun update(uri: Uri, v: ContentValues?, s: String?, a: Array<String>?) = 0
    }
}
