import Foundation

extension Data {
    /// Reads base64url without padding.
    public init?(base64URL text: String) {
        let usual = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        self.init(base64Encoded: usual + String(repeating: "=", count: (4 - usual.count % 4) % 4))
    }

    /// Base64url without padding.
    public var base64URL: String {
        base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
