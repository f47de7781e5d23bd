package io.github.countersign.samples

import io.github.countersign.DeviceKey
import io.github.countersign.FileKeyVaultNotForPhones
import io.github.countersign.HttpRequest
import io.github.countersign.HttpUrlConnectionTransport
import io.github.countersign.InMemoryKeyVaultNotForPhones
import io.github.countersign.Opens
import io.github.countersign.TransportException
import io.github.countersign.es256FromDer
import io.github.countersign.scenarios.root
import io.github.countersign.uncompressedPublicKey
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.nio.file.Files
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.time.Duration
import kotlin.io.path.extension
import kotlin.io.path.readText
import kotlin.io.path.walk
import kotlin.test.assertEquals

/** The examples of the documentation. Each is a test. */
class Samples {
    @Test
    fun aTransportSendsOneRequest() = runBlocking {
        val request = HttpRequest("GET", "http://127.0.0.1:1/", emptyList(), ByteArray(0), Duration.ofSeconds(20), 1024u)
        val said =
            try {
                "status ${HttpUrlConnectionTransport().send(request).status}"
            } catch (none: TransportException.Unreachable) {
                none.reason
            }
        assertEquals("nothing answers there", said)
    }

    @Test
    fun aVaultForTests() {
        val vault = InMemoryKeyVaultNotForPhones()
        assertEquals(32, vault.storageKey(Opens.AFTER_FIRST_UNLOCK).size)
    }

    @Test
    fun aVaultForDesktops() {
        val folder = Files.createTempDirectory("countersign")
        val vault = FileKeyVaultNotForPhones(folder.resolve("vault"))
        assertEquals(32, vault.storageKey(Opens.WHILE_UNLOCKED).size)
        folder.toFile().deleteRecursively()
    }

    @Test
    fun aKeyOfThePlatform() = runBlocking {
        // On a phone: KeyPairGenerator.getInstance("EC", "AndroidKeyStore"), which keeps the private half for itself.
        val generator = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }
        val pair = generator.generateKeyPair()
        val key =
            object : DeviceKey {
                override fun publicKey() = uncompressedPublicKey(pair.public as ECPublicKey)

                override fun asksPerson() = false

                override fun attestation() = emptyList<ByteArray>()

                override suspend fun sign(message: ByteArray): ByteArray {
                    val signature = Signature.getInstance("SHA256withECDSA").apply { initSign(pair.private) }
                    return es256FromDer(signature.apply { update(message) }.sign())
                }
            }
        assertEquals(65 to 64, key.publicKey().size to key.sign("message".toByteArray()).size)
    }

    /** A renamed sample would leave the documentation with an example of nothing. */
    @Test
    fun `every sample that is named is here, and every one that is here is named`() {
        val sources = root.resolve("bindings/kotlin/src/main/kotlin").walk().filter { it.extension == "kt" }
        val named = sources.flatMap { Regex("@sample (\\S+)").findAll(it.readText()).map { found -> found.groupValues[1] } }
        val here = Samples::class.java.declaredMethods.filter { it.isAnnotationPresent(Test::class.java) && ' ' !in it.name }
        assertEquals(here.map { "${Samples::class.qualifiedName}.${it.name}" }.toSet(), named.toSet())
    }
}
