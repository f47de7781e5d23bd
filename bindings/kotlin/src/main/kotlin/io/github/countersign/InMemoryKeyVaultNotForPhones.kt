package io.github.countersign

import java.security.SecureRandom

/**
 * A vault that ends with its process, for tests. **Not for phones:** a store that it sealed opens never again, and a
 * phone has hardware for keys.
 *
 * @sample io.github.countersign.samples.Samples.aVaultForTests
 */
public class InMemoryKeyVaultNotForPhones : SoftwareKeyVault() {
    private val secret = ByteArray(SECRET_LENGTH).also(SecureRandom()::nextBytes)

    override fun secret(): ByteArray = secret.copyOf()
}
