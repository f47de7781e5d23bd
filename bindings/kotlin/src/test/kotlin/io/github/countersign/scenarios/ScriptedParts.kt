package io.github.countersign.scenarios

import io.github.countersign.Clock
import io.github.countersign.DeviceKey
import io.github.countersign.FileKeyVaultNotForPhones
import io.github.countersign.KeyException
import io.github.countersign.KeyVault
import io.github.countersign.Opens
import io.github.countersign.Purpose
import io.github.countersign.PushRegistrar
import io.github.countersign.PushRegistration
import io.github.countersign.VaultException
import io.github.countersign.es256FromDer
import io.github.countersign.uncompressedPublicKey
import java.nio.file.Path
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.MessageDigest
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.time.Instant
import java.util.concurrent.ConcurrentHashMap

/** How a vault gives its keys. */
enum class VaultBehaves { WELL, LOCKED, UNREADABLE, ANOTHER }

/** How hardware keys answer. */
enum class KeysBehave(val error: KeyException?) {
    WELL(null),
    NOT_CONFIRMED(KeyException.NotConfirmed()),
    INVALIDATED(KeyException.Invalidated()),
    UNAVAILABLE(KeyException.Unavailable()),
}

/** A vault in a file, with keys of `java.security` beside it that pass for hardware. */
class ScriptedVault(file: Path) : KeyVault {
    @Volatile var hardware = false

    @Volatile var behaves = VaultBehaves.WELL

    @Volatile var keys = KeysBehave.WELL

    private val file = FileKeyVaultNotForPhones(file)
    private val made = ConcurrentHashMap<String, DeviceKey>()

    override fun storageKey(opens: Opens): ByteArray =
        when (behaves) {
            VaultBehaves.WELL -> file.storageKey(opens)
            VaultBehaves.LOCKED -> throw VaultException.Locked()
            VaultBehaves.UNREADABLE -> throw VaultException.Unreadable()
            VaultBehaves.ANOTHER -> MessageDigest.getInstance("SHA-256").digest(file.storageKey(opens))
        }

    override suspend fun create(name: String, purpose: Purpose, attestationChallenge: ByteArray?): Boolean {
        if (hardware) made[name] = PlatformKey(purpose == Purpose.APPROVAL) { keys }
        return hardware
    }

    override fun load(name: String): DeviceKey {
        if (keys == KeysBehave.INVALIDATED) throw KeyException.Invalidated()
        return made[name] ?: throw KeyException.Invalidated()
    }

    override fun destroy(name: String) {
        made.remove(name)
    }
}

/** A key of `java.security`. One that asks is the only one that a person can refuse. */
class PlatformKey(private val asks: Boolean, private val behave: () -> KeysBehave) : DeviceKey {
    private val pair: KeyPair =
        KeyPairGenerator.getInstance("EC").run {
            initialize(ECGenParameterSpec("secp256r1"))
            generateKeyPair()
        }

    override fun publicKey(): ByteArray = uncompressedPublicKey(pair.public as ECPublicKey)

    override fun asksPerson(): Boolean = asks

    override fun attestation(): List<ByteArray> = emptyList()

    override suspend fun sign(message: ByteArray): ByteArray {
        val behaves = behave()
        if (asks || behaves != KeysBehave.NOT_CONFIRMED) behaves.error?.let { throw it }
        val der =
            Signature.getInstance("SHA256withECDSA").run {
                initSign(pair.private)
                update(message)
                sign()
            }
        return es256FromDer(der)
    }
}

/** The system's clock, wrong by so many seconds. */
class WrongClock : Clock {
    @Volatile var aheadSeconds = 0L

    override fun now(): Instant = Instant.now().plusSeconds(aheadSeconds)
}

/** Gives the library what the table says. */
class ScriptedRegistrar : PushRegistrar {
    @Volatile var registrations: List<PushRegistration> = emptyList()

    override suspend fun registrations(accountId: String, rejected: Boolean, webpushPublicKey: String?): List<PushRegistration> =
        registrations
}
