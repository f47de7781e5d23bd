package io.github.countersign

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

/** What ends up in a log when an app writes one of these into it. */
class SecretsTest {
    @Test
    fun aCodeDoesNotPrintItsDigits() {
        assertEquals("OneTimeCode(30 s left)", OneTimeCode("123456", 30u, "654321").toString())
    }

    @Test
    fun aRegistrationDoesNotPrintItsAddress() {
        val webPush = PushRegistration.WebPush("https://push.example/secret", "public", "secret", null)
        assertEquals("PushRegistration(webpush)", webPush.toString())
        assertEquals("PushRegistration(fcm)", PushRegistration.Fcm("secret").toString())
        val apns = PushRegistration.Apns("secret", ApnsEnvironment.PRODUCTION, null)
        assertEquals("PushRegistration(apns)", apns.toString())
    }
}
