// swift-tools-version: 6.0
import Foundation
import PackageDescription

// On a Mac, the script `xcframework` puts the libraries for phones, simulators and Macs here. Without it the library of
// this machine is linked, from the folder that is given with `-Xlinker -L`: that is how the tests run.
let framework = "CountersignFFI.xcframework"
let isPackaged = FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + framework)
let ffi: Target =
    isPackaged
    ? .binaryTarget(name: "CountersignFFI", path: framework)
    : .systemLibrary(name: "CountersignFFI")
let linked: [LinkerSetting] =
    isPackaged
    ? [.linkedFramework("Security"), .linkedFramework("CoreFoundation")]
    : [.linkedLibrary("countersign_bindings")]

let package = Package(
    name: "Countersign",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Countersign", targets: ["Countersign", "CountersignPlatform"])],
    targets: [
        // Generated: a header and its module map.
        ffi,
        // Generated, but for nothing: Swift 6 mode crashes the compiler on foreign traits that are async.
        .target(
            name: "Countersign",
            dependencies: ["CountersignFFI"],
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: linked
        ),
        // What we write: the parts of a platform. A module of its own, so that it keeps Swift 6 mode.
        .target(name: "CountersignPlatform", dependencies: ["Countersign"]),
        .target(name: "ScenarioPlayer", dependencies: ["CountersignPlatform"], path: "Tests/ScenarioPlayer"),
        .executableTarget(name: "ReceiveAndDie", dependencies: ["ScenarioPlayer"], path: "Tests/ReceiveAndDie"),
        .testTarget(
            name: "CountersignTests",
            dependencies: ["CountersignPlatform", "ScenarioPlayer", "ReceiveAndDie"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
