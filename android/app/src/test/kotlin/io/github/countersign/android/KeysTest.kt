package io.github.countersign.android

import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import io.github.countersign.KeyException
import io.github.countersign.Opens
import io.github.countersign.Purpose
import io.github.countersign.VaultException
import io.github.countersign.android.keys.KeystoreVault
import io.github.countersign.android.keys.Person
import io.github.countersign.android.world.FakeKeystore
import io.github.countersign.android.world.ScriptedPerson
import io.github.countersign.android.world.invalidated
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import java.security.InvalidAlgorithmParameterException
import java.security.ProviderException

private const val APPROVAL = "abc.approval_key"
private const val REQUEST = "abc.request_key"

/** The keys of the phone, over a Keystore that does what a test says. */
@RunWith(RobolectricTestRunner::class)
class KeysTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val person = ScriptedPerson()
    private var mustConfirm = false

    @Before
    fun freshPhone() = FakeKeystore.install()

    private fun vault(hasStrongBox: Boolean = true) = KeystoreVault(
        folder.root,
        Person(person) {
            mustConfirm
        },
        hasStrongBox,
    )

    private fun make(name: String) = runBlocking { vault().create(name, Purpose.REQUEST, null) }

    @Test
    fun keysAreMadeInStrongBox() = runBlocking {
        assertTrue(vault().create(REQUEST, Purpose.REQUEST, null))
        assertTrue(vault().create(APPROVAL, Purpose.APPROVAL, null))
        val (request, approval) = listOf(REQUEST, APPROVAL).map { FakeKeystore.specs.getValue("signing.$it") }
        for (spec in listOf(request, approval)) {
            assertTrue(spec.isStrongBoxBacked)
            assertEquals(KeyProperties.PURPOSE_SIGN, spec.purposes)
            assertNull("the server did not ask", spec.attestationChallenge)
        }
        assertFalse(
            "it signs in the background",
            request.isUserAuthenticationRequired || request.isUnlockedDeviceRequired,
        )
        assertTrue("YES needs an unlocked phone", approval.isUnlockedDeviceRequired)
        assertFalse("nobody asked for it", approval.isUserAuthenticationRequired)
        assertEquals("it says nothing of itself", emptyList<ByteArray>(), vault().load(APPROVAL).attestation())
    }

    @Test
    fun whereTheServerAsksThePhonesMakerSaysWhatTheKeyIs() = runBlocking {
        mustConfirm = true
        val challenge = ByteArray(32) { it.toByte() }
        assertTrue(vault().create(APPROVAL, Purpose.APPROVAL, challenge))
        val spec = FakeKeystore.specs.getValue("signing.$APPROVAL")
        assertArrayEquals(challenge, spec.attestationChallenge)
        assertTrue(spec.isStrongBoxBacked && spec.isUserAuthenticationRequired)
        assertEquals("else the server does not count it as gated", KeyProperties.PURPOSE_SIGN, spec.purposes)
        val key = vault().load(APPROVAL)
        val (leaf, root) = key.attestation()
        val certified = leaf.copyOfRange(leaf.size - 65, leaf.size)
        assertArrayEquals("the key's own certificate first", key.publicKey(), certified)
        assertArrayEquals(FakeKeystore.makersKey.encoded, root)
    }

    @Test
    fun aStrongBoxThatCannotAttestLeavesItToTheTee() = runBlocking {
        FakeKeystore.failing = { if (it.isStrongBoxBacked) ProviderException("no attestation key") else null }
        assertTrue(vault().create(APPROVAL, Purpose.APPROVAL, ByteArray(32)))
        assertFalse(FakeKeystore.specs.getValue("signing.$APPROVAL").isStrongBoxBacked)
        assertEquals(2, vault().load(APPROVAL).attestation().size)
    }

    @Test
    fun aPhoneThatCannotAttestMakesTheKeyAllTheSame() = runBlocking {
        FakeKeystore.failing = { it.attestationChallenge?.let { ProviderException("no attestation key") } }
        assertTrue(vault().create(APPROVAL, Purpose.APPROVAL, ByteArray(32)))
        val spec = FakeKeystore.specs.getValue("signing.$APPROVAL")
        assertNull(spec.attestationChallenge)
        assertTrue("the better place is kept", spec.isStrongBoxBacked)
        assertEquals(emptyList<ByteArray>(), vault().load(APPROVAL).attestation())
    }

    @Test
    fun aGatedKeyAsksForEachSignature() = runBlocking {
        mustConfirm = true
        vault().create(APPROVAL, Purpose.APPROVAL, null)
        val spec = FakeKeystore.specs.getValue("signing.$APPROVAL")
        assertTrue(spec.isUserAuthenticationRequired)
        assertEquals(0, spec.userAuthenticationValidityDurationSeconds)
        assertEquals(
            KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL,
            spec.userAuthenticationType,
        )
        val key = vault().load(APPROVAL)
        assertTrue(key.asksPerson())
        assertEquals(65, key.publicKey().size)
        assertEquals(64, key.sign("YES".toByteArray()).size)
        assertEquals(1, person.asked.size)
        person.agrees = false
        assertThrows(KeyException.NotConfirmed::class.java) { runBlocking { key.sign("YES".toByteArray()) } }
        Unit
    }

    @Test
    fun theSettingAsksForAKeyThatDoesNot() = runBlocking {
        vault().create(APPROVAL, Purpose.APPROVAL, null)
        vault().create(REQUEST, Purpose.REQUEST, null)
        mustConfirm = true
        person.agrees = false
        assertFalse("only a gated key is true of user verified", vault().load(APPROVAL).asksPerson())
        assertThrows(KeyException.NotConfirmed::class.java) {
            runBlocking { vault().load(APPROVAL).sign(ByteArray(1)) }
        }
        assertEquals("nothing stands before a NO", 64, vault().load(REQUEST).sign(ByteArray(1)).size)
    }

    @Test
    fun withoutStrongBoxTheTeeServes() = runBlocking {
        FakeKeystore.failing = { if (it.isStrongBoxBacked) StrongBoxUnavailableException() else null }
        assertTrue(vault().create(REQUEST, Purpose.REQUEST, null))
        assertFalse(FakeKeystore.specs.getValue("signing.$REQUEST").isStrongBoxBacked)
    }

    @Test
    fun eachFailureOfTheKeystoreHasItsWord() = runBlocking {
        FakeKeystore.failing = { InvalidAlgorithmParameterException("Secure lock screen must be enabled") }
        assertThrows(KeyException.Unavailable::class.java) { make(REQUEST) }
        FakeKeystore.failing = { ProviderException("the service is dead") }
        assertThrows(KeyException.Unavailable::class.java) { make(REQUEST) }
        FakeKeystore.failing = null
        mustConfirm = true
        person.isSecure = false
        assertThrows(KeyException.Unavailable::class.java) {
            runBlocking { vault().create(APPROVAL, Purpose.APPROVAL, null) }
        }
        assertThrows(KeyException.Invalidated::class.java) { vault().load("never made") }
        vault().create(REQUEST, Purpose.REQUEST, null)
        FakeKeystore.refusing = java.security.UnrecoverableKeyException().apply { initCause(invalidated()) }
        assertThrows(KeyException.Invalidated::class.java) { vault().load(REQUEST) }
        FakeKeystore.refusing = ProviderException("busy")
        assertThrows(KeyException.Unavailable::class.java) { vault().load(REQUEST) }
        FakeKeystore.refusing = null
        vault().destroy(REQUEST)
        assertThrows(KeyException.Invalidated::class.java) { vault().load(REQUEST) }
        Unit
    }

    @Test
    fun theStorageKeysStayTheSameAndAreTwo() {
        val (first, second) = Opens.entries.map { vault().storageKey(it) }
        assertEquals(32, first.size)
        assertFalse(first.contentEquals(second))
        assertArrayEquals(first, vault().storageKey(Opens.AFTER_FIRST_UNLOCK))
        assertArrayEquals(second, vault().storageKey(Opens.WHILE_UNLOCKED))
        assertTrue(FakeKeystore.specs.getValue("storage.while-unlocked").isUnlockedDeviceRequired)
        assertFalse(
            "a notification opens on a locked phone",
            FakeKeystore.specs.getValue("storage.after-first-unlock").isUnlockedDeviceRequired,
        )
    }

    @Test
    fun aCopyOnAnotherPhoneIsNoticedAndLeftAsItIs() {
        vault().storageKey(Opens.AFTER_FIRST_UNLOCK)
        val before = folder.root.listFiles().orEmpty().single().readBytes()
        FakeKeystore.lose("storage.after-first-unlock")
        assertThrows(VaultException.Unreadable::class.java) { vault().storageKey(Opens.AFTER_FIRST_UNLOCK) }
        assertArrayEquals(before, folder.root.listFiles().orEmpty().single().readBytes())
        assertFalse("no new key takes its place", "storage.after-first-unlock" in FakeKeystore.names())
    }

    @Test
    fun aLockedPhoneIsNotALostKey() {
        vault().storageKey(Opens.WHILE_UNLOCKED)
        FakeKeystore.refusing = ProviderException("locked")
        assertThrows(VaultException.Locked::class.java) { vault().storageKey(Opens.WHILE_UNLOCKED) }
        FakeKeystore.refusing = null
        assertEquals(32, vault().storageKey(Opens.WHILE_UNLOCKED).size)
    }
}
