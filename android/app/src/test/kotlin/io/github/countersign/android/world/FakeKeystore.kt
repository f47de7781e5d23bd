package io.github.countersign.android.world

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyInfo
import java.io.InputStream
import java.io.OutputStream
import java.security.InvalidKeyException
import java.security.Key
import java.security.KeyFactory
import java.security.KeyFactorySpi
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyPairGeneratorSpi
import java.security.KeyStoreSpi
import java.security.PrivateKey
import java.security.Provider
import java.security.PublicKey
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.interfaces.ECPrivateKey
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.KeySpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/** A phone's Keystore, which Robolectric lacks: in memory, with what was asked of each key, and failures to order. */
class FakeKeystore : Provider("AndroidKeyStore", "1", "A keystore for tests") {
    init {
        put("KeyStore.AndroidKeyStore", Store::class.java.name)
        put("KeyPairGenerator.EC", Pairs::class.java.name)
        put("KeyGenerator.AES", Secrets::class.java.name)
        put("KeyFactory.EC", Infos::class.java.name)
    }

    companion object {
        /** What was asked of each key. */
        val specs = mutableMapOf<String, KeyGenParameterSpec>()
        private val keys = mutableMapOf<String, Key>()
        private val certificates = mutableMapOf<String, List<Certificate>>()

        /** The key of the phone's maker. */
        val makersKey: PublicKey by lazy { KeyPairGenerator.getInstance("EC", "BC").generateKeyPair().public }

        /** What making a key throws, while it is set. */
        var failing: ((KeyGenParameterSpec) -> Exception?)? = null

        /** What asking for a key throws, while it is set. */
        var refusing: Exception? = null

        /** A fresh phone. */
        fun install() {
            Security.removeProvider("AndroidKeyStore")
            specs.clear()
            keys.clear()
            certificates.clear()
            failing = null
            refusing = null
            Security.addProvider(FakeKeystore())
        }

        /** Another phone: what was sealed here opens nowhere. */
        fun lose(alias: String) {
            keys.remove(alias)
        }

        /** The names of the keys that are there. */
        fun names(): Set<String> = keys.keys.toSet()
    }

    /** A certificate that has a public key and nothing else. */
    private class Bare(private val key: PublicKey) : Certificate("X.509") {
        override fun getEncoded(): ByteArray = key.encoded

        override fun verify(key: PublicKey) = Unit

        override fun verify(key: PublicKey, provider: String) = Unit

        override fun toString(): String = "a bare key"

        override fun getPublicKey(): PublicKey = key
    }

    class Pairs : KeyPairGeneratorSpi() {
        private lateinit var spec: KeyGenParameterSpec

        override fun initialize(size: Int, random: SecureRandom?) = error("needs a spec")

        override fun initialize(params: AlgorithmParameterSpec, random: SecureRandom?) {
            spec = params as KeyGenParameterSpec
        }

        override fun generateKeyPair(): KeyPair {
            failing?.invoke(spec)?.let { throw it }
            val pair = KeyPairGenerator.getInstance("EC", "BC").apply {
                initialize(spec.algorithmParameterSpec)
            }.generateKeyPair()
            specs[spec.keystoreAlias] = spec
            keys[spec.keystoreAlias] = pair.private
            // As Android does: where no challenge was given, one certificate that the key has signed itself.
            certificates[spec.keystoreAlias] =
                listOfNotNull(Bare(pair.public), spec.attestationChallenge?.let { Bare(makersKey) })
            return pair
        }
    }

    class Secrets : KeyGeneratorSpi() {
        private lateinit var spec: KeyGenParameterSpec

        override fun engineInit(random: SecureRandom?) = Unit

        override fun engineInit(params: AlgorithmParameterSpec, random: SecureRandom?) {
            spec = params as KeyGenParameterSpec
        }

        override fun engineInit(size: Int, random: SecureRandom?) = error("needs a spec")

        override fun engineGenerateKey(): SecretKey =
            KeyGenerator.getInstance("AES", "BC").apply { init(spec.keySize) }.generateKey().also {
                specs[spec.keystoreAlias] = spec
                keys[spec.keystoreAlias] = it
            }
    }

    /** Says of a key what was asked of it. */
    class Infos : KeyFactorySpi() {
        override fun engineGeneratePublic(spec: KeySpec) = error("no import")

        override fun engineGeneratePrivate(spec: KeySpec) = error("no import")

        override fun engineTranslateKey(key: Key) = error("no translation")

        override fun <T : KeySpec> engineGetKeySpec(key: Key, wanted: Class<T>): T {
            val alias = keys.entries.first { (it.value as? ECPrivateKey)?.s == (key as ECPrivateKey).s }.key
            return wanted.cast(infoOf(specs.getValue(alias))) ?: error("it is there")
        }

        private fun infoOf(spec: KeyGenParameterSpec): KeyInfo {
            val made = KeyInfo::class.java.declaredConstructors.maxBy { it.parameterCount }
            made.isAccessible = true
            val gated = KeyInfo::class.java.declaredFields.first { it.name == "mUserAuthenticationRequired" }
            val values = made.parameterTypes.map { type ->
                if (type.isPrimitive) {
                    zeroOf(type)
                } else if (type.isArray) {
                    java.lang.reflect.Array.newInstance(type.componentType, 0)
                } else {
                    null
                }
            }
            val info = made.newInstance(*values.toTypedArray()) as KeyInfo
            gated.isAccessible = true
            gated.setBoolean(info, spec.isUserAuthenticationRequired)
            return info
        }

        private fun zeroOf(type: Class<*>): Any = when (type) {
            java.lang.Boolean.TYPE -> false
            java.lang.Long.TYPE -> 0L
            else -> 0
        }
    }

    class Store : KeyStoreSpi() {
        override fun engineGetKey(alias: String, password: CharArray?): Key? {
            refusing?.let { throw it }
            return keys[alias]
        }

        override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

        override fun engineDeleteEntry(alias: String) {
            keys.remove(alias)
        }

        override fun engineContainsAlias(alias: String) = alias in keys

        override fun engineAliases(): Enumeration<String> = Collections.enumeration(keys.keys)

        override fun engineSize() = keys.size

        override fun engineIsKeyEntry(alias: String) = alias in keys

        override fun engineIsCertificateEntry(alias: String) = false

        override fun engineGetCertificateChain(alias: String): Array<Certificate>? = certificates[alias]?.toTypedArray()

        override fun engineGetCertificate(alias: String): Certificate? = certificates[alias]?.first()

        override fun engineGetCreationDate(alias: String): Date? = null

        override fun engineSetKeyEntry(alias: String, key: Key?, password: CharArray?, chain: Array<out Certificate>?) =
            error("no import")

        override fun engineSetKeyEntry(alias: String, key: ByteArray?, chain: Array<out Certificate>?) =
            error("no import")

        override fun engineSetCertificateEntry(alias: String, certificate: Certificate?) = error("no import")

        override fun engineGetCertificateAlias(certificate: Certificate?): String? = null

        override fun engineStore(stream: OutputStream?, password: CharArray?) = Unit
    }
}

/** What a Keystore throws at a key that a new fingerprint has destroyed. */
fun invalidated(): InvalidKeyException = android.security.keystore.KeyPermanentlyInvalidatedException()

/** The private key of a name, as the Keystore has it. */
fun privateKey(alias: String): PrivateKey =
    java.security.KeyStore.getInstance("AndroidKeyStore").apply { load(null) }.getKey(alias, null) as PrivateKey

/** A factory of this keystore. */
fun keyFactory(): KeyFactory = KeyFactory.getInstance("EC", "AndroidKeyStore")
