package io.github.countersign.android.keys

import android.security.keystore.KeyInfo
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.UserNotAuthenticatedException
import io.github.countersign.DeviceKey
import io.github.countersign.KeyException
import io.github.countersign.es256FromDer
import io.github.countersign.uncompressedPublicKey
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.PrivateKey
import java.security.ProviderException
import java.security.Signature
import java.security.interfaces.ECPublicKey

/** A key of the Android Keystore. One that the phone does not unlock without the person asks for each signature. */
internal class KeystoreKey(
    private val private: PrivateKey,
    private val public: ECPublicKey,
    private val isForApproval: Boolean,
    private val person: Person,
    private val chain: () -> List<ByteArray>,
) : DeviceKey {
    private val isGated: Boolean by lazy { infoOf(private)?.isUserAuthenticationRequired == true }

    override fun publicKey(): ByteArray = uncompressedPublicKey(public)

    // The setting alone is no more than a screen: only a gated key is true of "user verified".
    override fun asksPerson(): Boolean = isForApproval && failing { isGated }

    override fun attestation(): List<ByteArray> = failing(chain)

    override suspend fun sign(message: ByteArray): ByteArray {
        val signature = failing { Signature.getInstance("SHA256withECDSA").apply { initSign(private) } }
        val agreed =
            when {
                !isForApproval -> true
                isGated -> person.unlocks(signature)
                else -> person.confirms()
            }
        if (!agreed) throw KeyException.NotConfirmed()
        return failing {
            es256FromDer(
                signature.run {
                    update(message)
                    sign()
                },
            )
        }
    }

    private fun infoOf(key: PrivateKey): KeyInfo? =
        KeyFactory.getInstance(key.algorithm, KEYSTORE).getKeySpec(key, KeyInfo::class.java)
}

/** Does this with the Keystore, and says each of its failures in the library's words. */
internal fun <T> failing(work: () -> T): T = try {
    work()
} catch (_: KeyPermanentlyInvalidatedException) {
    throw KeyException.Invalidated()
} catch (_: UserNotAuthenticatedException) {
    throw KeyException.NotConfirmed()
} catch (failure: GeneralSecurityException) {
    // The Keystore wraps the reason, differently in each version.
    if (failure.cause is KeyPermanentlyInvalidatedException) throw KeyException.Invalidated()
    throw KeyException.Unavailable()
} catch (_: ProviderException) {
    throw KeyException.Unavailable()
} catch (_: IllegalStateException) {
    throw KeyException.Unavailable()
}
