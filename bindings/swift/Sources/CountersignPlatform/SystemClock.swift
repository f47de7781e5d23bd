import Countersign
import Foundation

/// The device's clock, as the system has it.
public final class SystemClock: Countersign.Clock {
    /// There is nothing to choose.
    public init() {}

    /// The present moment.
    public func now() -> Date { Date() }
}
