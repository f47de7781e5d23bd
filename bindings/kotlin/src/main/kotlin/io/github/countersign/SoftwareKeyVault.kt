package io.github.countersign

import java.security.MessageDigest

/** How long the one secret is from which a vault without hardware derives its keys. */
internal const val SECRET_LENGTH: Int = 32

/** A vault without hardware: signing keys are the library's own, in its store, sealed with what is derived here. */
public abstract class SoftwareKeyVault internal constructor() : KeyVault {
    /** The vault's one secret, as a copy that is wiped after use. */
    internal abstract fun secret(): ByteArray

    /**
     * The 32 bytes that seal this device's secrets, another 32 for each [opens]. Derived as the terminal phone does it,
     * so that both open one store with one file. May be called from any thread, from several at once.
     *
     * @throws VaultException.Unreadable where the secret cannot be read or made; it is then left as it is.
     */
    final override fun storageKey(opens: Opens): ByteArray {
        val purpose =
            when (opens) {
                Opens.AFTER_FIRST_UNLOCK -> "countersign storage after first unlock\n"
                Opens.WHILE_UNLOCKED -> "countersign storage while unlocked\n"
            }
        val secret = secret()
        try {
            return MessageDigest.getInstance("SHA-256").run {
                update(purpose.toByteArray())
                digest(secret)
            }
        } finally {
            secret.fill(0)
        }
    }

    /** False, at once: there is no hardware, and the library makes a software key. */
    final override suspend fun create(name: String, purpose: Purpose, attestationChallenge: ByteArray?): Boolean = false

    /**
     * There is no hardware key of any name.
     *
     * @throws KeyException.Invalidated always.
     */
    final override fun load(name: String): DeviceKey = throw KeyException.Invalidated()

    /** Nothing is there to destroy, so this never fails. */
    final override fun destroy(name: String): Unit = Unit
}
