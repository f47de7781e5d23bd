#if !os(iOS) || targetEnvironment(simulator)
    import Countersign
    import Foundation

    /// A vault that ends with the process: for tests and trials. **Not for phones**, whose hardware keeps keys; the
    /// module for a phone does not have it. A store that it opened is closed for good when it is gone.
    public final class InMemoryKeyVaultNotForPhones: KeyVault {
        private let keys = VaultKeys.random()

        /// Fresh keys.
        public init() {}

        /// 32 bytes, the same ones for as long as this object lives. It never fails, and several may call at once.
        public func storageKey(opens: Opens) -> Data { keys[opens] }

        /// False, at once: there is no hardware here, so the library uses keys of its own.
        public func create(name: String, purpose: Purpose, attestationChallenge: Data?) async -> Bool { false }

        /// There is no hardware key of any name.
        ///
        /// - Throws: `KeyError.Invalidated`, always.
        public func load(name: String) throws -> any DeviceKey { throw KeyError.Invalidated }

        /// Nothing is there to destroy, so this never fails.
        public func destroy(name: String) {}
    }
#endif
