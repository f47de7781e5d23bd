package io.github.countersign

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class Es256Test {
    private fun pair(curve: String) =
        KeyPairGenerator.getInstance("EC").run {
            initialize(ECGenParameterSpec(curve))
            generateKeyPair()
        }

    /** Often enough that numbers come which are shorter than 32 bytes, and ones with a sign byte before them. */
    @Test
    fun `a signature without DER is the same signature`() {
        val pair = pair("secp256r1")
        for (message in List(1000) { byteArrayOf(it.toByte()) }) {
            val der = Signature.getInstance("SHA256withECDSA").run { initSign(pair.private); update(message); sign() }
            val raw = es256FromDer(der)
            assertEquals(64, raw.size)
            val verifier = Signature.getInstance("SHA256withECDSAinP1363Format")
            assertTrue(verifier.run { initVerify(pair.public); update(message); verify(raw) })
        }
    }

    @Test
    fun `what is no signature is refused`() {
        val whole = byteArrayOf(0x30, 6, 2, 1, 1, 2, 1, 2)
        assertEquals(64, es256FromDer(whole).size)
        val negative = byteArrayOf(0x30, 6, 2, 1, -1, 2, 1, 2)
        val tooLong = byteArrayOf(0x30, 38, 2, 33) + ByteArray(33) { 1 } + byteArrayOf(2, 1, 2)
        val wrong = List(whole.size) { whole.copyOf(it) } + listOf(whole + 0, negative, tooLong, ByteArray(8), ByteArray(72) { 0x30 })
        for (der in wrong) assertThrows<IllegalArgumentException>(der.contentToString()) { es256FromDer(der) }
        for (index in whole.indices - listOf(4, 7)) {
            val changed = whole.copyOf().also { it[index] = (it[index] + 1).toByte() }
            assertThrows<IllegalArgumentException>("byte $index") { es256FromDer(changed) }
        }
    }

    @Test
    fun `a public key is uncompressed, and only of this curve`() {
        val keys = List(300) { uncompressedPublicKey(pair("secp256r1").public as ECPublicKey) }
        assertTrue(keys.all { it.size == 65 && it[0].toInt() == 4 })
        assertThrows<IllegalArgumentException> { uncompressedPublicKey(pair("secp384r1").public as ECPublicKey) }
    }
}
