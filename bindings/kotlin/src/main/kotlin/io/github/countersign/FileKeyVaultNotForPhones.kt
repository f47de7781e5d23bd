package io.github.countersign

import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.FileAttribute
import java.nio.file.attribute.PosixFilePermissions
import java.security.SecureRandom

/**
 * A vault in a file of 32 bytes that only its owner can read, for programs on a desktop or a server. **Not for phones:**
 * whoever reads the file has the keys, and a phone has hardware for them.
 *
 * The file is made when a key is first asked for. It appears whole or not at all, so that two processes which begin at
 * once have one secret. One that is not 32 bytes long, or cannot be read, is [VaultException.Unreadable] and is left
 * as it is: what it sealed would be lost. Keep it beside the store, not in it, and out of backups.
 *
 * @property file where the secret is; its folder must exist.
 * @sample io.github.countersign.samples.Samples.aVaultForDesktops
 */
public class FileKeyVaultNotForPhones(public val file: Path) : SoftwareKeyVault() {
    override fun secret(): ByteArray =
        try {
            read() ?: made()
        } catch (_: IOException) {
            throw VaultException.Unreadable()
        }

    /** The secret; null when there is no file. */
    private fun read(): ByteArray? =
        try {
            FileChannel.open(file, StandardOpenOption.READ).use { channel ->
                if (channel.size() != SECRET_LENGTH.toLong()) throw VaultException.Unreadable()
                val secret = ByteBuffer.allocate(SECRET_LENGTH)
                while (secret.hasRemaining()) if (channel.read(secret) < 0) throw VaultException.Unreadable()
                secret.array()
            }
        } catch (_: NoSuchFileException) {
            null
        }

    private fun made(): ByteArray {
        val folder = file.toAbsolutePath().parent ?: throw VaultException.Unreadable()
        val whole = Files.createTempFile(folder, ".vault", null, *ownerOnly(folder))
        try {
            val secret = ByteArray(SECRET_LENGTH).also(SecureRandom()::nextBytes)
            FileChannel.open(whole, StandardOpenOption.WRITE).use { channel ->
                val left = ByteBuffer.wrap(secret)
                while (left.hasRemaining()) channel.write(left)
                channel.force(true)
            }
            return if (named(whole)) secret else read() ?: throw VaultException.Unreadable()
        } finally {
            Files.deleteIfExists(whole)
        }
    }

    /** False when another process was faster. A link, because a move would overwrite what that one wrote. */
    private fun named(whole: Path): Boolean =
        try {
            Files.createLink(file, whole)
            true
        } catch (_: FileAlreadyExistsException) {
            false
        }

    private fun ownerOnly(folder: Path): Array<FileAttribute<*>> {
        // Windows knows no such permissions; there the folder of a user is its user's.
        if ("posix" !in folder.fileSystem.supportedFileAttributeViews()) return emptyArray()
        return arrayOf(PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
    }
}
