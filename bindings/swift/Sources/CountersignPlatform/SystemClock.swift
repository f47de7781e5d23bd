import Countersign
import Foundation

/// The device's clock, as the system has it.
public final class SystemClock: Countersign.Clock {
    /// There is nothing to choose.
    public init() {}

    /// The present moment. May be called from any thread, from several at once; it never blocks.
    public func now() -> Date { Date() }
}
