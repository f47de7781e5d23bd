package io.github.countersign.android.keys

import android.os.Build.VERSION.SDK_INT
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
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

    override suspend fun create(name: String, purpose: Purpose, attestationChallenge: ByteArray?): Boolean {
        val isGated = purpose == Purpose.APPROVAL && person.wantsToBeAsked() && SDK_INT >= 30
        if (isGated && !person.canBeAsked()) throw KeyException.Unavailable()
        failing { makeWhereItCan(name, purpose, isGated, attestationChallenge) }
        return true
    }

    override fun load(name: String): DeviceKey = failing {
        val store = keystore()
        val private = store.getKey(SIGNING + name, null) as? PrivateKey ?: throw KeyException.Invalidated()
        val public = store.getCertificate(SIGNING + name)?.publicKey as? ECPublicKey ?: throw KeyException.Invalidated()
        KeystoreKey(private, public, name.endsWith(".approval_key"), person) { chainOf(name) }
    }

    override fun destroy(name: String) = try {
        keystore().deleteEntry(SIGNING + name)
    } catch (_: java.security.GeneralSecurityException) {
        throw VaultException.Unreadable()
    }

    // The Keystore signs the certificate of a key that was made without a challenge with that key itself: it says nothing.
    private fun chainOf(name: String): List<ByteArray> =
        keystore().getCertificateChain(SIGNING + name).orEmpty().map { it.encoded }.takeIf { it.size > 1 }.orEmpty()

    /**
     * A StrongBox may be full, or slow to death: the TEE is as true. A phone that cannot say now what a key is makes
     * it all the same: whether that is enough is for the server to say.
     */
    private fun makeWhereItCan(name: String, purpose: Purpose, isGated: Boolean, challenge: ByteArray?) {
        val places = if (hasStrongBox && SDK_INT >= 28) listOf(true, false) else listOf(false)
        val ways = listOf(challenge, null).distinct().flatMap { said -> places.map { said to it } }
        for ((said, inStrongBox) in ways.dropLast(1)) {
            try {
                return make(name, purpose, isGated, said, inStrongBox)
            } catch (_: ProviderException) {
                // The next way is tried, and what the last one throws is heard.
                continue
            }
        }
        make(name, purpose, isGated, null, inStrongBox = false)
    }

    private fun make(name: String, purpose: Purpose, isGated: Boolean, challenge: ByteArray?, inStrongBox: Boolean) {
        val spec =
            KeyGenParameterSpec.Builder(SIGNING + name, KeyProperties.PURPOSE_SIGN)
                .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
                .setDigests(KeyProperties.DIGEST_SHA256)
        // With it the phone's maker says what the key is.
        challenge?.let(spec::setAttestationChallenge)
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
