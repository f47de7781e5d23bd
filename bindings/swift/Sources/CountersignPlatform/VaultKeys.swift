import Countersign
import Foundation

/// The storage keys of a vault without hardware: 32 bytes for each time at which a vault opens.
struct VaultKeys {
    static let length = 64
    let bytes: Data

    /// None when these are not the bytes of keys.
    init?(_ bytes: Data) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = bytes
    }

    private init(fresh bytes: [UInt8]) {
        self.bytes = Data(bytes)
    }

    /// From the operating system's randomness: what Swift's generator gives on the platforms that this is for.
    static func random() -> Self {
        var system = SystemRandomNumberGenerator()
        return Self(fresh: (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &system) })
    }

    subscript(opens: Opens) -> Data {
        switch opens {
        case .afterFirstUnlock: Data(bytes.prefix(32))
        case .whileUnlocked: Data(bytes.suffix(32))
        }
    }
}
