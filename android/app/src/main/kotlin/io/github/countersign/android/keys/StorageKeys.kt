package io.github.countersign.android.keys

import android.os.Build.VERSION.SDK_INT
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import io.github.countersign.Opens
import io.github.countersign.VaultException
import java.io.File
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.InvalidKeyException
import java.security.ProviderException
import java.security.SecureRandom
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

private const val LENGTH = 32
private const val IV = 12
private const val TAG_BITS = 128

/**
 * The two keys that seal the library's store, each in a file that only a key of the Keystore opens. A file whose key is
 * gone came from another phone, or outlived the Keystore: it is left as it is, and never made anew.
 */
internal class StorageKeys(private val folder: File) {
    @Synchronized
    fun get(opens: Opens): ByteArray = try {
        val file = File(folder, nameOf(opens))
        if (file.exists()) read(file, opens) else made(file, opens)
    } catch (failure: AEADBadTagException) {
        throw VaultException.Unreadable().apply { initCause(failure) }
    } catch (failure: KeyPermanentlyInvalidatedException) {
        throw VaultException.Unreadable().apply { initCause(failure) }
    } catch (_: InvalidKeyException) {
        throw VaultException.Locked()
    } catch (failure: GeneralSecurityException) {
        throw VaultException.Unreadable().apply { initCause(failure) }
    } catch (_: ProviderException) {
        // The Keystore's own service does not answer now.
        throw VaultException.Locked()
    } catch (failure: IOException) {
        throw VaultException.Unreadable().apply { initCause(failure) }
    }

    private fun read(file: File, opens: Opens): ByteArray {
        val key = keystore().getKey(nameOf(opens), null) as? SecretKey ?: throw VaultException.Unreadable()
        val sealed = file.readBytes()
        if (sealed.size != IV + LENGTH + TAG_BITS / 8) throw VaultException.Unreadable()
        return cipher().run {
            init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, sealed, 0, IV))
            doFinal(sealed, IV, sealed.size - IV)
        }
    }

    private fun made(file: File, opens: Opens): ByteArray {
        val secret = ByteArray(LENGTH).also(SecureRandom()::nextBytes)
        val cipher = cipher().apply { init(Cipher.ENCRYPT_MODE, newKey(opens)) }
        folder.mkdirs()
        val whole = File(folder, "${file.name}.new")
        whole.outputStream().use {
            it.write(cipher.iv + cipher.doFinal(secret))
            it.fd.sync()
        }
        if (!whole.renameTo(file)) throw IOException()
        return secret
    }

    private fun newKey(opens: Opens): SecretKey {
        val spec =
            KeyGenParameterSpec.Builder(nameOf(opens), KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT)
                .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
                .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
                .setKeySize(LENGTH * 8)
        if (opens == Opens.WHILE_UNLOCKED && SDK_INT >= 28) whileUnlocked(spec)
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE).run {
            init(spec.build())
            generateKey()
        }
    }

    private fun cipher() = Cipher.getInstance("AES/GCM/NoPadding")

    private fun nameOf(opens: Opens): String = when (opens) {
        Opens.AFTER_FIRST_UNLOCK -> "storage.after-first-unlock"
        Opens.WHILE_UNLOCKED -> "storage.while-unlocked"
    }
}
