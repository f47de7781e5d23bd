package io.github.countersign

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import java.math.BigInteger
import java.security.AlgorithmParameters
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.PublicKey
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.security.spec.ECParameterSpec
import java.security.spec.ECPoint
import java.security.spec.ECPublicKeySpec
import java.util.Base64
import kotlin.test.assertEquals

/** SHA-256 in base64url, by the platform. */
fun sha256(text: String): String =
    Base64.getUrlEncoder().withoutPadding().encodeToString(MessageDigest.getInstance("SHA-256").digest(text.toByteArray()))

/** RFC 7638, of a key on P-256. */
fun thumbprint(jwk: JsonObject): String = sha256("""{"crv":"P-256","kty":"EC","x":${jwk["x"]},"y":${jwk["y"]}}""")

/** A compact JWS, read after PROTOCOL.md with nothing but the platform. */
class Jws(compact: String) {
    private val parts = compact.split('.').also { assertEquals(3, it.size, compact) }
    private val signed = compact.substringBeforeLast('.').toByteArray(Charsets.US_ASCII)
    private val signature = Base64.getUrlDecoder().decode(parts[2])
    val header = json(parts[0])
    val claims = json(parts[1])

    private fun json(part: String) = Json.parseToJsonElement(String(Base64.getUrlDecoder().decode(part))).jsonObject

    /** Whether this key signed it, with ES256. */
    fun fits(jwk: JsonObject): Boolean =
        Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initVerify(publicKey(jwk))
            update(signed)
            signature.size == 64 && verify(signature)
        }
}

private fun publicKey(jwk: JsonObject): PublicKey {
    fun number(name: String) = BigInteger(1, Base64.getUrlDecoder().decode(jwk.getValue(name).jsonPrimitive.content))
    val curve = AlgorithmParameters.getInstance("EC").apply { init(ECGenParameterSpec("secp256r1")) }
    val point = ECPoint(number("x"), number("y"))
    return KeyFactory.getInstance("EC").generatePublic(ECPublicKeySpec(point, curve.getParameterSpec(ECParameterSpec::class.java)))
}
