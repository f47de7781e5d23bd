#if !os(iOS) || targetEnvironment(simulator)
    import Countersign
    import Foundation

    /// A vault in a file that only its owner can read: for tests and desktops. **Not for phones**, whose hardware keeps
    /// keys; the module for a phone does not have it. Keep the file out of backups.
    public final class FileKeyVaultNotForPhones: KeyVault {
        private let path: String

        /// The vault in this file, which is made when a key is first asked for.
        public init(file: URL) { path = file.path }

        /// The same 32 bytes each time. It reads the file on the thread that calls; several may call at once.
        ///
        /// - Throws: `VaultError.Unreadable` when the file is damaged, or cannot be read or made. It is then left as it
        ///   is.
        public func storageKey(opens: Opens) throws -> Data {
            if let keys = try read() { return keys[opens] }
            try write(VaultKeys.random())
            // Another process may have been faster: what is in the file counts.
            guard let keys = try read() else { throw VaultError.Unreadable }
            return keys[opens]
        }

        /// False, at once: there is no hardware here, so the library uses keys of its own.
        public func create(name: String, purpose: Purpose, attestationChallenge: Data?) async -> Bool { false }

        /// There is no hardware key of any name.
        ///
        /// - Throws: `KeyError.Invalidated`, always.
        public func load(name: String) throws -> any DeviceKey { throw KeyError.Invalidated }

        /// Nothing is there to destroy, so this never fails.
        public func destroy(name: String) {}

        /// None when there is no file.
        private func read() throws -> VaultKeys? {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                if errno == ENOENT { return nil }
                throw VaultError.Unreadable
            }
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            guard let bytes = try? file.read(upToCount: VaultKeys.length + 1), let keys = VaultKeys(bytes) else {
                throw VaultError.Unreadable
            }
            return keys
        }

        /// Writes a whole file under another name and links it to its own, which fails when there is one by now: nobody
        /// reads half a file, and nothing is overwritten.
        private func write(_ keys: VaultKeys) throws {
            let unfinished = "\(path).\(UUID().uuidString)"
            let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw VaultError.Unreadable }
            defer { unlink(unfinished) }
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            do {
                try file.write(contentsOf: keys.bytes)
                try file.synchronize()
            } catch {
                throw VaultError.Unreadable
            }
            guard link(unfinished, path) == 0 || errno == EEXIST else { throw VaultError.Unreadable }
        }
    }
#endif
