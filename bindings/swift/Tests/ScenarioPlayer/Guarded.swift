import Foundation

/// A value that calls from any thread share.
public final class Guarded<Value>: @unchecked Sendable {
    private let lock = NSLock()
    /// Only read and written while `lock` is held.
    private var value: Value

    public init(_ value: Value) { self.value = value }

    public func with<Result>(_ use: (inout Value) -> Result) -> Result {
        lock.withLock { use(&value) }
    }

    public var now: Value { with { $0 } }
}
