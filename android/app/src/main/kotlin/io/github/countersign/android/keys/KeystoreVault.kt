package io.github.countersign.android.keys

import android.os.Build.VERSION.SDK_INT
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import androidx.annotation.RequiresApi
import io.github.countersign.DeviceKey
import io.github.countersign.KeyException
import io.github.countersign.KeyVault
import io.github.countersign.Opens
import io.github.countersign.Purpose
import io.github.countersign.VaultException
import java.io.File
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.MessageDigest
import java.security.PrivateKey
import java.security.ProviderException
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec

internal const val KEYSTORE = "AndroidKeyStore"

private const val SIGNING = "signing."

/**
 * The vault of a phone: signing keys live in the Android Keystore, in StrongBox where there is one and in the TEE
 * elsewhere, and never leave it.
 *
 * @property folder where the sealed storage keys are; outside of all backups.
 */
class KeystoreVault(private val folder: File, private val person: Person, private val hasStrongBox: Boolean) :
    KeyVault {
    private val storage = StorageKeys(folder)

    override fun storageKey(opens: Opens): ByteArray = storage.get(opens)

    override suspend fun create(name: String, purpose: Purpose): Boolean {
        val isGated = purpose == Purpose.APPROVAL && person.wantsToBeAsked() && SDK_INT >= 30
        if (isGated && !person.canBeAsked()) throw KeyException.Unavailable()
        failing {
            try {
                make(name, purpose, isGated, hasStrongBox && SDK_INT >= 28)
            } catch (failure: ProviderException) {
                // A StrongBox may be full, or slow to death; the TEE is as true.
                if (SDK_INT < 28 || !isStrongBoxMissing(failure)) throw failure
                make(name, purpose, isGated, inStrongBox = false)
            }
        }
        return true
    }

    override fun load(name: String): DeviceKey = failing {
        val store = keystore()
        val private = store.getKey(SIGNING + name, null) as? PrivateKey ?: throw KeyException.Invalidated()
        val public = store.getCertificate(SIGNING + name)?.publicKey as? ECPublicKey ?: throw KeyException.Invalidated()
        KeystoreKey(private, public, name.endsWith(".approval_key"), person)
    }

    override fun destroy(name: String) = try {
        keystore().deleteEntry(SIGNING + name)
    } catch (_: java.security.GeneralSecurityException) {
        throw VaultException.Unreadable()
    }

    /** The certificates with which the phone's maker says what the key is, the key's own first. Null for a key that is gone. */
    fun attestation(name: String): List<ByteArray>? = keystore().getCertificateChain(SIGNING + name)?.map { it.encoded }

    private fun make(name: String, purpose: Purpose, isGated: Boolean, inStrongBox: Boolean) {
        val spec =
            KeyGenParameterSpec.Builder(SIGNING + name, KeyProperties.PURPOSE_SIGN)
                .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
                .setDigests(KeyProperties.DIGEST_SHA256)
                // The phone's maker then says what the key is, over a name that came from the core's randomness.
                .setAttestationChallenge(MessageDigest.getInstance("SHA-256").digest(name.toByteArray()))
        if (isGated) askEachTime(spec)
        if (inStrongBox) inStrongBox(spec)
        // What signs YES needs an unlocked phone even where nobody is asked.
        if (purpose == Purpose.APPROVAL && SDK_INT >= 28) whileUnlocked(spec)
        KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, KEYSTORE).run {
            initialize(spec.build())
            generateKeyPair()
        }
    }
}

internal fun keystore(): KeyStore = KeyStore.getInstance(KEYSTORE).apply { load(null) }

// What is newer than the oldest Android is in functions that say so: the check of the API knows the annotation alone.

@RequiresApi(30)
private fun askEachTime(spec: KeyGenParameterSpec.Builder) {
    spec.setUserAuthenticationRequired(true)
    spec.setUserAuthenticationParameters(0, KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL)
}

@RequiresApi(28)
private fun inStrongBox(spec: KeyGenParameterSpec.Builder) {
    spec.setIsStrongBoxBacked(true)
}

@RequiresApi(28)
internal fun whileUnlocked(spec: KeyGenParameterSpec.Builder) {
    spec.setUnlockedDeviceRequired(true)
}

@RequiresApi(28)
private fun isStrongBoxMissing(failure: ProviderException): Boolean = failure is StrongBoxUnavailableException
