import Countersign
import CountersignPlatform
import Foundation
import Testing

@Suite("Vaults that are not for phones")
struct VaultTests {
    private let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).vault")

    @Test func keysStayTheSameAndDifferByWhenTheyOpen() async throws {
        let vaults: [any KeyVault] = [InMemoryKeyVaultNotForPhones(), FileKeyVaultNotForPhones(file: file)]
        for vault in vaults {
            let (after, whilst) = (
                try vault.storageKey(opens: .afterFirstUnlock), try vault.storageKey(opens: .whileUnlocked)
            )
            #expect(after.count == 32 && whilst.count == 32 && after != whilst)
            #expect(try vault.storageKey(opens: .afterFirstUnlock) == after)
            #expect(try await !vault.create(name: "key", purpose: .approval, attestationChallenge: nil))
            #expect(throws: KeyError.Invalidated) { try vault.load(name: "key") }
            try vault.destroy(name: "key")
        }
        #expect(
            try InMemoryKeyVaultNotForPhones().storageKey(opens: .whileUnlocked)
                != vaults[0].storageKey(opens: .whileUnlocked))
        let again = FileKeyVaultNotForPhones(file: file)
        #expect(try again.storageKey(opens: .whileUnlocked) == vaults[1].storageKey(opens: .whileUnlocked))
    }

    @Test func theFileIsItsOwnersAlone() throws {
        _ = try FileKeyVaultNotForPhones(file: file).storageKey(opens: .whileUnlocked)
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let folder = try FileManager.default.contentsOfDirectory(atPath: file.deletingLastPathComponent().path)
        #expect(folder.filter { $0.hasPrefix(file.lastPathComponent) } == [file.lastPathComponent])
    }

    @Test func manyAtOnceMakeOneFile() async throws {
        let keys = try await withThrowingTaskGroup(of: Data.self) { group in
            for _ in 0..<50 {
                group.addTask { [file] in try FileKeyVaultNotForPhones(file: file).storageKey(opens: .whileUnlocked) }
            }
            return try await group.reduce(into: Set<Data>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
    }

    @Test(arguments: [0, 1, 63, 65, 1000])
    func aDamagedFileIsUnreadableAndStays(length: Int) throws {
        let damaged = Data(repeating: 7, count: length)
        try damaged.write(to: file)
        for _ in 0..<2 {
            #expect(throws: VaultError.Unreadable) {
                try FileKeyVaultNotForPhones(file: file).storageKey(opens: .whileUnlocked)
            }
        }
        #expect(try Data(contentsOf: file) == damaged)
    }

    @Test func whereNoFileCanBeThereIsNoVault() throws {
        try Data("in the way".utf8).write(to: file)
        for path in [file.appendingPathComponent("vault"), file.deletingLastPathComponent()] {
            #expect(throws: VaultError.Unreadable) {
                try FileKeyVaultNotForPhones(file: path).storageKey(opens: .afterFirstUnlock)
            }
        }
    }
}
