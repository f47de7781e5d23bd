package io.github.countersign

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse

class KeyVaultsTest {
    @TempDir
    lateinit var folder: Path

    private fun keys(vault: KeyVault) = Opens.entries.map { vault.storageKey(it).toList() }

    private fun assertIsVaultWithoutHardware(vault: KeyVault) {
        val keys = keys(vault)
        assertEquals(keys, keys(vault))
        assertEquals(2, keys.toSet().size)
        assertEquals(listOf(32, 32), keys.map { it.size })
        runBlocking { assertFalse(vault.create("key", Purpose.APPROVAL, null)) }
        vault.destroy("key")
        assertThrows<KeyException.Invalidated> { vault.load("key") }
    }

    @Test
    fun `a vault in memory gives its own keys again and again`() {
        val vault = InMemoryKeyVaultNotForPhones()
        assertIsVaultWithoutHardware(vault)
        assertEquals(4, (keys(vault) + keys(InMemoryKeyVaultNotForPhones())).toSet().size)
    }

    @Test
    fun `a vault in a file gives the same keys to the next program`() {
        val file = folder.resolve("vault")
        assertIsVaultWithoutHardware(FileKeyVaultNotForPhones(file))
        assertEquals(keys(FileKeyVaultNotForPhones(file)), keys(FileKeyVaultNotForPhones(file)))
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        assertEquals(listOf(file), folder.listDirectoryEntries(), "nothing is left beside it")
    }

    @Test
    fun `a damaged file is refused and left as it is`() {
        for (length in listOf(0, 31, 33)) {
            val file = folder.resolve("$length").apply { writeBytes(ByteArray(length)) }
            assertThrows<VaultException.Unreadable> { FileKeyVaultNotForPhones(file).storageKey(Opens.WHILE_UNLOCKED) }
            assertContentEquals(ByteArray(length), file.readBytes())
        }
        for (file in listOf(folder, folder.resolve("missing/vault"))) {
            assertThrows<VaultException.Unreadable> { FileKeyVaultNotForPhones(file).storageKey(Opens.WHILE_UNLOCKED) }
        }
    }

    @Test
    fun `those who begin at once have one secret`() {
        val many = Executors.newFixedThreadPool(8)
        try {
            val file = folder.resolve("vault")
            val first = Callable { FileKeyVaultNotForPhones(file).storageKey(Opens.WHILE_UNLOCKED).toList() }
            assertEquals(1, many.invokeAll(List(64) { first }).map { it.get() }.toSet().size)
            assertEquals(listOf(file), folder.listDirectoryEntries())
        } finally {
            many.shutdownNow()
        }
    }
}
