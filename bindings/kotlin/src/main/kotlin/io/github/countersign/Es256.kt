package io.github.countersign

import java.math.BigInteger
import java.security.interfaces.ECPublicKey

private const val NUMBER_LENGTH = 32
private const val DER_SEQUENCE = 0x30
private const val DER_INTEGER = 0x02

/**
 * The public key as [DeviceKey.publicKey] gives it: 65 bytes, `04`, x, y. For keys of `java.security`, which the Android
 * Keystore gives too.
 *
 * @throws IllegalArgumentException for a key on another curve than P-256.
 * @sample io.github.countersign.samples.Samples.aKeyOfThePlatform
 */
public fun uncompressedPublicKey(key: ECPublicKey): ByteArray {
    require(key.params.curve.field.fieldSize == NUMBER_LENGTH * Byte.SIZE_BITS) { "not a key on P-256" }
    return byteArrayOf(4) + fixedLength(key.w.affineX) + fixedLength(key.w.affineY)
}

/**
 * A signature as [DeviceKey.sign] gives it, r and s of 32 bytes each, from the DER that `SHA256withECDSA` makes. The
 * JVM can leave DER out by itself (`SHA256withECDSAinP1363Format`); Android cannot.
 *
 * @throws IllegalArgumentException for what is no such signature.
 * @sample io.github.countersign.samples.Samples.aKeyOfThePlatform
 */
public fun es256FromDer(der: ByteArray): ByteArray {
    // Both numbers have at most 33 bytes, so every length is one byte.
    require(der.size in 8..72 && der[0].toInt() == DER_SEQUENCE && der[1].toInt() == der.size - 2) { "not a signature" }
    val secondAt = integerEnd(der, 2)
    require(integerEnd(der, secondAt) == der.size) { "not a signature" }
    return fixedLength(integer(der, 2)) + fixedLength(integer(der, secondAt))
}

private fun integerEnd(der: ByteArray, at: Int): Int {
    require(at + 2 < der.size && der[at].toInt() == DER_INTEGER && der[at + 1] in 1..33) { "not a signature" }
    val end = at + 2 + der[at + 1]
    require(end <= der.size) { "not a signature" }
    return end
}

private fun integer(der: ByteArray, at: Int) = BigInteger(der.copyOfRange(at + 2, at + 2 + der[at + 1]))

private fun fixedLength(number: BigInteger): ByteArray {
    require(number.signum() >= 0 && number.bitLength() <= NUMBER_LENGTH * Byte.SIZE_BITS) { "not a number of P-256" }
    val bytes = number.toByteArray()
    val from = (bytes.size - NUMBER_LENGTH).coerceAtLeast(0)
    return ByteArray(NUMBER_LENGTH).also { bytes.copyInto(it, NUMBER_LENGTH - (bytes.size - from), from) }
}
